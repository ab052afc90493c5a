"""The victims CVE database (https://github.com/victims/victims-cve-db): one YAML file per CVE, of Java and Python; it ended in 2020.

``<=2.0.11.2,2.0`` are the versions of the series 2.0 up to 2.0.11.2; ``fixedin`` says in the same way what fixes each series.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from leadline.model.vulnerability import Advisory, Affected, Rating, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.documents import read_record
from leadline.vulnerabilities.feed_formats.values import LeftOut, cves, line, links, name, version

_MARK = re.compile(rb"\b(?:artifactId|fixedin|version)['\"]?\s*:")
_RANGE = re.compile(r"(<=|>=|==|<)\s*([^\s,]+)\s*(?:,\s*([^\s,]+))?")
_FIRST = {"Maven": "-alpha", "PyPI": ".dev0"}
"""What is behind the number of a series to name what comes before all of its versions."""


class _Package(Struct, frozen=True, rename="camel"):
    group_id: str | None = None
    artifact_id: str | None = None
    name: str | None = None
    version: list[str] = []
    fixedin: list[str] = []


class _Record(Struct, frozen=True):
    cve: str
    affected: list[_Package]
    title: str = ""
    references: list[str] | None = None
    cvss_v2: float | str | None = None
    cvss_v3: float | str | None = None


def _is_victims(document: Document) -> bool:
    head = document.head
    is_one = re.search(rb"(?:^|[\n,{])\s*['\"]?cve['\"]?\s*:\s*['\"]?\d{4}-\d", head) and b"affected" in head
    return bool(is_one) and _MARK.search(document.data) is not None


@feed("victims", "Victims CVE database", recognises=_is_victims, licence="CC-BY-SA-4.0")
def victims(document: Document) -> Facts:
    record = read_record(document, _Record)
    known = cves(f"CVE-{record.cve}")
    if not known:
        raise Unreadable(f"no CVE: {record.cve[:60]!r}")
    own_id, left_out = known[0], LeftOut()
    affected: list[Affected] = []
    for each in record.affected:
        try:
            affected.append(_affected(each))
        except Unreadable as error:
            left_out.add(own_id, error)
    yield Advisory(
        own_id,
        tuple(affected),
        severity=_severity(record),
        summary=line(record.title),
        references=links(record.references or ()),
    )
    left_out.check()


def _affected(package: _Package) -> Affected:
    if package.artifact_id:
        ecosystem, called = "Maven", f"{name(package.group_id)}:{name(package.artifact_id)}"
    else:
        ecosystem, called = "PyPI", name(package.name)
    fixes = {series: fix for how, fix, series in map(_parted, package.fixedin) if how == ">="}
    ranges = tuple(dict.fromkeys(_ranges(package.version, fixes, _FIRST[ecosystem])))
    if not ranges:
        raise Unreadable(f"{called}: no versions")
    return Affected(ecosystem, called, ranges=ranges)


def _ranges(written: list[str], fixes: dict[str, str], first: str) -> Iterator[VersionRange]:
    for one in written:
        how, number, series = _parted(one)
        introduced = f"{series}{first}" if series not in ("", "0") else ""
        if how == "==":
            yield VersionRange(number, last_affected=number)
        elif how == ">=":
            yield VersionRange(number, fixed=fixes.get(series, ""))
        elif fixes.get(series):
            yield VersionRange(introduced, fixed=fixes[series])
        elif how == "<":
            yield VersionRange(introduced, fixed=number, is_fix=False)
        else:
            yield VersionRange(introduced, last_affected=number)


def _parted(written: str) -> tuple[str, str, str]:
    """Comparison, version, and the series that it is about; empty for all."""
    found = _RANGE.fullmatch(written.strip())
    if found is None:
        raise Unreadable(f"no range of versions: {written[:60]!r}")
    return found[1], version(found[2]), version(found[3]) if found[3] else ""


def _severity(record: _Record) -> Rating:
    """By the score, which is alone: its vector is not given."""
    for given in (record.cvss_v3, record.cvss_v2):
        try:
            score = float(given or 0)
        except ValueError:
            continue
        if score > 0:
            return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"
    return "unknown"
