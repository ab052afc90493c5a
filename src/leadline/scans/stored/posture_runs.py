"""What a ScanRun says of a scan of objects."""

from collections import Counter
from collections.abc import Iterator

from msgspec import UNSET, Struct

from leadline.api.kinds.configuration import CONFIGURATION_SEVERITIES, SeverityCounts
from leadline.api.kinds.scans import (
    ControlCounts,
    FrameworkScore,
    ScanCoverage,
    ScanOrder,
    ScanOutcome,
    ScanRules,
    ScanRun,
    ScanTarget,
    SkippedControl,
)
from leadline.api.wire_type import Maybe
from leadline.model.control import Framework
from leadline.model.report import ControlCount, PostureReport
from leadline.scans.stored.scan_runs import moment, unread_places
from leadline.version import __version__


class RunOptions(Struct, frozen=True):
    trigger: str = "command"
    is_full: bool = False
    """Whether every object and every control was looked at."""
    skipped_namespaces: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    started: str
    phase: str
    message: str = ""


def posture_run(report: PostureReport, options: RunOptions, outcome: Outcome) -> ScanRun:
    target = report.target
    order = ScanOrder(
        ScanTarget(target.kind, target.name, target.server_version, target.cloud),
        options.trigger,
        "posture",
        "everything" if options.is_full else "part",
        tuple(control.id for control in report.controls),
        tuple(framework.name for framework in report.frameworks),
        ScanRules("leadline", __version__),
    )
    return ScanRun(order, posture_status(report, options, outcome))


def posture_status(report: PostureReport, options: RunOptions, outcome: Outcome) -> ScanOutcome:
    counts = report.severities()
    coverage = ScanCoverage(
        report.objects,
        report.objects_judged,
        0,
        len(report.controls),
        len(report.unread),
        report.objects_undecided,
        options.skipped_namespaces,
        dict(sorted(Counter(one.reason for one in report.unread).items())),
        unread_places(report.unread),
        tuple(SkippedControl(one.control, one.kind, one.why) for one in report.skips),
    )
    return ScanOutcome(
        outcome.phase,
        outcome.started,
        "" if outcome.phase == "Running" else moment(),
        outcome.message,
        coverage,
        SeverityCounts(*(counts[name] for name in CONFIGURATION_SEVERITIES)),
        report.numbers.accepted,
        _rounded(report.compliance()),
        framework_scores(report),
    )


def framework_scores(report: PostureReport) -> tuple[FrameworkScore, ...]:
    """Compliance with each framework; ``score`` is left out where nothing was judged."""
    return tuple(_score(report.seen_by(framework), framework) for framework in report.frameworks)


def _rounded(score: float | None) -> Maybe[float]:
    return UNSET if score is None else round(score, 2)


def _score(report: PostureReport, framework: Framework) -> FrameworkScore:
    """``report``: as the framework sees it."""
    rows = {row.control.id: row for row in report.by_control}
    status = Counter(row.status for row in _rows(framework, rows))
    counts = ControlCounts(status["failed"], status["passed"], status["skipped"])
    return FrameworkScore(framework.name, _rounded(report.compliance(framework)), counts)


def _rows(framework: Framework, rows: dict[str, ControlCount]) -> Iterator[ControlCount]:
    for id in dict.fromkeys(framework.control_ids):
        if id in rows:
            yield rows[id]
