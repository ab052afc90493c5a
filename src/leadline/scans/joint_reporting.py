"""One report over several sources: folders, git addresses, revisions, clusters, stored results, reports and baselines."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct, structs

from leadline.api.protocol import Store
from leadline.errors import LeadlineError, SourceError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.documents.baseline import LARGEST_BYTES, Baseline, baseline_of, with_first_seen
from leadline.outputs.documents.comparison import compare
from leadline.outputs.documents.joint_report import (
    FORMAT,
    MOST_POINTS,
    AcceptedRisk,
    AttackPath,
    FailedSource,
    JointReport,
    SourceReport,
    TrendPoint,
    decoded_joint_report,
    is_moment,
    severities_of,
)
from leadline.outputs.documents.report_document import decode, is_report
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import titles_of
from leadline.outputs.text.joint_report_text import (
    report_csv,
    report_html,
    report_lines,
    report_markdown,
    report_pdf,
    report_sections,
)
from leadline.outputs.text.plain import plain
from leadline.outputs.text.risk_text import risk_picture
from leadline.outputs.text.waiver_text import title
from leadline.posture.catalogue import load_controls
from leadline.posture.risk.ranking import ranked, workload_risks
from leadline.scans.options import PostureOptions
from leadline.scans.posture.baselines import CLUSTER, is_ours, read_baseline, revision_of, scope_of
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.history.reading import asked_of, history
from leadline.scans.stored.stored_posture import stored_posture, stored_risks
from leadline.sources.git.revision import path_at_revision
from leadline.sources.regular_file import read_given, read_regular
from leadline.version import __version__

JointForm = Literal["text", "html", "pdf", "markdown", "json", "csv"]
ReadSource = SourceReport | FailedSource
PATHS = 5
"""Attack paths of a source that are kept; the pages show the worst of all sources."""
_SPAN = "1y"


class Named(Struct, frozen=True):
    """A source and what the report calls it."""

    name: str
    source: str
    """A path, ``PATH@REVISION``, a git address, ``cluster``, or the file of a report or baseline."""


def named(word: str) -> Named:
    """``payments=deploy/`` or ``deploy/``.

    Raises: ``UsageError`` where a part is empty.
    """
    name, mark, source = word.partition("=")
    if not mark or "/" in name or ":" in name:
        return Named(word, word)
    if not name or not source:
        raise UsageError(f"'{plain(word, 200)}' has no name or no source", hint="write NAME=SOURCE")
    return Named(name, source)


def target_words(one: Named) -> list[str]:
    """What ``leadline scan`` would be given for it."""
    if one.source == CLUSTER or is_ours(one.source):
        return []
    return ["--", revision_of(one.source)[0]]


def joint_report(
    sources: Sequence[Named],
    options_for: Callable[[Named], AbstractContextManager[PostureOptions]],
    *,
    title: str,
    now: datetime,
    last: JointReport | None = None,
    stored: Sequence[ReadSource] = (),
) -> JointReport:
    """The report over ``sources`` and what was read from stores already. A source that cannot be read is named in it.

    ``options_for`` opens the options of a scan of one source, which may bring settings of its own.

    Raises: ``UsageError`` where two sources have one name.
    """
    names = [one.name for one in (*stored, *sources)]
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise UsageError(f"two sources are called {plain(twice[0], 200)}", hint="write NAME=SOURCE")
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    read: list[ReadSource] = list(stored)
    for one in sources:
        try:
            with options_for(one) as options:
                read.append(_source(one, options, at))
        except UsageError:
            raise
        except LeadlineError as error:
            read.append(FailedSource(one.name, plain(str(error), 1_000)))
    before = {one.name: one for one in (*last.sources, *last.kept)} if last else {}
    return JointReport(
        title=title,
        at=at,
        program=__version__,
        sources=tuple(_since(one, before.get(one.name), at) for one in read if isinstance(one, SourceReport)),
        failed=tuple(one for one in read if isinstance(one, FailedSource)),
        last=last.at if last else "",
        vanished=tuple(name for name in before if name not in names),
        kept=tuple(before[one.name] for one in read if isinstance(one, FailedSource) and one.name in before),
    )


def read_joint_report(path: str) -> JointReport:
    """Raises: ``SourceError`` where it cannot be read or is not one."""
    content = read_given(path, LARGEST_BYTES)
    return decoded_joint_report(content, path)


async def stored_source(store: Store, name: str, options: PostureOptions, now: datetime) -> ReadSource:
    """What a store holds of its cluster, with the trend of its history."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        report = await stored_posture(store, options)
        risks = (await stored_risks(store, options)).risks
        found = _of_report(
            name, structs.replace(report, risks=risks), baseline_of(report, NoPlaces(), at, __version__)
        )
    except LeadlineError as error:
        return FailedSource(name, plain(str(error), 1_000))
    try:
        days = (await history(store, asked_of("", _SPAN, now))).days
    except SourceError:  # there is none yet
        days = ()
    points = (TrendPoint(day.day, day.failed) for day in days if day.failed is not None and day.day < at[:10])
    return structs.replace(found, trend=tuple(points)[-MOST_POINTS:])


