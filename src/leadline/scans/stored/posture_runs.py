"""What a ScanRun says of a scan of objects."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from leadline.model.control import Framework
from leadline.model.report import ControlCount, PostureReport
from leadline.scans.stored.scan_runs import moment, told_unread
from leadline.version import __version__

Body = dict[str, Any]


class RunOptions(Struct, frozen=True):
    trigger: str = "command"
    is_full: bool = False
    """Whether every object and every control was looked at."""
    skipped_namespaces: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    started: str
    phase: str
    message: str = ""


def posture_run(report: PostureReport, options: RunOptions, outcome: Outcome) -> Body:
    target = report.target
    return {
        "spec": {
            "target": {
                "kind": target.kind,
                "name": target.name,
                "serverVersion": target.server_version,
                "cloud": target.cloud,
            },
            "trigger": options.trigger,
            "subject": "posture",
            "scope": "everything" if options.is_full else "part",
            "controls": [control.id for control in report.controls],
            "frameworks": [framework.name for framework in report.frameworks],
            "tool": {"name": "leadline", "version": __version__},
        },
        "status": posture_status(report, options, outcome),
    }


def posture_status(report: PostureReport, options: RunOptions, outcome: Outcome) -> Body:
    counts = report.severities()
    return {
        "phase": outcome.phase,
        "startedAt": outcome.started,
        "finishedAt": "" if outcome.phase == "Running" else moment(),
        "message": outcome.message,
        "coverage": {
            "objects": report.objects,
            "judged": report.objects_judged,
            "images": 0,
            "controls": len(report.controls),
            **told_unread(report.unread),
            "unreadReasons": dict(sorted(Counter(one.reason for one in report.unread).items())),
            "skippedNamespaces": list(options.skipped_namespaces),
            "skips": [{"control": s.control, "kind": s.kind, "why": s.why} for s in report.skips],
            "undecided": report.objects_undecided,
        },
        "findings": {name: counts[name] for name in ("critical", "high", "medium", "low", "unknown")},
        "accepted": len(report.waived),
        **scores(report),
    }


def scores(report: PostureReport) -> Body:
    """Compliance over all controls, and of each framework; ``score`` is left out where nothing was judged."""
    overall = report.compliance()
    return {
        **({} if overall is None else {"score": round(overall, 2)}),
        "frameworkScores": [_score(report.seen_by(framework), framework) for framework in report.frameworks],
    }


def _score(report: PostureReport, framework: Framework) -> Body:
    """``report``: as the framework sees it."""
    rows = {row.control.id: row for row in report.by_control}
    score = report.compliance(framework)
    status = Counter(row.status for row in _rows(framework, rows))
    return {
        "name": framework.name,
        **({} if score is None else {"score": round(score, 2)}),
        "controls": {name: status[name] for name in ("failed", "passed", "skipped")},
    }


def _rows(framework: Framework, rows: dict[str, ControlCount]) -> Iterator[ControlCount]:
    for id in dict.fromkeys(framework.control_ids):
        if id in rows:
            yield rows[id]
