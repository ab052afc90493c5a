"""Our verdicts against the reference library's rule cases; every difference is a line of the deviations page."""

import fnmatch
import re
from pathlib import Path

import pytest
from replay import FIXTURES, differences, load_cases

from leadline.posture.catalogue import load_controls

DEVIATIONS = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "deviations.md"
CONTROLS = {control.id: control for control in load_controls() if control.check}

pytestmark = pytest.mark.skipif(not FIXTURES.exists(), reason="the reference's cases are not beside the checkout")


def deviations() -> list[tuple[str, str]]:
    """Control id and case pattern of each written deviation."""
    rows = re.findall(r"^- (C-\d{4}) (\S+?): \S", DEVIATIONS.read_text(), re.M)
    assert rows
    return rows


def test_every_case_agrees_or_is_a_written_deviation():
    written = deviations()
    unexplained = []
    for case in load_cases():
        name = f"{case['rule']}/{case['case']}"
        for control_id in case["controls"]:
            if control_id not in CONTROLS:
                continue
            lines = differences(case, CONTROLS[control_id])
            if lines and not any(c == control_id and fnmatch.fnmatch(name, pattern) for c, pattern in written):
                unexplained.append((control_id, name, *lines))
    assert unexplained == []


def test_no_written_deviation_has_become_untrue():
    cases = [(f"{case['rule']}/{case['case']}", case) for case in load_cases()]
    stale = [
        (control_id, pattern)
        for control_id, pattern in deviations()
        if control_id in CONTROLS
        and not any(
            control_id in case["controls"] and fnmatch.fnmatch(name, pattern) and differences(case, CONTROLS[control_id])
            for name, case in cases
        )
    ]
    assert stale == []