def _source(one: Named, options: PostureOptions, at: str) -> SourceReport:
    """Raises: ``LeadlineError`` of every kind."""
    source = one.source
    if is_ours(source):
        return _of_file(one, at)
    with _target(source, options) as targets, open_posture_scan(targets, options) as scan:
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        baseline = baseline_of(scan.report, scan.places, at, __version__)
        risks = workload_risks(scan.report_with_bodies)
        return _of_report(one.name, structs.replace(scan.report, risks=risks), baseline)


@contextmanager
def _target(source: str, options: PostureOptions) -> Iterator[tuple[str, ...]]:
    """Raises: ``SourceError`` where the revision has no such path."""
    if source == CLUSTER:
        yield ()
        return
    path, revision = revision_of(source)
    if not revision:
        yield (source,)
        return
    was = path_at_revision(path, revision, options.environ)
    if not was.address:
        raise SourceError(f"{path} is not in the repository at {revision}")
    yield (was.address,)


def _of_file(one: Named, at: str) -> SourceReport:
    content = read_regular(one.source, LARGEST_BYTES)
    if f'"format":"{FORMAT}"'.encode() in content[:200]:
        raise SourceError(
            f"{one.source} is a report over several sources", hint="the next report is compared with it"
        )
    report = decode(content) if is_report(content) else None
    if isinstance(report, PostureReport):
        # When it was made it does not say; not when it is read.
        found = structs.replace(baseline_of(report, NoPlaces(), at, __version__), at="")
        return _of_report(one.name, report, found)
    baseline = read_baseline(one.source)
    controls = {control.id: control for control in load_controls()}
    return SourceReport(
        name=one.name,
        baseline=baseline,
        severities=severities_of(baseline, controls),
        score=baseline.compliance.get("all controls"),
        unread=tuple(plain(where, 4096) for where in baseline.unread),
        accepted=_accepted_rows(baseline),
    )


def _accepted_rows(baseline: Baseline) -> tuple[AcceptedRisk, ...]:
    """A baseline has the reasons alone, with owner and end in their words."""
    reasons = Counter(one.reason for one in baseline.accepted)
    return tuple(
        AcceptedRisk(what="", findings=number, reason=plain(why, 1_000)) for why, number in reasons.items()
    )


def _of_report(name: str, report: PostureReport, baseline: Baseline) -> SourceReport:
    numbers = report.numbers
    return SourceReport(
        name=name,
        baseline=baseline,
        severities={severity: number for severity, number in report.severities().items() if number},
        edits=numbers.edits,
        decisions=numbers.decisions,
        objects=report.objects,
        score=report.compliance(),
        unread=tuple(
            f"{plain(one.where, 4096)}{f':{one.line}' if one.line else ''}: {plain(one.why)}"
            for one in report.unread
        ),
        undecided=report.objects_undecided,
        accepted=_accepted(report),
        paths=_paths(report),
    )


