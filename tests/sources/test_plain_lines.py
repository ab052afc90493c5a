"""What is read from lines alone is what libyaml reads: a comment in another script is enough to have it read the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sources.yaml.parser import LIMITS, Limits, Memory, parse_documents
from leadline.sources.yaml.plain_lines import plain_body

PLAIN = """\
---
# what it is
kind: Pod   # a comment
spec:
  containers:
  - name: web
    image: "registry:5000/a/web:1.2"
    args:
    - --level=1
    -   'quoted: text'

    command: []
    ports:
      - containerPort: 0o17
        name: http
  empty: {}
  nothing:
  labels:
    a.b/c: "1"
    on: yes
    url: http://x#y
  lists:
    - a:
      - 1.50
    - b: ~
last: true
"""
OTHERS = {
    "several lines": "a: one\n  two\n",
    "literal": "a: |\n  one\n",
    "anchor": "a: &x 1\nb: *x\n",
    "tag": "a: !!str 1\n",
    "flow": "a: [1, 2]\n",
    "merge": "a:\n  <<: {b: 1}\n",
    "key twice": "a: 1\nb: 2\na: 3\n",
    "key twice, written differently": "a: 1\n1: 2\n0x1: 3\n",
    "quoted key": '"a": 1\n',
    "list": "- a\n- b\n",
    "escape": 'a: "b\\n"\n',
    "list in list": "a:\n- - 1\n",
    "item on the next line": "a:\n-\n  b: 1\n",
    "wrong indentation": "a:\n    b: 1\n  c: 2\n",
    "less indentation than the first line": "  a: 1\nb: 2\n",
    "item of no list": "a: 1\n- b\n",
    "colon": "a: b: c\n",
    "infinity": "a: .inf\n",
    "end": "a: 1\n...\n",
    "directive": "%YAML 1.1\n",
    "tab": "a:\tb\n",
    "control character": "a: b # \x07\n",
    "other script": "a: é\n",
    "nothing": "# a comment\n",
    "last line without an end": "a: 1\nb: 2",
}
_SCALARS = st.sampled_from(
    r"""\
1|a b|-|--x|-1|#|a #b|a#b|a :b|a: b|a:|x:y|'a'|'a''b'|"a: b"|"\n"|{}|[]|[a]|&a b|*a|!x|>|?|? a|~|yes|0x1F|1e3|.5|.inf|<<|=|\
%a|@a|`a`|a'b|a"b|'a' b|'a' # b|a ,b|a]|2024-01-01|1_000|---|...|a\b|$(A)|^a""".replace("\\\n", "").split("|")
)
_SPACED = st.sampled_from(["", "|", "- ", "a  "])
_KEYS = st.sampled_from(
    ["a", "b", "c", "a.b/c", "1", "on", "~", "<<", "'q'", '"q"', "-a", "a b", "a" * 127, "k" * 1_100]
)
_LINES = st.builds(
    lambda indent, dash, key, colon, value: f"{' ' * indent}{dash}{key}{colon}{value}",
    st.integers(0, 5),
    st.sampled_from(["", "", "", "- ", "- ", "-   ", "-", "- - "]),
    _KEYS,
    st.sampled_from([": ", ": ", ": ", ":", ":  ", " : ", ""]),
    st.one_of(st.just(""), _SPACED, _SCALARS, st.text("ab:#-'\"\\ []{},&*!|>%?0.~", max_size=6)),
)


def plain(text: str, limits: Limits = LIMITS) -> object:
    memory = Memory()
    return plain_body(text.encode(), memory.keys, memory.written, limits.depth, limits.nodes)


def read(text: str) -> object:
    return [
        (repr(document.body), document.problem is None, document.duplicates)
        for document in parse_documents(text.encode())
    ]


def test_a_plain_document_is_read_from_its_lines():
    assert plain(PLAIN) is not None
    assert read(PLAIN) == read(f"{PLAIN}# é\n")


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_any_other_is_left_to_the_parser(text: str):
    assert plain(text) is None


@settings(max_examples=1_500, deadline=None)
@given(st.lists(_LINES, min_size=1, max_size=9).map("\n".join).filter(lambda text: "\n---" not in text))
def test_lines_say_what_the_parser_says(text: str):
    assert read(f"{text}\n") == read(f"{text}\n# é\n")


@pytest.mark.parametrize("depth", range(1, 9))
def test_what_is_deeper_than_allowed_is_refused_all_the_same(depth: int):
    text = "".join(f"{'  ' * level}a:\n" for level in range(6)) + f"{'  ' * 6}a: {{}}\n"
    (document,) = parse_documents(text.encode(), Limits(depth=depth))
    assert (document.problem is None) is (depth == 8)


def test_what_holds_more_than_allowed_is_refused_all_the_same():
    text = "a:\n" + "- b: 1\n" * 10
    (document,) = parse_documents(text.encode(), Limits(nodes=30))
    assert document.problem is not None
    (document,) = parse_documents(text.encode(), Limits(nodes=60))
    assert document.problem is None
