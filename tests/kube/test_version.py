"""Versions as numbers, and the ranges they lie in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.version import is_within, parse_version

RANGES = (("1.24.0", "1.24.9"), ("v1.25", "1.25.5"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v1.36.3", (1, 36, 3)),
        ("1.21", (1, 21, 0)),
        ("v1", (1, 0, 0)),
        ("v1.21.14-eks-6d3986b", (1, 21, 14)),
        ("v1.27.3-gke.100", (1, 27, 3)),
        ("1.21+", (1, 21, 0)),
        ("v1.30.0-rc.1", (1, 30, 0)),
        ("  v1.2.3 ", (1, 2, 3)),
        ("1.2.3.4", (1, 2, 3)),
        ("", None),
        ("v", None),
        ("latest", None),
        ("V1.2", None),
        ("-1.2", None),
    ],
)
def test_the_first_three_numbers_are_read(text, numbers):
    assert parse_version(text) == numbers


@pytest.mark.parametrize(
    ("version", "is_inside"),
    [
        ((1, 24, 0), True),
        ((1, 24, 8), True),
        ((1, 24, 9), False),
        ((1, 23, 99), False),
        ((1, 25, 0), True),
        ((1, 25, 5), False),
        ((2, 0, 0), False),
    ],
)
def test_a_range_holds_its_first_version_and_not_its_last(version, is_inside):
    assert is_within(version, RANGES) is is_inside


def test_a_range_that_cannot_be_read_holds_nothing():
    assert not is_within((1, 0, 0), (("", "9"), ("0", "soon")))
    assert not is_within((1, 0, 0), ())


PARTS = st.tuples(*[st.integers(0, 10**9 - 1)] * 3)


@given(PARTS, PARTS)
def test_versions_order_number_by_number(one, other):
    ours, theirs = (parse_version("v" + ".".join(map(str, parts))) for parts in (one, other))
    assert (ours, theirs) == (one, other)
    assert is_within(one, ((".".join(map(str, other)), "999999999.999999999.999999999"),)) == (
        other <= one < (999999999,) * 3
    )


@given(st.text(max_size=200))
def test_any_text_is_a_version_or_none(text):
    found = parse_version(text)
    assert found is None or (len(found) == 3 and all(number >= 0 for number in found))
