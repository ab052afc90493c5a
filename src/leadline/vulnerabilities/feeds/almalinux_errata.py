"""AlmaLinux's errata as the distribution itself lists them, one file per release (https://errata.almalinux.org/9/errata.json).

Each has ``updateinfo_id``, times in milliseconds, a ``severity`` and a ``pkglist`` of packages, which may be of one stream
of a module. Those about security have ``ALSA`` in their ids.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Raw, Struct, field
from msgspec.structs import replace

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.updateinfo import NOT_INSTALLED, evr
from leadline.vulnerabilities.feed_formats.updates import by_architecture, module_in
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    cves,
    date,
    decode,
    each,
    identifier,
    line,
    links,
    name,
)

_RELEASE = re.compile(r"almalinux[-_ ](\d+)\b|\.el(\d+)", re.IGNORECASE)
_LAST_MS = 253_402_300_799_000
"""The end of the year 9999."""


class _Date(Struct, frozen=True):
    ms: int = field(name="$date", default=0)


class _Package(Struct, frozen=True):
    name: str | None = None
    version: str | None = None
    release: str | None = None
    epoch: str | None = None
    arch: str = ""


class _Module(Struct, frozen=True):
    name: str = ""
    stream: str = ""


class _Packages(Struct, frozen=True):
    name: str = ""
    packages: list[_Package] | None = None
    module: _Module | None = None


class _Reference(Struct, frozen=True):
    id: str = ""
    href: str = ""


class _Erratum(Struct, frozen=True):
    updateinfo_id: str | None = None
    issued_date: _Date = _Date()
    updated_date: _Date = _Date()
    severity: str = ""
    title: str = ""
    type: str = ""
    pkglist: _Packages = _Packages()
    references: list[_Reference] | None = None


@feed(
    "almalinux-errata",
    "AlmaLinux errata (errata.json)",
    recognises=lambda document: b'"updateinfo_id"' in document.head and b"lmalinux" in document.head,
    licence="not stated",
)
def almalinux_errata(document: Document) -> Facts:
    errata = decode(document.data, list[Raw], "the list")
    yield from each(((f"erratum {number}", one) for number, one in enumerate(errata, 1)), _advisory)


def _advisory(content: Raw) -> Facts:
    erratum = decode(content, _Erratum, "the erratum")
    own_id = identifier(erratum.updateinfo_id)
    affected = by_architecture(_affected(erratum))
    if not affected or len(affected) > MOST_AFFECTED:
        raise Unreadable(f"{own_id}: an update with {len(affected):,} packages")
    references = erratum.references or []
    yield Advisory(
        own_id,
        affected,
        covers=cves([one.id for one in references]),
        kind="security" if erratum.type == "security" else "bug fix",
        severity=rating(erratum.severity) if erratum.severity.lower() != "none" else "unknown",
        summary=line(erratum.title),
        published=_moment(erratum.issued_date),
        modified=_moment(erratum.updated_date),
        references=links(one.href for one in references),
    )


def _affected(erratum: _Erratum) -> Iterator[tuple[Affected, str]]:
    listed = erratum.pkglist
    module = listed.module
    stream = f"{module.name}:{module.stream}" if module and module.name and module.stream else ""
    for package in listed.packages or []:
        if package.arch == "src" or (package.name or "").endswith(NOT_INSTALLED):
            continue
        found = _RELEASE.search(listed.name) or _RELEASE.search(package.release or "")
        if found is None:
            raise Unreadable(f"{erratum.updateinfo_id}: of no release of AlmaLinux")
        fix = evr(package.epoch, package.version, package.release)
        one = Affected(
            "AlmaLinux",
            name(package.name),
            found[1] or found[2],
            ranges=(VersionRange(fixed=fix),),
            is_source=False,
        )
        if ".module" in fix:
            one = replace(one, module=stream or module_in(erratum.title, one.package))
        yield one, package.arch


def _moment(given: _Date) -> str:
    if not 0 < given.ms <= _LAST_MS:
        return ""
    return date(datetime.fromtimestamp(given.ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
