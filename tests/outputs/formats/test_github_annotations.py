"""Annotations are about what the gate asks for; one notice holds the rest."""

import io

from msgspec.structs import replace

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import find_format
from outputs.sample_report import REPORT, page


def commands(report: PostureReport = REPORT, **fields: object) -> list[str]:
    out = io.StringIO()
    find_format("github", PostureReport).write(report, out, page(**fields))
    return [line for line in out.getvalue().splitlines() if line.startswith("::")]


def severities(lines: list[str]) -> list[str]:
    return [
        line.partition("title=")[2].partition("%3A")[0]
        for line in lines
        if ",title=" in line and "%3A" in line
    ]


def test_a_failed_gate_chooses_what_is_annotated():
    failed = {"verdict": "failed: --severity-threshold", "passed": False}
    assert severities(commands(gate="critical", **failed)) == ["critical"]
    assert severities(commands(gate="medium", **failed)) == ["critical", "high", "high", "medium", "medium"]
    assert severities(commands()) == ["critical", "high", "high"]


def test_a_passed_gate_leaves_one_notice_and_what_was_not_read():
    lines = commands(verdict="passed: --severity-threshold critical", fix="leadline fix deploy/")
    assert severities(lines) == []
    *unread, notice = lines
    assert all(",title=not read" in line or "title=not read" in line for line in unread)
    assert notice.startswith("::notice title=Leadline::passed")
    assert notice.endswith("; next: leadline fix deploy/")
    assert "5 edits without an annotation" in notice


def test_what_was_not_read_before_is_counted_in_the_notice():
    many = replace(REPORT, unread=REPORT.unread * 40)
    assert "::notice" in commands(many)[-1]
    assert f"{len(many.unread) - 50} more not read" in commands(many)[-1]
