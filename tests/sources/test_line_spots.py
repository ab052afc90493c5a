from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sources.manifests.line_index import line_spots
from leadline.sources.manifests.positions import spots_of
from leadline.sources.yaml.parser import Keys, parse_documents

PLAIN = """\
---
# what it is
kind: Pod
spec:
  # in between
  containers:
  - name: web
    args:
    - --level=1

    - "quoted: text"
    script: |
      name: no key
        args:
    long: one line
      and another
    empty: {}
    none: []
  - just text
  labels:
    a.b/c: "1"
    nothing:
    list:
      -   deep: 1
          down: 2
last: true
"""
NOT_PLAIN = {
    "flow": "a: {b: 1}\n",
    "anchor": "a: &x 1\nb: *x\n",
    "merge": "a: &x\n  b: 1\nc:\n  <<: *x\n",
    "twice": "a: 1\na: 2\n",
    "twice below": "a:\n  b: 1\n  b: 2\nc: 1\n",
    "quoted key": '"a": 1\n',
    "other spelling": "yes: 1\n010: 2\n",
    "tab": "a:\t1\n",
    "carriage return": "a: 1\r\nb: 2\r\n",
    "letters": "ä: 1\n",
    "explicit key": "? a\n: 1\n",
    "list in a list": "a:\n- - 1\n",
    "tagged": "a: !!str 1\n",
}


def body_of(text: bytes) -> Any:
    return parse_documents(text)[0].body


def flat(spot: Any) -> Any:
    mark, inner = spot if type(spot) is tuple else (spot, None)
    if isinstance(inner, dict):
        inner = {key: flat(value) for key, value in inner.items()}
    elif isinstance(inner, list):
        inner = [flat(value) for value in inner]
    return mark.line, mark.column, inner


def parsed(text: bytes) -> Any:
    return flat(spots_of(text, Keys(), 100))


def test_the_lines_tell_what_the_parser_tells():
    text = PLAIN.encode()
    assert flat(line_spots(text, body_of(text))) == parsed(text)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_is_not_written_plainly_is_left_to_the_parser(name):
    text = NOT_PLAIN[name].encode()
    assert line_spots(text, body_of(text)) is None


@pytest.mark.parametrize("other", ["kind: Pod\n", PLAIN.replace("last", "first"), PLAIN + "more: 1\n", ""])
def test_a_file_that_changed_since_is_left_to_the_parser(other):
    assert line_spots(other.encode(), body_of(PLAIN.encode())) is None


TEXTS = st.text("abc:#-|>&*!{}[]'\" \n0", max_size=12)
KEYS = st.sampled_from(["a", "b", "kind", "a.b/c", "x-1", "1", "yes", "a b"])
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), st.booleans(), st.sampled_from([10, 80]))
def test_whatever_the_lines_tell_is_what_the_parser_tells(value, is_indented, width):
    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow=False, indentless=False):
            return super().increase_indent(flow, indentless and not is_indented)

    text = yaml.dump(value, Dumper=Dumper, default_flow_style=False, width=width).encode()
    body = body_of(text)
    spots = line_spots(text, body) if isinstance(body, dict) else None
    assert spots is None or flat(spots) == parsed(text)
