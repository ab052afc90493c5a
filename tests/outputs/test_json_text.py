"""JSON of whatever an object can hold."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.outputs.text.json_text import json_text

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object):
    text = json_text(value)
    assert json.loads(text) == value
    assert "\n" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [math.nan, math.inf, -math.inf]}, '{"a":[null,null,null]}'),
        (10**40, f"1{'0' * 40}"),
        ("\ud800", r'"\ud800"'),
        ({"\ud800": math.inf}, r'{"\ud800":null}'),
        ({None: 1, 2: 3}, '{"None":1,"2":3}'),
        ([1e16, -0.0, 0.1], "[1e16,-0.0,0.1]"),
        (("a", object), '["a","<class \'object\'>"]'),
    ],
)
def test_what_json_does_not_have(value: object, text: str):
    assert json_text(value) == text
