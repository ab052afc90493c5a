"""Records in the schema of OSV (https://ossf.github.io/osv-schema), which many publishers share.

``publisher`` says which feed a document belongs to, so that no two take the same one. What publishers add
in fields of their own (a module stream, binaries, Ubuntu's subscriptions) is read here as well.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from leadline.model.vulnerability import RATINGS, Advisory, Affected, Cvss, Import, Kind, Rating, VersionRange
from leadline.packages.file import Unreadable
from leadline.packages.root_io import CHANNEL, advised_name
from leadline.vulnerabilities.feed import Document, Facts, rating
from leadline.vulnerabilities.feed_formats.releases import Release, osv_release
from leadline.vulnerabilities.feed_formats.updates import module_in
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    MOST_RANGES,
    MOST_VERSIONS,
    LeftOut,
    cves,
    date,
    decode,
    first_sentences,
    identifier,
    identifiers,
    introduced,
    line,
    links,
    name,
    version,
    weaknesses,
)

Publisher = Literal[
    "", "osv", "github", "bitnami", "almalinux", "rocky", "ubuntu", "chainguard", "kubernetes"
]

_PUBLISHERS: tuple[tuple[str, Publisher], ...] = (
    ("GHSA-", "github"),
    ("BIT-", "bitnami"),
    ("ALSA-", "almalinux"),
    ("ALBA-", "almalinux"),
    ("ALEA-", "almalinux"),
    ("RLSA-", "rocky"),
    ("RLBA-", "rocky"),
    ("RLEA-", "rocky"),
    ("RXSA-", "rocky"),
    ("UBUNTU-CVE-", "ubuntu"),
    ("USN-", "ubuntu"),
    ("LSN-", "ubuntu"),
    ("CGA-", "chainguard"),
)
_ID = re.compile(rb'"id"\s*:\s*"([A-Za-z][A-Za-z0-9]*-[A-Za-z0-9:_.-]+)"')
_NAMED_ID = re.compile(r"[A-Z][A-Za-z]*-[A-Za-z0-9:_.-]*\d[A-Za-z0-9:_.-]*\.json")
_MARKS = (b'"affected"', b'"schema_version"', b'"details"', b'"modified"', b'"summary"', b'"published"')
_OTHERS = (b'"document"', b'"sourceIdentifier"', b'"items"', b'"result"', b'"cpeMatch"', b"@context")

_BUG_FIXES = re.compile(r"(?:AL|RL|RH|EL|OE)[BE]A-|(?:openSUSE|SUSE)-[RFO]U-", re.IGNORECASE)
_UPDATES = re.compile(
    r"(?:DSA|DLA|DTSA|ELA|USN|LSN|(?:AL|RL|RH|EL)[SBE]A|RXSA|SUSE-[A-Z]+|openSUSE-[A-Z]+|MGASA|openEuler-SA|OESA|FEDORA)-"
)
"""Updates of a distribution: what they name beside themselves are the problems that they fix."""
_WRAPPED = re.compile(r"[A-Za-z]+-(?=CVE-\d)")
"""``UBUNTU-CVE-2024-1`` is CVE-2024-1, seen by Ubuntu."""
_REBUILT = "ROOT-"
"""Root.io's ids name the CVE: ``ROOT-OS-DEBIAN-12-CVE-2023-1``."""
_MODULE = re.compile(
    r"\b([A-Za-z0-9_.+-]+:[A-Za-z0-9_.+-]+)(?= (?:and|security|bug|update|module|enhancement)\b)"
)
_VECTOR = re.compile(r"[A-Za-z0-9:./]{5,200}")
_LAST_KNOWN = re.compile(r"(<=|<)\s*(\S+)")
_RPM = frozenset(("AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "Mageia", "openEuler"))
_BY_BINARY = frozenset(("AlmaLinux", "Red Hat"))
"""Name the packages that are installed, and not those they were built from."""


_NOTHING = Raw(b"null")


class _Event(Struct, frozen=True):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(Struct, frozen=True):
    type: str = ""
    events: list[_Event] | None = None


class _Package(Struct, frozen=True):
    ecosystem: str = ""
    name: str = ""
    purl: str | None = None


class _Severity(Struct, frozen=True):
    type: str = ""
    score: str = ""


class _Affected(Struct, frozen=True):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    ecosystem_specific: Raw = _NOTHING
    database_specific: Raw = _NOTHING


class _Reference(Struct, frozen=True):
    type: str = ""
    url: str | None = None


class _Record(Struct, frozen=True):
    id: str | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    published: str | None = None
    modified: str | None = None
    withdrawn: str | None = None
    severity: list[_Severity] | None = None
    references: list[_Reference] | None = None
    database_specific: Raw = _NOTHING


class _Whole(Struct, frozen=True):
    """All packages of a record that are in order."""

    affected: list[_Affected] | None = None


class _Parts(Struct, frozen=True):
    """Packages of a record of which some are not."""

    affected: list[Raw] | None = None


class _GoImport(Struct, frozen=True):
    path: str = ""
    symbols: list[str] | None = None
    goos: list[str] | None = None
    goarch: list[str] | None = None


class _Specific(Struct, frozen=True):
    """Fields of ``ecosystem_specific`` and ``database_specific`` that mean something to us, of all publishers."""

    imports: list[_GoImport] | None = None
    custom_ranges: list[_Range] | None = None
    binaries: list[dict[str, str]] | None = None
    severity: str | None = None
    urgency: str | None = None
    informational: str | None = None
    categories: list[str] | None = None
    cwe_ids: list[str] | None = None
    last_known_affected_version_range: str | None = None


_UNKNOWN = _Specific()


def publisher(document: Document) -> Publisher:
    """Whose record a document is, by its id; empty for other documents."""
    head = document.head
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{" or any(other in head for other in _OTHERS):
        return ""
    found = _ID.search(head)
    is_named = _NAMED_ID.fullmatch(document.name) is not None
    if not (found or is_named) or not any(mark in head for mark in _MARKS):
        return ""
    known = document.name if is_named else found[1].decode() if found else ""
    if re.search(rb'"ecosystem"\s*:\s*"[Kk]ubernetes"', head):
        return "kubernetes"
    return next((feed for prefix, feed in _PUBLISHERS if known.startswith(prefix)), "osv")


def read_osv(document: Document) -> Facts:
    """The one record of a document. Packages that make no sense are left out and named."""
    yield from read_record(document.data)


def read_record(content: bytes) -> Facts:
    record = decode(content, _Record, "the record")
    own_id = identifier(record.id)
    left_out = LeftOut()
    entries = _entries(content, own_id, left_out)
    affected: dict[Affected, None] = {}
    for position, entry in entries:
        try:
            for one in _affected(entry, record):
                affected[one] = None
        except Unreadable as error:
            left_out.add(f"{own_id}, package {position}", error)
    first = entries[0][1] if entries else _Affected()
    yield _advisory(own_id, record, first, tuple(without_rebuilds(affected)))
    left_out.check()


def _entries(content: bytes, own_id: str, left_out: LeftOut) -> list[tuple[int, _Affected]]:
    """The packages of a record with their places: all at once, and one by one where some have another shape."""
    try:
        whole = decode(content, _Whole, "the record").affected or []
    except Unreadable:
        parts = decode(content, _Parts, "the record").affected or []
        found = []
        for position, raw in enumerate(parts[: MOST_AFFECTED + 1], 1):
            try:
                found.append((position, decode(raw, _Affected, "a package")))
            except Unreadable as error:
                left_out.add(f"{own_id}, package {position}", error)
    else:
        found = list(enumerate(whole, 1))
    if len(found) > MOST_AFFECTED:
        raise Unreadable(f"{own_id} names more than {MOST_AFFECTED:,} packages")
    return found


def _advisory(own_id: str, record: _Record, first: _Affected, affected: tuple[Affected, ...]) -> Advisory:
    """``first`` of its packages, which says what holds for the record where there is one package alone."""
    aliases, covers = _other_ids(own_id, record)
    specific = _specific(record.database_specific)
    words = [one.score for one in record.severity or [] if one.type == "Ubuntu"]
    rated = rating(words[0] if words else "")
    if rated == "unknown":
        rated = rating(specific.severity or "")
    if rated == "unknown" and _UPDATES.match(own_id):
        rated = rating((record.summary or "").partition(":")[0])
    references = sorted(record.references or [], key=lambda one: one.type != "ADVISORY")
    return Advisory(
        own_id,
        affected,
        aliases,
        covers,
        _kind(own_id, first),
        rated,
        _cvss(record.severity or first.severity or []),
        _summary(record),
        date(record.published),
        date(record.modified),
        date(record.withdrawn),
        links(one.url for one in references),
        weaknesses(specific.cwe_ids),
    )


def _summary(record: _Record) -> str:
    """Of an update that says its rating alone (``Important:``) the details."""
    summary = line(record.summary)
    return first_sentences(record.details) if not summary or summary.endswith(":") else summary


def _other_ids(own_id: str, record: _Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other ids of the problem, and the problems that an update fixes."""
    named = [record.aliases, record.upstream, record.related]
    if _UPDATES.match(own_id):
        ids = (_WRAPPED.sub("", one) for words in named for one in identifiers(words))
        covers = tuple(dict.fromkeys(one for one in ids if not _UPDATES.match(one) and one != own_id))
        known = cves(covers)
        return (), known or covers
    found = [*identifiers(record.aliases), *identifiers(record.upstream)]
    if own_id.startswith(_REBUILT):
        found += cves([*identifiers(record.related), own_id])
    if _WRAPPED.match(own_id):
        found.insert(0, _WRAPPED.sub("", own_id))
    return tuple(dict.fromkeys(one for one in found if one != own_id)), ()


def _kind(own_id: str, first: _Affected) -> Kind:
    if own_id.startswith("MAL-"):
        return "malware"
    if _BUG_FIXES.match(own_id):
        return "bug fix"
    if own_id.startswith("RUSTSEC-"):
        word = _specific(first.database_specific).informational
        return "notice" if word in ("unmaintained", "notice") else "security"
    return "security"


def _cvss(given: Sequence[_Severity]) -> tuple[Cvss, ...]:
    vectors = (one.score.strip() for one in given if one.type.startswith("CVSS_V"))
    return tuple(Cvss(vector) for vector in dict.fromkeys(vectors) if _VECTOR.fullmatch(vector))


def _specific(raw: Raw) -> _Specific:
    """What is known of a publisher's own fields; nothing where they have another shape."""
    if raw is _NOTHING:
        return _UNKNOWN
    try:
        return msgspec.json.decode(raw, type=_Specific | None) or _Specific()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Specific()


def _affected(given: _Affected, record: _Record) -> Iterator[Affected]:
    package = given.package
    if package is None or (not package.name and not package.ecosystem):
        return  # only commits of a repository are named, which no package has
    if not package.ecosystem.strip():
        raise Unreadable(f"{package.name[:60]!r} names no ecosystem")
    release = osv_release(package.ecosystem, package.purl or "")
    specific, own = _specific(given.ecosystem_specific), _specific(given.database_specific)
    ranges = _ranges(given, specific, own)
    versions = _versions(given, ranges)
    if not ranges and not versions:
        return  # commits alone, or nothing: no version of the package is affected by that
    fixed = {one.fixed for one in ranges if one.fixed}
    named = name(package.name)
    if release.channel == CHANNEL:
        named = advised_name(release.ecosystem, named)
    plain = _one(release, named, ranges, versions, record)
    rated = _own_rating(given, specific, own)
    if rated != "unknown":
        plain = msgspec.structs.replace(plain, severity=rated)
    if specific.imports:
        plain = msgspec.structs.replace(plain, imports=_imports(specific.imports))
    binaries = _binaries(specific) if release.ecosystem in ("SUSE", "openSUSE") and fixed else ()
    if not binaries:
        yield plain
    for binary, fix in binaries:
        yield msgspec.structs.replace(
            plain, package=binary, ranges=(VersionRange(fixed=fix),), is_source=False
        )


def _one(
    release: Release,
    package: str,
    ranges: tuple[VersionRange, ...],
    versions: tuple[str, ...],
    record: _Record,
) -> Affected:
    is_source = release.ecosystem not in _BY_BINARY
    ends = [one.fixed for one in ranges]
    # The first version that ever was holds the fix: a publisher's way to say that none is affected.
    if ends == ["0"] and not versions:
        return Affected(
            release.ecosystem,
            package,
            release.number,
            release.channel,
            state="not affected",
            is_source=is_source,
        )
    is_module = release.ecosystem in _RPM and any(".module" in one for one in ends)
    return Affected(
        release.ecosystem,
        package,
        release.number,
        release.channel,
        ranges,
        versions,
        is_source=is_source,
        module=module_in(record.summary or "", package) if is_module else "",
    )


def _own_rating(given: _Affected, specific: _Specific, own: _Specific) -> Rating:
    if specific is _UNKNOWN and own is _UNKNOWN and not given.severity:
        return "unknown"
    words = [one.score for one in given.severity or [] if one.type == "Ubuntu"]
    words += [specific.severity or "", own.severity or "", (specific.urgency or "").rstrip("*")]
    found = [rating(word) for word in words]
    return min(found, key=RATINGS.index)


def _imports(given: Sequence[_GoImport]) -> tuple[Import, ...]:
    return tuple(
        Import(one.path, tuple(one.symbols or ()), tuple(one.goos or ()), tuple(one.goarch or ()))
        for one in given
        if one.path
    )


def _binaries(specific: _Specific) -> tuple[tuple[str, str], ...]:
    """Binary packages with the version that fixes them, as SUSE lists them."""
    pairs = (pair for one in specific.binaries or () for pair in one.items())
    return tuple(dict.fromkeys((name(binary), version(fix)) for binary, fix in pairs))


def _ranges(given: _Affected, specific: _Specific, own: _Specific) -> tuple[VersionRange, ...]:
    found = _listed_ranges(given.ranges)
    if custom := _listed_ranges(specific.custom_ranges):
        found = _with_custom(found, custom)
    ranges = tuple(dict.fromkeys(found))
    if len(ranges) == 1 and not ranges[0].fixed and not ranges[0].last_affected:
        ranges = (_until_last_known(ranges[0], own.last_known_affected_version_range or ""),)
    return ranges


def _listed_ranges(given: list[_Range] | None) -> list[VersionRange]:
    listed = [one for one in given or [] if one.type != "GIT"]
    if sum(len(one.events or []) for one in listed) > MOST_RANGES:
        raise Unreadable("too many ranges")
    return [interval for one in listed for interval in _intervals(one.events or [])]


def _with_custom(plain: list[VersionRange], custom: list[VersionRange]) -> list[VersionRange]:
    """Go's ranges together with its own for versions that are not tags of the module (https://go.dev/doc/security/vuln/database).

    A plain range without an end says at most where the custom ones begin, and the other way round; with ends both hold.
    """
    if not _closed_of(plain):
        return _begun(custom, plain[0].introduced if plain else "")
    if not _closed_of(custom):
        return _begun(_closed_of(plain), custom[0].introduced)
    return [*_closed_of(plain), *custom]


def _closed_of(ranges: list[VersionRange]) -> list[VersionRange]:
    return [one for one in ranges if one.fixed or one.last_affected]


def _begun(ranges: list[VersionRange], start: str) -> list[VersionRange]:
    """The first of them not before ``start``, where it had no beginning."""
    if not start or not ranges or ranges[0].introduced:
        return ranges
    return [msgspec.structs.replace(ranges[0], introduced=start), *ranges[1:]]


def _until_last_known(open_range: VersionRange, written: str) -> VersionRange:
    """GitHub's end of a range without a fix: ``<= 2.1.0``."""
    found = _LAST_KNOWN.fullmatch(written.strip())
    if found is None:
        return open_range
    end = version(found[2])
    if found[1] == "<=":
        return VersionRange(open_range.introduced, last_affected=end)
    return VersionRange(open_range.introduced, fixed=end, is_fix=False)


def _intervals(events: Sequence[_Event]) -> Iterator[VersionRange]:
    """Each beginning with its end. As many ends as beginnings belong together in turn, however they are sorted;
    else the first end after a beginning counts, and the last beginning may be without one.
    """
    starts = [introduced(event.introduced) for event in events if event.introduced is not None]
    ends = [event for event in events if event.fixed is not None or event.last_affected is not None]
    if not starts and events:
        raise Unreadable("a range that never begins")
    if len(starts) == len(ends):
        yield from map(_closed, starts, ends)
        return
    start: str | None = None
    for event in events:
        if event.introduced is not None:
            start = introduced(event.introduced) if start is None else start
        elif event in ends and start is not None:
            yield _closed(start, event)
            start = None
    if start is not None:
        yield VersionRange(start)


def _closed(start: str, end: _Event) -> VersionRange:
    if end.fixed is not None:
        return VersionRange(start, fixed=version(end.fixed))
    return VersionRange(start, last_affected=version(end.last_affected))


def _versions(given: _Affected, ranges: tuple[VersionRange, ...]) -> tuple[str, ...]:
    """Listed versions, where no range says the same: with ranges they are those that lie within."""
    listed = given.versions or []
    if ranges or not listed:
        return ()
    if len(listed) > MOST_VERSIONS:
        raise Unreadable(f"{len(listed):,} versions")
    return tuple(dict.fromkeys(version(one) for one in listed))


def without_rebuilds(affected: dict[Affected, None]) -> Iterator[Affected]:
    """Without those that differ from another in the build of a module alone.

    An update of a module lists its packages once for every build; the first one holds the fix as the later do.
    """
    lowest: dict[Affected, Affected] = {}
    for one in affected:
        fix = one.ranges[0].fixed if len(one.ranges) == 1 else ""
        head, mark, _ = fix.partition(".module")
        if not mark:
            lowest[one] = one
            continue
        key = msgspec.structs.replace(one, ranges=(VersionRange(fixed=head),))
        known = lowest.get(key)
        if known is None or _build(fix) < _build(known.ranges[0].fixed):
            lowest[key] = one
    yield from lowest.values()


def _build(fix: str) -> tuple[int, ...]:
    """``…module_el8.6.0+2780+a40f65e1``: the numbers behind the mark, without the hash of the commit."""
    numbers = re.split(r"[.+_]", fix.partition(".module")[2])
    return tuple(int(word) for word in numbers[:-1] if word.isdigit())
