"""Facts out of Grype's database: what its providers publish, each as a feed of its own."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import DecodeError, Struct, ValidationError, json

from leadline.foreign_errors import in_words
from leadline.model.vulnerability import (
    Advisory,
    Affected,
    Cvss,
    ExploitChance,
    Exploited,
    Fact,
    FeedDate,
    Import,
    Rating,
    ReleaseEnd,
    State,
    VersionRange,
)
from leadline.packages.file import Unreadable
from leadline.packages.root_io import CHANNEL, advised_name
from leadline.vulnerabilities.ecosystems import CPE, orderings
from leadline.vulnerabilities.feed import Document, Facts, Feed, rating
from leadline.vulnerabilities.feed_formats import values
from leadline.vulnerabilities.feed_formats.osv import without_rebuilds
from leadline.vulnerabilities.grype.constraints import ranges, starts
from leadline.vulnerabilities.grype.names import (
    NAMING_SOURCES,
    Where,
    is_minor_of_red_hat,
    of_language,
    of_system,
)
from leadline.vulnerabilities.grype.rows import AdvisoryRow, CpeRow, GrypeRows, PackageRow

_MOST_REASONS = 50
_UPDATE = re.compile(r"(RH[SBE]A|AL[SBE]A|ELSA|RL[SBE]A|SUSE-|openSUSE-|ALAS)")
"""Ids of updates, which cover vulnerabilities and are not another name of one."""
_BUG_FIX = re.compile(r"(RH|AL|RL)[BE]A")
_LISTING_FIXES = frozenset(("alma",))
"""Providers whose unaffected versions are all that the publisher says: everything before is affected."""
T = TypeVar("T")


class _Reference(Struct):
    url: str = ""


class _Severity(Struct):
    value: object = None
    source: str = ""


class _Vulnerability(Struct):
    description: str = ""
    refs: list[_Reference] | None = None
    aliases: list[str] | None = None
    severities: list[_Severity] | None = None


class _Version(Struct):
    constraint: str = ""


class _Fix(Struct):
    version: str = ""
    state: str = ""


class _Range(Struct):
    version: _Version
    fix: _Fix | None = None


class _GoImport(Struct):
    path: str
    symbols: list[str] | None = None


class _Qualifiers(Struct):
    rpm_modularity: str | None = None
    platform_cpes: list[str] | None = None
    architecture: str | None = None
    rootio: bool | None = None
    go_imports: list[_GoImport] | None = None


class _Package(Struct):
    cves: list[str] | None = None
    qualifiers: _Qualifiers | None = None
    ranges: list[_Range] | None = None


class _Known(Struct):
    cve: str
    date_added: str | None = None
    due_date: str | None = None
    known_ransomware_campaign_use: str = ""


_vulnerability = json.Decoder(_Vulnerability).decode
_package = json.Decoder(_Package).decode
_known = json.Decoder(_Known).decode
_Read = Callable[[PackageRow, _Package, Where, str], Iterator[Affected]]


class LeftOut(Counter[str]):
    """How many rows were left out, by why."""

    def add(self, why: object) -> None:
        # What it quotes of the row differs from row to row.
        reason = " ".join(str(why).partition(":")[0].split())[:100]
        self[reason if reason in self or len(self) < _MOST_REASONS else "another reason"] += 1


class GrypeFacts:
    """Reads one database; ``left_out`` counts what could not be kept."""

    def __init__(self, rows: GrypeRows) -> None:
        self._rows = rows
        self._feeds: dict[str, Feed] = {}
        self.left_out = LeftOut()

    def facts(self) -> Iterator[tuple[Feed, Fact]]:
        """Each with the feed of its provider.

        Raises:
            DatabaseError: the file is damaged.
        """
        built = values.date(self._rows.built)
        providers = [(name, values.date(captured) or built) for name, captured in self._rows.providers()]
        newest = max((captured for _, captured in providers), default=built)
        for provider, captured in providers:
            yield self._feed(provider), FeedDate(captured)
        for row in self._rows.advisories():
            try:
                yield self._feed(row.provider), self._advisory(row)
            except Unreadable as error:
                self.left_out.add(error)
        yield from self._exploited()
        for cve, chance, percentile in self._rows.chances():
            yield self._feed("epss"), ExploitChance(cve, chance, percentile)
        for system, end in self._rows.ends():
            release = ".".join(filter(None, (system.major, system.minor))) or system.label
            if not system.channel and release and values.date(end):
                feed = self._feed("eol")
                yield feed, FeedDate(newest)
                yield feed, ReleaseEnd(system.name, release, values.date(end)[:10])

    def _feed(self, provider: str) -> Feed:
        found = self._feeds.get(provider)
        if found is None:
            name = re.sub(r"[^a-z0-9-]+", "-", provider.lower())[:40].strip("-") or "unknown"
            found = Feed(f"grype-{name}", f"{name}, from the database of Grype", _of_no_document, _nothing)
            self._feeds[provider] = found
        return found

    def _exploited(self) -> Iterator[tuple[Feed, Fact]]:
        for blob in self._rows.exploited():
            try:
                one = _decoded(_known, blob)
            except Unreadable as error:
                self.left_out.add(error)
                continue
            by_ransomware = one.known_ransomware_campaign_use.lower() == "known"
            since, due = values.date(one.date_added), values.date(one.due_date)
            yield self._feed("kev"), Exploited(one.cve, since[:10], due[:10], by_ransomware)

    def _advisory(self, row: AdvisoryRow) -> Advisory:
        says = _decoded(_vulnerability, row.blob)
        name = values.identifier(row.name)
        packages: dict[Affected, None] = {}
        cves: dict[str, None] = {}
        for each in _distinct(row.affected):
            packages.update(dict.fromkeys(self._tried(self._affected, each, cves, row.provider)))
        for each in _distinct(row.unaffected):
            packages.update(dict.fromkeys(self._tried(self._unaffected, each, cves, row.provider)))
        for product in row.products:
            packages.update(dict.fromkeys(self._products(product)))
        if row.provider in _LISTING_FIXES:
            packages = dict.fromkeys(without_rebuilds(packages))
        others = values.identifiers([*(says.aliases or ()), *cves])
        aliases = tuple(other for other in others if other != name)
        is_update = _UPDATE.match(name) is not None
        severity, cvss = _severities(says.severities or [])
        modified = values.date(row.modified)
        withdrawn = values.date(row.withdrawn)
        if row.status == "rejected" and not withdrawn:
            withdrawn = modified or "unknown"
        return Advisory(
            id=name,
            affected=tuple(packages),
            aliases=() if is_update else aliases,
            covers=values.cves(aliases) if is_update else (),
            kind="bug fix" if _BUG_FIX.match(name) else "security",
            severity=severity,
            cvss=cvss,
            summary=values.first_sentences(says.description),
            published=values.date(row.published),
            modified=modified,
            withdrawn=withdrawn,
            references=values.links(each.url for each in says.refs or ()),
        )

    def _tried(
        self, read: _Read, row: PackageRow, cves: dict[str, None], provider: str
    ) -> Iterator[Affected]:
        """What ``read`` makes of the row; one that makes no sense is counted, and costs no other."""
        where = self._where(row)
        if where is None:
            return
        try:
            says = _decoded(_package, row.blob)
            cves.update(dict.fromkeys(says.cves or ()))
            yield from read(row, says, where, provider)
        except Unreadable as error:
            self.left_out.add(error)

    def _where(self, row: PackageRow) -> Where | None:
        if row.system is None:
            found = of_language(row.type)
            if found is None:
                self.left_out.add(f"packages of the type {row.type[:40]!r}")
            return found
        found = of_system(row.system)
        if found is None:
            self.left_out.add(f"packages of the distribution {row.system.name[:40]!r}")
        return found

    def _affected(self, row: PackageRow, says: _Package, where: Where, provider: str) -> Iterator[Affected]:
        spans: dict[State, list[VersionRange]] = {}
        versions: dict[State, list[str]] = {}
        ordering = orderings().get(where.ecosystem)
        for each in (says.ranges or [_Range(_Version())])[: values.MOST_RANGES]:
            fix = each.fix or _Fix()
            state: State = "wont fix" if fix.state == "wont-fix" else "affected"
            fixed_by = fix.version if fix.state in ("fixed", "") else ""
            for found in ranges(each.version.constraint, fixed_by, ordering):
                if isinstance(found, str):
                    versions.setdefault(state, []).append(found)
                else:
                    spans.setdefault(state, []).append(found)
        for state in dict.fromkeys((*spans, *versions)):
            yield from _made(
                row, says, where, provider, state, tuple(spans.get(state, ())), tuple(versions.get(state, ()))
            )

    def _unaffected(self, row: PackageRow, says: _Package, where: Where, provider: str) -> Iterator[Affected]:
        """Versions without the problem. Who says nothing else means by it that all before have it."""
        lists_fixes = provider in _LISTING_FIXES or _is_of_root_io(says, provider)
        spans: list[VersionRange] = []
        versions: list[str] = []
        for each in (says.ranges or [_Range(_Version())])[: values.MOST_RANGES]:
            if lists_fixes:
                if fix := starts(each.version.constraint):
                    spans.append(VersionRange(fixed=fix))
                elif each.version.constraint.strip():
                    self.left_out.add(f"a list of unaffected versions by {provider[:40]}")
                continue
            for found in ranges(each.version.constraint, "", None):
                if isinstance(found, str):
                    versions.append(found)
                elif row.system is not None:
                    spans.append(found)
                else:
                    # Rebuilds by another publisher: a later version of the package's own makers is not one of them.
                    self.left_out.add(f"ranges of unaffected language packages, by {provider[:40]}")
        if spans or versions:
            state: State = "affected" if lists_fixes else "not affected"
            yield from _made(row, says, where, provider, state, tuple(spans), tuple(versions))

    def _products(self, row: CpeRow) -> Iterator[Affected]:
        spans: list[VersionRange] = []
        versions: list[str] = []
        try:
            says = _decoded(_package, row.blob)
            for each in (says.ranges or [_Range(_Version())])[: values.MOST_RANGES]:
                fix = each.fix.version if each.fix else ""
                for found in ranges(each.version.constraint, fix, None):
                    (versions if isinstance(found, str) else spans).append(found)  # type: ignore[arg-type]
            part, vendor, product, *rest = row.fields
            fields = [_escaped(field) for field in (part, vendor, product, "", "", *rest)]
            named = values.name(f"{_escaped(vendor)}:{_escaped(product)}")
        except Unreadable as error:
            self.left_out.add(error)
            return
        yield Affected(
            CPE, named, ranges=tuple(spans), versions=tuple(versions), cpe=f"cpe:2.3:{':'.join(fields)}"
        )


def _distinct(rows: tuple[PackageRow, ...]) -> Iterator[PackageRow]:
    """Without those of Red Hat's minor releases that say what the major one does: the database repeats each for all."""
    of_major = {
        (row.name, row.blob) for row in rows if row.system is not None and not is_minor_of_red_hat(row.system)
    }
    for row in rows:
        is_repeated = row.system is not None and is_minor_of_red_hat(row.system)
        if not is_repeated or (row.name, row.blob) not in of_major:
            yield row


