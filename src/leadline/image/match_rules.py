"""Whether a range that holds a version is meant for the package at all, and what takes a match away again."""

import re
from collections.abc import Collection, Sequence
from typing import Literal

from leadline.image.database import Database, Hit, Stream
from leadline.image.ecosystems import CPE, orderings
from leadline.model.package import Package
from leadline.model.vulnerability import Match

_ANY_ARCHITECTURE = frozenset(("", "all", "any", "noarch", "src"))
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "x86", "i586": "x86", "i686": "x86"}
_FLAVOURS = ("ksplice", "fips")
"""Marks in versions of packages that are built and fixed apart from the usual ones."""
_SUBSCRIPTION = ("esm", "pro")
"""Beginnings of channels of Ubuntu for subscribers."""
_SUBSCRIBED = "esm"
"""Mark in versions of packages that came through such a channel."""
_NUMBER_AT_END = re.compile(r"[0-9]+(\.[0-9]+)*$")
_MODULE_MARK = ".module"
_HEADERS = re.compile(r"kernel(-.+)?-headers|kernel-doc|linux-libc-dev.*|linux-(.+-)?headers(-.+)?|linux-doc")
_TARGET = 10
"""Place of the target software among the fields of a CPE 2.3 name."""


def is_meant(hit: Hit, package: Package) -> bool:
    """Whether module stream, architecture, channel, flavour, epoch and target fit."""
    says = hit.extra
    if not _fits_architecture(package.arch, says.arches):
        return False
    if hit.stream.ecosystem == CPE:
        return _fits_target(says.cpe, package)
    if package.type == "rpm":
        return _fits_rpm(hit, package)
    return _fits_channel(hit.stream, package.version)


def _fits_architecture(arch: str, arches: Sequence[str]) -> bool:
    if not arches or arch in _ANY_ARCHITECTURE:
        return True
    return _architecture(arch) in map(_architecture, arches)


def _architecture(name: str) -> str:
    return _ARCHITECTURES.get(name, name)


def _fits_target(cpe: str, package: Package) -> bool:
    """A plugin of WordPress is no program of the same name."""
    target = _target(cpe)
    return not target or any(_target(own) in ("", target) and _target(own) == target for own in package.cpes)


def _target(cpe: str) -> str:
    fields = cpe.replace("\\:", "%3a").split(":")
    target = fields[_TARGET] if len(fields) > _TARGET else ""
    return "" if target in ("*", "-") else target


def _fits_channel(stream: Stream, version: str) -> bool:
    channel = stream.channel
    if not channel or channel.startswith(_SUBSCRIPTION):
        return True
    if stream.ecosystem == "Amazon":
        # Topics of Amazon's extras are named for what they bring, many with its version: kernel-5.10, postgresql14.
        number = _NUMBER_AT_END.search(channel)
        return (
            number is None or version.partition(":")[2].startswith(number[0]) or version.startswith(number[0])
        )
    return any(flavour in channel and flavour in version for flavour in _FLAVOURS)


def is_for_all(stream: Stream, package: Package) -> bool:
    """Whether fixes of this stream are there for anyone who has the package: not those that a subscription brings."""
    return not stream.channel.startswith(_SUBSCRIPTION) or _SUBSCRIBED in package.version


def _fits_rpm(hit: Hit, package: Package) -> bool:
    says = hit.extra
    return (
        _fits_channel(hit.stream, package.version)
        and _flavour(says.fixed) in ("", _flavour(package.version))
        and (
            not _flavour(package.version)
            or not says.fixed
            or _flavour(says.fixed) == _flavour(package.version)
        )
        and _fits_module(hit, package)
        and _is_within_with_epoch(hit, package)
    )


def _flavour(version: str) -> str:
    return next((flavour for flavour in _FLAVOURS if flavour in version), "")


def _fits_module(hit: Hit, package: Package) -> bool:
    """By stream where the record names one, else by the mark that modular builds carry in their releases."""
    label = dict(package.qualifiers).get("modularitylabel", "")
    if hit.extra.module:
        return f"{label}:".startswith(f"{hit.extra.module}:")
    is_modular = bool(label) or _MODULE_MARK in package.version
    if hit.extra.fixed:
        return is_modular == (_MODULE_MARK in hit.extra.fixed)
    return not is_modular


def _is_within_with_epoch(hit: Hit, package: Package) -> bool:
    """A version that was written without its epoch has the record's: documents often leave it out."""
    epoch, colon, _ = hit.extra.fixed.partition(":")
    version = package.source_version if hit.is_source and package.source_version else package.version
    if not colon or ":" in version:
        return True
    key = orderings()["Red Hat"].key
    return key(f"{epoch}:{version}") < key(hit.extra.fixed)


def holds_fix_of_channel(package: Package, streams: Sequence[Stream], database: Database) -> frozenset[int]:
    """Numbers of the problems that the package's own channel has fixed, where its version comes from one."""
    if package.type != "deb" or _SUBSCRIBED not in package.version:
        return frozenset()
    ordering = orderings()["Debian"]
    version = ordering.key(package.source_version or package.version)
    fixed: set[int] = set()
    for stream in streams:
        if not stream.channel.startswith(_SUBSCRIPTION):
            continue
        for advisory, extra in database.rows_of(stream.id, package.source or package.name):
            if extra.fixed and ordering.key(extra.fixed) <= version:
                fixed.add(advisory)
    return frozenset(problem.id for found in database.problems(fixed).values() for problem in found)


def suppression(
    match: Match, hits: Sequence[Hit], closed: Collection[str]
) -> tuple[Literal["publisher", "rule"] | None, str]:
    """Who takes the match away, and why; empty where it stands."""
    for hit in hits:
        if hit.extra.state in closed:
            reason = f" ({hit.extra.reason})" if hit.extra.reason else ""
            return "publisher", f"{hit.stream.name}: {hit.extra.state}{reason}"
    if all(one.how == "source package" for one in match.evidence) and _HEADERS.fullmatch(match.package.name):
        return "rule", "headers hold none of the kernel's code"
    return None, ""
