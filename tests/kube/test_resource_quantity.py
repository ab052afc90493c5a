from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.quantity import parse_quantity

SCALES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{letter: Fraction(1000 ** (i + 1)) for i, letter in enumerate("kMGTPE")},
    **{letter + "i": Fraction(1024 ** (i + 1)) for i, letter in enumerate("KMGTPE")},
    **{f"e{power}": Fraction(10) ** power for power in (-12, -3, 0, 6, 40)},
}


@pytest.mark.parametrize(
    ("value", "billionths"),
    [
        ("100m", 10**8),
        ("1Gi", 1024**3 * 10**9),
        ("1.5", 15 * 10**8),
        (".5", 5 * 10**8),
        ("2.", 2 * 10**9),
        ("-1k", -(10**12)),
        ("2e3", 2 * 10**12),
        ("2E-3", 2 * 10**6),
        ("0.1n", 1),
        ("-0.1n", -1),
        (2, 2 * 10**9),
        (0.5, 5 * 10**8),
        (" 1 ", 10**9),
    ],
)
def test_a_quantity_is_counted_in_billionths(value, billionths):
    assert parse_quantity(value) == billionths


@pytest.mark.parametrize(
    "value",
    ["", "Gi", "1 Gi", "1gi", "1e", "1e9999", "1Kk", "0x1", "--1", ".", "١", "9" * 65, True, None, [1]],
)
def test_what_is_no_quantity_is_none(value):
    assert parse_quantity(value) is None


@given(
    st.integers(-(10**12), 10**12),
    st.text("0123456789", max_size=12),
    st.sampled_from(sorted(SCALES)),
)
def test_it_is_the_exact_number_rounded_away_from_zero(whole, part, suffix):
    exact = Fraction(f"{whole}.{part or '0'}") * SCALES[suffix] * 10**9
    rounded = ceil(abs(exact))
    is_negative = whole < 0
    assert parse_quantity(f"{whole}.{part}{suffix}") == (-rounded if is_negative else rounded)