def _made(
    row: PackageRow,
    says: _Package,
    where: Where,
    provider: str,
    state: State,
    spans: tuple[VersionRange, ...],
    versions: tuple[str, ...],
) -> Iterator[Affected]:
    qualifiers = says.qualifiers or _Qualifiers()
    is_rebuilt = _is_of_root_io(says, provider)
    name = values.name(row.name)
    arch = qualifiers.architecture or ""
    names_source_alone = row.system is None or where.ecosystem in NAMING_SOURCES
    for is_source in (True,) if names_source_alone else (True, False):
        yield Affected(
            ecosystem=where.ecosystem,
            package=advised_name(where.ecosystem, name) if is_rebuilt else name,
            release=where.release,
            channel=CHANNEL if is_rebuilt else where.channel,
            ranges=spans,
            versions=versions,
            state=state,
            is_source=is_source,
            module=qualifiers.rpm_modularity or "",
            arches=() if not arch or arch.startswith("binary-no") else (arch,),
            imports=tuple(Import(one.path, tuple(one.symbols or ())) for one in qualifiers.go_imports or ()),
        )


def _is_of_root_io(says: _Package, provider: str) -> bool:
    return provider == "rootio" or bool(says.qualifiers and says.qualifiers.rootio)


def _severities(given: list[_Severity]) -> tuple[Rating, tuple[Cvss, ...]]:
    """The first word, and every vector."""
    word: Rating = "unknown"
    cvss: list[Cvss] = []
    for one in given:
        if isinstance(one.value, str) and word == "unknown":
            word = rating(one.value)
        elif isinstance(one.value, dict) and isinstance(vector := one.value.get("vector"), str) and vector:
            number = str(one.value.get("version") or "2")
            is_bare = not vector.startswith("CVSS:") and not number.startswith("2")
            cvss.append(Cvss(f"CVSS:{number}/{vector}" if is_bare else vector, by=one.source))
    return word, tuple(cvss)


def _escaped(field: str) -> str:
    return (field or "*").replace(":", "\\:")


def _decoded(decode: Callable[[bytes | str], T], blob: bytes | str) -> T:
    try:
        return decode(blob)
    except (DecodeError, ValidationError, UnicodeError, RecursionError, TypeError) as error:
        raise Unreadable(f"JSON that cannot be read: {in_words(error)}") from error


def _of_no_document(document: Document) -> bool:
    del document
    return False


def _nothing(document: Document) -> Facts:
    del document
    return iter(())
