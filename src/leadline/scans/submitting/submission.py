"""What of a posture report goes to a provider: where, which control, how severe. No value of any field is among it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from typing import get_args

from msgspec.structs import replace

from leadline.api.provider.wire import (
    LONG,
    MOST_FINDINGS,
    MOST_NAMES,
    SHORT,
    Coverage,
    FoundFinding,
    ImageContent,
    ImagePackage,
    ImageVulnerability,
    Measured,
    RankedWorkload,
    Severity,
    UnlistedKind,
    WholeReport,
)
from leadline.errors import UsageError
from leadline.model.control import Missing
from leadline.model.finding import Finding
from leadline.model.image_report import ImageReport
from leadline.model.package import Package
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.documents.baseline import SeenFinding, baseline_of
from leadline.outputs.rows.place import ShownPlaces
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import why_accepted
from leadline.version import __version__

PROGRAM = f"leadline {__version__.partition('+')[0]}"
_MOST_LEFT_OUT = 1_000
"""A scan names no more of the files that it passes over."""
_EVERYTHING = "."
"""The folder that all files lie in."""
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_SEVERITIES = frozenset(get_args(Severity))


def whole_report(report: PostureReport, places: ShownPlaces, at: str, narrowed: str = "") -> WholeReport:
    """``at``: RFC 3339 in UTC, to the second; ``narrowed``: to which part. One finding for each failed pair of control and object."""
    judging = tuple(row.control.id for row in report.by_control if row.judged)
    measured = Measured(
        at=at,
        program=PROGRAM,
        rules=sha256("\0".join((PROGRAM, *sorted(judging))).encode()).hexdigest(),
        coverage=Coverage(report.objects, len(judging), len(report.unread), len(report.skips)),
        scope=_scope(report, narrowed),
    )
    root = report.target.root
    unread = _names((one.where for one in report.unread if one.rule is None), root)
    unlisted = tuple(
        UnlistedKind(one.rule.plural[:SHORT], one.rule.group[:SHORT], one.rule.namespace[:SHORT])
        for one in report.unread
        if one.rule
    )
    undecided = tuple(_undecided(report, places))
    left_out = _names((one.where for one in report.left_out), root)
    if len(report.left_out) >= _MOST_LEFT_OUT:
        left_out = (_EVERYTHING,)
    if len(unlisted) > MOST_NAMES or len(undecided) > MOST_FINDINGS:
        # More than can be named: nothing counts as gone.
        unread, unlisted, undecided = (_EVERYTHING,), unlisted[:MOST_NAMES], undecided[:MOST_FINDINGS]
    return WholeReport(
        measured,
        judging,
        tuple(_findings(report, places)),
        unread,
        left_out,
        unlisted,
        undecided,
    )


def _scope(report: PostureReport, narrowed: str) -> str:
    """What was scanned, of absolute paths the last part: the same at each place where it is checked out."""
    target = report.target
    names = [plain(word, LONG).rstrip("/") for word in target.name.split(" ")]
    shown = " ".join(one.rpartition("/")[2] if one.startswith("/") else one for one in names)
    text = ", ".join(
        word for word in (f"cluster {shown}" if target.kind == "cluster" else shown, narrowed) if word
    )
    if len(text) <= SHORT:
        return text
    return f"{text[: SHORT - 40]}… {sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _names(places: Iterable[str], root: str) -> tuple[str, ...]:
    """Of ``root`` on, as the files of findings are."""
    above = f"{root.rstrip('/')}/"
    names = tuple(dict.fromkeys(shown_file(one.removeprefix(above) if root else one) for one in places))
    return names if len(names) <= MOST_NAMES else (_EVERYTHING,)


def _undecided(report: PostureReport, places: ShownPlaces) -> Iterator[str]:
    """The marks that findings of the pairs would have that a control gave up on."""
    pairs = tuple(
        Finding(skip.control, id, Missing("")) for id, skips in report.gave_up.items() for skip in skips
    )
    for row in baseline_of(replace(report, findings=pairs), places, "", "").findings:
        # With its file, and as one whose path starts from another object.
        for file in {shown_file(row.file), ""}:
            yield mark_of(row.control, row.object, file)


def image_content(report: ImageReport, at: str) -> ImageContent:
    """Packages and vulnerabilities of one image. Raises: ``UsageError`` for what has no digest: a folder, a document."""
    sbom = report.sbom
    digest = sbom.image.digest or sbom.image.id
    if not _DIGEST.fullmatch(digest):
        raise UsageError(
            f"{plain(sbom.image.name, SHORT)} has no digest that a provider could know it by",
            hint="submit an image of a registry, an engine or an archive",
        )
    found = (
        ImageVulnerability(
            id=one.id[:SHORT],
            package=_package_name(one.package),
            version=one.package.version[:SHORT],
            severity=one.severity if one.severity.isalpha() else "unknown",
            fixed=(one.fixed_in[0] if one.fixed_in else "")[:SHORT],
            exploited=one.exploited is not None,
        )
        for one in report.vulnerabilities
    )
    return ImageContent(
        digest=digest,
        name=shown_file(sbom.image.name)[:LONG],
        at=at,
        program=PROGRAM,
        packages=tuple(
            ImagePackage(one.type[:SHORT], _package_name(one), one.version[:SHORT]) for one in sbom.packages
        ),
        vulnerabilities=tuple(found),
        database=report.database.date[:SHORT] if report.database else "",
        unread=len(sbom.unread),
    )


def _package_name(package: Package) -> str:
    return (f"{package.namespace}/{package.name}" if package.namespace else package.name)[:SHORT]


def _findings(report: PostureReport, places: ShownPlaces) -> Iterator[FoundFinding]:
    why = {one.finding.pair: why_accepted(report.waivers[one.waiver].waiver) for one in report.waived}
    is_open = {one.pair for one in report.findings}
    accepted = tuple(one.finding for one in report.waived if one.finding.pair not in is_open)
    marks: Counter[str] = Counter()
    for finding, row in _by_pair(report, places, (report.findings, accepted)):
        resource = report.resource(finding.resource)
        mark = mark_of(row.control, row.object, "" if row.on else shown_file(row.file))
        marks[mark] += 1
        yield found_finding(
            (mark, marks[mark]),
            row.control,
            finding.control_of(report.controls_by_id).severity,
            resource,
            file=shown_file(row.file),
            path=row.path,
            accepted="" if finding.pair in is_open else why[finding.pair],
        )


def mark_of(control: str, object: str, file: str) -> str:
    """``object``: ``group/Kind/namespace/name``, of one that is derived with what it is joined from."""
    return sha256("\0".join((control, object, file)).encode("utf-8", "replace")).hexdigest()[:32]


def found_finding(
    mark: tuple[str, int],
    control: str,
    severity: str,
    resource: Resource,
    *,
    file: str = "",
    path: str = "",
    accepted: str = "",
) -> FoundFinding:
    """``mark``: fingerprint and ordinal. What is longer than a provider takes is cut."""
    return FoundFinding(
        fingerprint=mark[0],
        control=control[:SHORT],
        severity=severity if severity in _SEVERITIES else "unknown",  # type: ignore[arg-type] # one of them
        kind=resource.kind[:SHORT],
        name=resource.name[:SHORT],
        ordinal=mark[1],
        group=resource.group[:SHORT],
        namespace=resource.namespace[:SHORT],
        file=file[:LONG],
        path=path[:LONG],
        accepted=accepted[:LONG],
    )


def ranked_workload(resource: Resource, risk: WorkloadRisk) -> RankedWorkload:
    return RankedWorkload(
        resource.kind[:SHORT],
        resource.name[:SHORT],
        resource.namespace[:SHORT],
        resource.group[:SHORT],
        min(100.0, max(0.0, round(risk.score, 2))),
        plain(risk.sentence, LONG),
    )


def _by_pair(
    report: PostureReport, places: ShownPlaces, parts: Iterable[tuple[Finding, ...]]
) -> Iterator[tuple[Finding, SeenFinding]]:
    """The first of each pair."""
    for findings in parts:
        rows = baseline_of(replace(report, findings=findings), places, "", "").findings
        seen: set[tuple[str, str]] = set()
        for finding, row in zip(findings, rows, strict=True):
            if finding.pair not in seen:
                seen.add(finding.pair)
                yield finding, row


def shown_file(path: str) -> str:
    """Of an absolute path the last three parts: where a person keeps files stays on that machine."""
    path = plain(path, LONG)
    if not path.startswith("/"):
        return path
    return "/".join(PurePosixPath(path).parts[-3:]).lstrip("/")
