"""Numbers in Prometheus' text form, for a text-file collector or a push gateway.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.summary import controls_that_judged
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import plain

MOST_PARTS = 100
"""Each is a series of its own, which a server keeps for weeks."""

Sample = tuple[tuple[tuple[str, str], ...], float]
"""Labels and value."""
_Family = tuple[str, str, list[Sample]]
"""Name, help and samples."""


@format("prometheus", suffix=".prom")
def prometheus(report: PostureReport, out: IO[str], page: Page) -> None:
    for name, what, samples in _families(report, page):
        if samples:
            out.write(f"# HELP {name} {what}\n# TYPE {name} gauge\n")
            # Names that differ in what is cut away are one series.
            for labels, value in {_labels(labels): value for labels, value in samples}.items():
                out.write(f"{name}{labels} {value:.12g}\n")


def _families(report: PostureReport, page: Page) -> Iterator[_Family]:
    pairs = report.severities()
    yield (
        "leadline_findings",
        "Pairs of control and object that failed, by severity.",
        [((("severity", severity),), pairs[severity]) for severity in SEVERITIES],
    )
    yield ("leadline_findings_accepted", "Findings that a waiver covers.", [((), report.numbers.accepted)])
    if report.change is not None:
        state = "approved" if report.change.is_approved else "waiting"
        yield (
            "leadline_findings_accepted_by_change",
            "Findings that the change which was scanned accepts itself, by whether that is approved.",
            [((("state", state),), len(report.change.accepted))],
        )
    yield ("leadline_objects", "Objects read.", [((), report.objects)])
    yield ("leadline_objects_judged", "Objects that a control judged.", [((), report.objects_judged)])
    yield (
        "leadline_objects_undecided",
        "Objects that some control could not decide on.",
        [((), report.objects_undecided)],
    )
    yield ("leadline_unread", "Files, kinds and charts that were not read.", [((), len(report.unread))])
    yield ("leadline_left_out", "What was passed over by choice.", [((), len(report.left_out))])
    for sort in passed_over(report, MOST_PARTS):
        name = "leadline_left_out" if sort.is_choice else "leadline_unread"
        yield (
            f"{name}_info",
            f"1 for each part that was {sort.word}, by name: the first {MOST_PARTS} of {name}.",
            [((("where", part.where), ("reason", part.reason)), 1) for part in sort.parts],
        )
    yield (
        "leadline_waivers",
        "Waivers by what became of them.",
        [(((("state", state),)), n) for state, n in _states(report)],
    )
    yield (
        "leadline_controls_judged",
        "Controls that judged an object.",
        [((), controls_that_judged(report))],
    )
    scores = [((("framework", f.name),), report.compliance(f)) for f in report.frameworks]
    yield (
        "leadline_compliance_score",
        "Mean per cent of judged objects that pass each control, 0 to 100.",
        [(labels, score) for labels, score in scores if score is not None],
    )
    yield from _of_controls(report)
    moment = datetime.fromisoformat(page.at.replace("Z", "+00:00")).timestamp()
    yield ("leadline_scan_timestamp_seconds", "When the scan ended.", [((), moment)])
    yield ("leadline_scan_duration_seconds", "How long it took.", [((), report.seconds)])


def _of_controls(report: PostureReport) -> Iterator[_Family]:
    rows = sorted((row for row in report.by_control if row.judged), key=lambda row: row.control.id)
    labels = [
        (("control", row.control.id), ("name", row.control.title), ("severity", row.counts.severity))
        for row in rows
    ]
    yield (
        "leadline_control_failed_objects",
        "Objects that fail a control.",
        [(names, row.failed) for names, row in zip(labels, rows, strict=True)],
    )
    yield (
        "leadline_control_passed_objects",
        "Objects that pass a control.",
        [(names, row.passed) for names, row in zip(labels, rows, strict=True)],
    )


def _states(report: PostureReport) -> Iterator[tuple[str, int]]:
    for state in ("used", "unused", "expired", *(("waiting",) if report.change else ())):
        yield state, sum(1 for use in report.waivers if use.state == state)


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return plain(value, 1_000).replace("\\", "\\\\").replace('"', '\\"')