def _accepted(report: PostureReport) -> tuple[AcceptedRisk, ...]:
    """Waivers that cover something, and those that ended and did."""
    return tuple(
        AcceptedRisk(
            what=title(use.waiver),
            findings=use.findings,
            reason=plain(use.waiver.reason, 1_000),
            owner=plain(use.waiver.owner),
            until=plain(use.waiver.expires),
            is_expired=use.state == "expired",
        )
        for use in report.waivers
        if use.findings and use.state in ("used", "expired")
    )


def _paths(report: PostureReport) -> tuple[AttackPath, ...] | None:
    if report.risks is None:
        return None
    titled = titles_of(report)
    return tuple(
        AttackPath(
            titled(report.resource(risk.resource)),
            risk.score,
            plain(risk.sentence, 1_000),
            risk_picture(report, (risk,), with_heads=False),
        )
        for risk in ranked(report.risks)[:PATHS]
    )


def _since(source: SourceReport, last: SourceReport | None, at: str) -> SourceReport:
    """``source`` with what changed since ``last``, and with the trend of both."""
    made = source.baseline.at
    here = TrendPoint(made if is_moment(made) and made < at else at, source.severities)
    if last is None:
        return structs.replace(source, trend=(*source.trend, here)[-MOST_POINTS:])
    difference = compare(last.baseline, source.baseline, scope_of(last.baseline, source.baseline))
    # A store has a history of its own, which knows the days between two reports as well.
    before = source.trend or last.trend
    return structs.replace(
        source,
        baseline=structs.replace(
            source.baseline, findings=with_first_seen(source.baseline.findings, difference.known)
        ),
        since=difference.numbers,
        fresh=tuple(source.baseline.findings[number] for number in difference.new),
        trend=(*before, here)[-MOST_POINTS:],
    )


def total_trend(report: JointReport) -> tuple[TrendPoint, ...]:
    """All sources together, for each day on which one was looked at, with what was last known of the others.

    It begins when all of today's sources are known: a source that joins later is not a change for the worse.
    """
    days: dict[str, dict[str, Mapping[str, int]]] = {}
    for source in report.sources:
        for point in source.trend:
            days.setdefault(point.at[:10], {})[source.name] = point.severities
    known: dict[str, Mapping[str, int]] = {}
    found = []
    for day in sorted(days):
        known.update(days[day])
        if len(known) == len(report.sources):
            together = sum((Counter(one) for one in known.values()), Counter[str]())
            found.append(TrendPoint(day, dict(together)))
    return tuple(found)


def soon(report: JointReport, days: int = 30) -> str:
    """The day up to which an end is near, as ``AcceptedRisk.until`` is written."""
    return (datetime.fromisoformat(report.at) + timedelta(days=days)).strftime("%Y-%m-%d")


def written(report: JointReport, form: JointForm, width: int | None) -> bytes:
    """``report`` as a person or a program reads it; ``width`` of a terminal, ``None`` for a pipe.

    Raises: ``UsageError`` for a PDF where its extra is not installed.
    """
    controls = {control.id: control for control in load_controls()}
    sections = tuple(report_sections(report, total_trend(report), soon(report), controls))
    match form:
        case "json":
            return msgspec.json.encode(report) + b"\n"
        case "pdf":
            return report_pdf(report, sections)
        case "html":
            text = report_html(report, sections)
        case "markdown":
            text = report_markdown(report, sections)
        case "csv":
            text = report_csv(report, controls)
        case "text":
            text = "\n".join(report_lines(report, sections, width)) + "\n"
    return text.encode("utf-8", "replace")
