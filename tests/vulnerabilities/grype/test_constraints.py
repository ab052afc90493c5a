from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.vulnerability import VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.ecosystems import orderings
from leadline.vulnerabilities.grype.constraints import ranges, starts

PYPI = orderings()["PyPI"]


@pytest.mark.parametrize(
    ("constraint", "fix", "expected"),
    [
        ("", "", [VersionRange()]),
        ("none", "", [VersionRange()]),
        ("< 2.0", "2.0", [VersionRange(fixed="2.0")]),
        ("<2.0", "", [VersionRange(fixed="2.0", is_fix=False)]),
        (">= 1.0, < 2.0", "2.0", [VersionRange("1.0", fixed="2.0")]),
        (">=1.0,<2.0", "2.0", [VersionRange("1.0", fixed="2.0")]),
        (">= 1.0 < 2.0", "2.0", [VersionRange("1.0", fixed="2.0")]),
        ("> 1.0, <= 1.5", "", [VersionRange("1.0", last_affected="1.5", after=True)]),
        ("<= 1.5", "1.6", [VersionRange(fixed="1.6")]),
        ("<= 1.5", "1.4", [VersionRange(last_affected="1.5")]),
        (">= 0, < 3", "3", [VersionRange(fixed="3")]),
        ("= 3.0", "", ["3.0"]),
        ("3.0", "", ["3.0"]),
        (
            ">= 1, < 2 || >= 3, < 3.5 || = 4",
            "3.5",
            [VersionRange("1", fixed="2", is_fix=False), VersionRange("3", fixed="3.5"), "4"],
        ),
    ],
)
def test_constraint_becomes_ranges(constraint: str, fix: str, expected: Sequence[VersionRange | str]):
    assert list(ranges(constraint, fix, PYPI)) == expected


@pytest.mark.parametrize(
    "constraint", ["|| < 2", "< 2 ||", "of all kinds", "= 1, = 2", "~> 1.0 !", "<", ">= <", "< {{version}}"]
)
def test_constraint_of_another_form_is_refused_whole(constraint: str):
    with pytest.raises(Unreadable):
        list(ranges(constraint, "", PYPI))


def test_as_many_ranges_as_a_record_may_have():
    with pytest.raises(Unreadable, match="too many"):
        list(ranges(" || ".join(["= 1"] * 3000), "", PYPI))


def test_start_of_what_is_unaffected():
    assert starts(">= 2.4.37-62.el8") == "2.4.37-62.el8"
    assert starts(">= 1, < 2") == starts("") == ""


@given(st.text("<>=|, 0123456789.abc-", max_size=60))
def test_anything_is_read_or_refused(written: str):
    try:
        for found in ranges(written, "1", PYPI):
            assert isinstance(found, VersionRange | str)
    except Unreadable:
        pass
