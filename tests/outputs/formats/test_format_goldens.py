"""Every format writes the sample report as the golden beside it. ``LEADLINE_WRITE_GOLDENS=1`` writes them anew."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import find_format, formats_for
from leadline.outputs.formats import pretty as pretty_format
from outputs.sample_report import REPORT, SECRETS, page
from outputs.screen_width import too_wide

GOLDENS = Path(__file__).parent / "goldens"
CASES = {
    "pretty-60.txt": ("pretty", {"width": 60}),
    "pretty-100.txt": ("pretty", {"width": 100}),
    "pretty-200.txt": ("pretty", {"width": 200}),
    "pretty-60-verbose.txt": ("pretty", {"width": 60, "verbose": True}),
    "pretty-100-verbose.txt": ("pretty", {"width": 100, "verbose": True}),
    "pretty-colour-gate.txt": (
        "pretty",
        {
            "colour": True,
            "verdict": "failed: --severity-threshold high, 3 findings at or above it",
            "passed": False,
            "gate": "high",
        },
    ),
    "pretty-colour.txt": ("pretty", {"colour": True}),
    "pretty-colour-passed.txt": ("pretty", {"colour": True, "verdict": "passed: --fail-on unread"}),
    "pretty-high-only.txt": ("pretty", {"least": "high"}),
    "lines.txt": ("lines", {}),
    "report.json": ("json", {}),
    "report.sarif": ("sarif", {}),
    "report.report.json": ("report", {}),
    "report.xml": ("junit", {}),
    "report.github.txt": ("github", {}),
    "report.gl-sast.json": ("gitlab-sast", {}),
    "report.codequality.json": ("code-quality", {}),
    "report.csv": ("csv", {}),
    "report.md": ("markdown", {"verdict": "failed: 3 findings", "passed": False}),
    "report.html": ("html", {"verdict": "failed: 3 findings", "passed": False}),
    "report.pdf.json": ("pdf", {"verdict": "failed: 3 findings", "passed": False}),
    "report.prom": ("prometheus", {}),
    "report.yaml": ("yaml", {}),
    "report.policyreport.yaml": ("policyreport", {}),
}


def written(name: str, report: PostureReport = REPORT, **fields: object) -> str:
    out = io.StringIO()
    find_format(name, PostureReport).write(report, out, page(**fields))
    return out.getvalue()


@pytest.mark.parametrize("golden", CASES)
def test_output_is_the_golden(golden: str) -> None:
    name, fields = CASES[golden]
    text = written(name, **fields)
    if os.environ.get("LEADLINE_WRITE_GOLDENS"):
        (GOLDENS / golden).write_text(text, "utf-8")
    assert text == (GOLDENS / golden).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
def test_no_format_writes_a_secret_value(name: str) -> None:
    text = written(name, verbose=True)
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize(
    "fields", [{}, {"verbose": True}, {"coverage": True}, {"passed": False, "gate": "low"}]
)
def test_pretty_keeps_to_the_width(fields: dict[str, Any]) -> None:
    for width in (40, *range(60, 201)):
        assert too_wide(written("pretty", width=width, **fields), width) == [], width


@given(
    st.lists(st.text("abcde/", min_size=1, max_size=30), min_size=1, max_size=12),
    st.integers(0, 2000),
    st.integers(20, 130),
)
def test_names_fit_with_how_many_more_there_are(names: list[str], hidden: int, width: int) -> None:
    text = pretty_format._names(names, len(names) + hidden, width)
    shown = text.partition(" and ")[0].split(", ")
    assert shown == names[: len(shown)]
    missing = len(names) + hidden - len(shown)
    assert text.endswith(f" and {missing:,} more") == (missing > 0)
    assert len(text) <= width or len(shown) == 1


@pytest.mark.parametrize("width", [60, 100])
def test_what_to_do_next_stands_beneath_the_scores(width: int) -> None:
    lines = written(
        "pretty",
        width=width,
        view="",
        again="leadline scan --kubeconfig /some/long/path/to/admin.conf deploy",
    ).splitlines()
    (first,) = (line for line in lines if line.startswith("next "))
    assert first.startswith("next      leadline scan")
