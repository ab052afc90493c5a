"""Our verdicts against the reference library's rule cases; every difference is a line of the deviations page."""

import fnmatch
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cases import compacted, expanded, load_cases
from compact import renamed, verdicts
from replay import FIXTURES, differences, load_full_cases, their_paths

from leadline.posture.catalogue import load_controls

DEVIATIONS = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "deviations.md"
CONTROLS = {control.id: control for control in load_controls() if control.check}
LEAST_CASES = 500
"""Fewer mean that files are missing, and a test over none of them passes."""


@cache
def differing() -> dict[tuple[str, str], list[str]]:
    """Control id and case to the differences, for every pair that is judged."""
    return {
        (control_id, f"{case['rule']}/{case['case']}"): differences(case, CONTROLS[control_id])
        for case in load_cases()
        for control_id in case["controls"]
        if control_id in CONTROLS
    }


def deviations() -> list[tuple[str, str]]:
    """Control id and case pattern of each written deviation."""
    rows = re.findall(r"^- (C-\d{4}) (\S+?): \S", DEVIATIONS.read_text(), re.M)
    assert rows
    return rows


def test_the_cases_are_all_there():
    assert len(load_cases()) >= LEAST_CASES
    assert sum(bool(case["expectedFailures"]) for case in load_cases()) >= LEAST_CASES // 2


def test_every_case_agrees_or_is_a_written_deviation():
    written = deviations()
    assert [
        (control_id, name, *lines)
        for (control_id, name), lines in differing().items()
        if lines and not any(c == control_id and fnmatch.fnmatch(name, pattern) for c, pattern in written)
    ] == []


def test_no_written_deviation_has_become_untrue():
    assert [
        (control_id, pattern)
        for control_id, pattern in deviations()
        if control_id in CONTROLS
        and not any(
            lines and c == control_id and fnmatch.fnmatch(name, pattern)
            for (c, name), lines in differing().items()
        )
    ] == []


def test_a_case_written_again_is_the_same_line():
    for case in load_cases():
        again = expanded(compacted(case))
        assert again == {key: value for key, value in case.items() if key != "rule"}


def test_an_expectation_is_compared_at_all():
    case: dict[str, Any] = next(
        c for c in load_cases() if c["rule"] == "rule-privileged-container" and c["expectedFailures"]
    )
    control = CONTROLS["C-0057"]
    assert differences(case, control) == []
    assert differences({**case, "expectedFailures": []}, control) != []
    assert differences({**case, "objects": []}, control) != []


@pytest.mark.skipif(not FIXTURES.exists(), reason="the full cases are not beside the checkout")
def test_the_cases_here_judge_as_the_full_ones():
    here = {(case["rule"], case["case"]): case for case in load_cases()}
    full = {(case["rule"], case["case"]): case for case in load_full_cases()}
    assert sorted(here) == sorted(full)
    for name, case in full.items():
        judging = [CONTROLS[i] for i in case["controls"] if i in CONTROLS]
        case = renamed(case, judging)
        assert their_paths(here[name]) == their_paths(case), name
        assert verdicts(here[name], judging) == verdicts(case, judging), name
