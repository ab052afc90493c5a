"""Quantities are counted in billionths, exactly, and order as the scheduler orders them."""

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.quantity import parse_quantity

BILLION = 10**9
SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("100m", Fraction(1, 10)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+5", 5),
        ("-3", -3),
        ("2e3", 2000),
        ("2E3", 2000),
        ("2E", 2 * 10**18),
        ("1e-3", Fraction(1, 1000)),
        ("0.1Gi", Fraction(2**30, 10)),
        (1, 1),
        (0.5, Fraction(1, 2)),
        (1e-05, Fraction(1, 10**5)),
        (1e21, 10**21),
    ],
)
def test_every_form_is_read(written, number):
    assert parse_quantity(written) == number * BILLION


@pytest.mark.parametrize(
    ("written", "billionths"), [("0.1n", 1), ("-0.1n", -1), ("1.5n", 2), ("1e-12", 1), ("0n", 0)]
)
def test_what_is_finer_than_a_billionth_is_rounded_away_from_zero(written, billionths):
    assert parse_quantity(written) == billionths


@pytest.mark.parametrize(
    "written",
    ["", "Gi", "1 Gi", "1gi", "1GI", "1KI", "1K", "0x10", "1e", "1e+", "1.2.3", "--1", "1_000", "१", "١", "nan", "1e9999",
     "9" * 65, None, True, False, [], {}, [1], float("inf"), float("nan")],
)  # fmt: skip
def test_what_is_no_quantity_is_none(written):
    assert parse_quantity(written) is None


def test_a_number_too_long_to_write_is_none():
    assert parse_quantity(10**5000) is None


NUMBERS = st.decimals(min_value=-(10**6), max_value=10**6, places=3, allow_nan=False).map(lambda d: f"{d:f}")
WRITTEN = st.tuples(NUMBERS, st.sampled_from(sorted(SUFFIXES)))


def exact(written: tuple[str, str]) -> int:
    number = Fraction(written[0]) * SUFFIXES[written[1]] * BILLION
    return ceil(number) if number > 0 else -ceil(-number)


@given(WRITTEN)
def test_no_digit_is_lost(written):
    assert parse_quantity("".join(written)) == exact(written)


@given(WRITTEN, WRITTEN)
def test_quantities_order_as_their_numbers(one, other):
    ours, theirs = parse_quantity("".join(one)), parse_quantity("".join(other))
    assert ours is not None
    assert theirs is not None
    assert (ours < theirs, ours == theirs) == (exact(one) < exact(other), exact(one) == exact(other))


@given(st.integers(-(10**6), 10**6), st.integers(-30, 30))
def test_an_exponent_is_a_power_of_ten(number, exponent):
    assert parse_quantity(f"{number}e{exponent}") == exact((f"{number}e{exponent}", ""))


ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
)


@given(ANYTHING)
def test_anything_is_a_number_or_none(value):
    assert isinstance(parse_quantity(value), int | None)
