"""``updateinfo.xml`` of repositories that dnf and zypper read: updates with the packages that they bring.

One ``update`` with ``id``, ``severity``, ``issued``, ``references`` and a ``pkglist`` of collections; a collection may
belong to one stream of a module (https://github.com/rpm-software-management/createrepo_c).
"""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.vulnerability import Advisory, Affected, Kind, VersionRange
from leadline.packages.documents import Element
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, rating
from leadline.vulnerabilities.feed_formats.releases import Release
from leadline.vulnerabilities.feed_formats.updates import by_architecture, module_in
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    LeftOut,
    cves,
    date,
    identifier,
    line,
    links,
    name,
    version,
)
from leadline.vulnerabilities.feed_formats.xml import elements

NOT_INSTALLED = ("-debuginfo", "-debugsource")
"""Endings of packages that no image has."""


class Collection(Struct, frozen=True):
    """What is known where a list of packages begins."""

    update: str
    """Id of the update."""
    short: str
    name: str
    release: str
    """As the update says it, ``Rocky Linux 8``; empty where it does not."""


ReleaseOf = Callable[[Collection], Release]


def is_updateinfo(document: Document, mark: bytes) -> bool:
    """Whether a document is a list of updates with ``mark`` near its beginning."""
    return b"<updates>" in document.head and b"<update " in document.head and mark in document.head


def read_updates(document: Document, release_of: ReleaseOf) -> Facts:
    """One advisory for every update. ``release_of`` raises ``Unreadable`` for what it does not know."""
    left_out = LeftOut()
    for update in elements(document, "updates", "update"):
        try:
            yield _advisory(update, release_of)
        except Unreadable as error:
            left_out.add(update.value("id") or "an update", error)
    left_out.check()


def _advisory(update: Element, release_of: ReleaseOf) -> Advisory:
    own_id = identifier(update.value("id"))
    affected = by_architecture(_affected(update, own_id, release_of))
    if not affected:
        raise Unreadable("an update without packages")
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"an update with {len(affected):,} packages")
    references = update.child("references").children
    return Advisory(
        own_id,
        affected,
        covers=cves([one.attributes.get("id", "") for one in references] + [update.value("title")]),
        kind=_kind(update.attributes.get("type", "")),
        severity=rating(update.value("severity")),
        summary=line(update.value("title")),
        published=date(update.child("issued").attributes.get("date")),
        modified=date(update.child("updated").attributes.get("date")),
        references=links(one.attributes.get("href") for one in references),
    )


def _kind(written: str) -> Kind:
    return "security" if written == "security" else "bug fix"


def _affected(update: Element, own_id: str, release_of: ReleaseOf) -> Iterator[tuple[Affected, str]]:
    for collection in update.child("pkglist").children:
        if collection.name != "collection":
            continue
        named = Collection(
            own_id, collection.attributes.get("short", ""), collection.value("name"), update.value("release")
        )
        release = release_of(named)
        module = collection.child("module").attributes
        stream = f"{module['name']}:{module['stream']}" if {"name", "stream"} <= module.keys() else ""
        for package in collection.children:
            if package.name == "package" and not package.attributes.get("name", "").endswith(NOT_INSTALLED):
                one = _one(package.attributes, release)
                if ".module" in one.ranges[0].fixed:
                    one = replace(one, module=stream or module_in(update.value("title"), one.package))
                yield one, package.attributes.get("arch", "")


def _one(given: Mapping[str, str], release: Release) -> Affected:
    return Affected(
        release.ecosystem,
        name(given.get("name")),
        release.number,
        release.channel,
        (VersionRange(fixed=evr(given.get("epoch"), given.get("version"), given.get("release"))),),
        is_source=False,
    )


def evr(epoch: str | None, number: str | None, release: str | None) -> str:
    """``1:2.0-3.el9``; an epoch of 0 is not written. Raises ``Unreadable``."""
    found = version(f"{(number or '').strip()}-{release.strip()}" if release else number)
    if found.startswith("-"):
        raise Unreadable("a package without a version")
    return (
        found
        if (epoch or "0").strip() in ("", "0", "(none)")
        else version(f"{(epoch or '').strip()}:{found}")
    )
