import json
import logging
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sources.yaml import parser as yaml_documents
from leadline.sources.yaml.json import parse_json
from leadline.sources.yaml.parser import Duplicate, Limits, parse_documents
from sources.kubectl_reading import as_json

FIXTURES = Path(__file__).parents[3] / "shared" / "reference" / "fixtures"
LAUGHS = b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 9)
)


def bodies(text: str | bytes) -> list[object]:
    documents = parse_documents(text.encode() if isinstance(text, str) else text)
    assert [d.problem for d in documents if d.problem] == []
    return [document.body for document in documents]


def shape(text: str) -> list[tuple[object, ...]]:
    """Index, first line, and the body or the place and reason of the problem."""
    return [
        (d.index, d.line, *((d.problem.line, d.problem.column, d.problem.why) if d.problem else (d.body,)))
        for d in parse_documents(text.encode())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment\n", []),
        ("---\n", [None]),
        ("---", [None]),
        ("a: 1", [{"a": 1}]),
        ("--- {a: 1}\n--- # note\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\n# nothing\n---\na: 1\n---\n", [None, {"a": 1}, None]),
        ("# head\n---\na: 1\n", [{"a": 1}]),
        ("%YAML 1.1\n---\na: 1\n", [{"a": 1}]),
        ("a: 1\n...\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("a: 1\n...\n# end\n", [{"a": 1}]),
        ("a: |\n  x\n  ---\n  y\n---\nb: 1\n", [{"a": "x\n---\ny\n"}, {"b": 1}]),
        ("a: 1\r\n---\r\nb:\r\n  - c\r\n", [{"a": 1}, {"b": ["c"]}]),
        ("a: |\r\n  x\r\n  y\r\n", [{"a": "x\ny\n"}]),
        ("a: |\n  x", [{"a": "x\n"}]),
        ("a: &x 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---foo: 1\n", [{"---foo": 1}]),
        ("a: 1\n---# note\nb: 2\n---#\n", [{"a": 1}, {"b": 2}]),
        ("---#\na: 1\n", [{"a": 1}]),
        ("a: 1\r---\rb:\r  - c\r", [{"a": 1}, {"b": ["c"]}]),
        ("\ufeffa: 1\n---\n\ufeffb: 2\nc: 3\n", [{"a": 1}, {"b": 2, "c": 3}]),
    ],
)
def test_stream_is_taken_apart_into_documents(text, expected):
    assert bodies(text) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encoding_follows_from_the_byte_order_mark(encoding):
    assert bodies("kind: Pöd\n---\nb: 1\n".encode(encoding)) == [{"kind": "Pöd"}, {"b": 1}]


def test_bytes_that_are_no_utf_8_are_replaced_as_kubectl_does():
    (document,) = parse_documents(b"# Andr\xe9\na: caf\xe9\n")
    assert (document.problem, document.body) == (None, {"a": "caf\ufffd"})


def test_broken_document_costs_only_itself():
    text = "a: 1\n---\nb: [1,\nc: }\n---\n# empty\n---\nd: 2\n---\ne:\n  f: 1\n g: 2\n"
    assert shape(text) == [
        (0, 1, {"a": 1}),
        (1, 2, 4, 4, "a value was expected here"),
        (2, 5, None),
        (3, 7, {"d": 2}),
        (4, 9, 12, 2, "bad indentation of a mapping entry"),
    ]


def test_duplicate_keys_are_told_with_their_lines():
    text = b"---\na: 1\n---\na: 1\nb: {x: 1, x: 2}\na: 2\nm: &m {k: 1}\no: {<<: *m, k: 2}\n"
    document = parse_documents(text)[1]
    assert document.body == {"a": 2, "b": {"x": 2}, "m": {"k": 1}, "o": {"k": 2}}
    assert document.duplicates == (Duplicate("x", 5), Duplicate("a", 6))


def test_template_is_told_from_broken_yaml():
    problem = parse_documents(b"a: 1\n{{- if .x }}\nb: 2\n{{- end }}\n")[0].problem
    assert problem is not None
    assert problem.is_template
    assert problem.why == "it holds template syntax ({{ … }}) that nothing has filled in"
    assert not parse_documents(b"a: {{b: 1}: 1}\n# {{ .x }}\n")[0].problem.is_template


@pytest.mark.parametrize(
    "action", ["{{ .Values.name }}", '{{- include "a.name" . }}', "{{ $.Release.Name | quote }}"]
)
def test_template_of_helm_is_told_by_what_it_names(action):
    (document,) = parse_documents(f"metadata:\n  name: {action} b\n".encode())
    assert document.problem.why == "it is a Helm template, which is read only together with its chart"
    assert document.problem.hint == "render it with its chart and scan the result"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "aliases repeat more than 500000 values"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" * 50_000 + b"]" * 50_000, "nested too deep"),
        (b"{a: " * 10_000, "nested deeper than 250 levels"),
        (b"".join(b" " * i + b"a:\n" for i in range(1_500)), "nested deeper than 250 levels"),
        (b"- " * 10_000 + b"a\n", "nested deeper than 250 levels"),
        (b"a: " + b"? " * 10_000, "unexpected ':'"),
    ],
    ids=["laughs", "open flow", "flow", "open mappings", "block", "dashes", "questions"],
)
def test_hostile_text_is_refused(text, why):
    (document,) = parse_documents(text)
    assert document.problem is not None
    if why.startswith(("nested", "aliases")):
        assert document.problem.why == why


def test_deep_json_is_refused():
    for depth in (300, 1_000, 100_000):
        (document,) = parse_json(b"[" * depth + b"]" * depth, Limits())[:1]
        assert document.problem is not None
    assert parse_json(b"[" * 250 + b"]" * 250, Limits())[0].problem is None


def test_limits_are_named():
    assert [d.problem.why for d in parse_documents(b"a: 1\n" * 9, Limits(size_bytes=20))] == [
        "larger than 20 bytes"
    ]
    documents = parse_documents(b"---\na: 1\n" * 9, Limits(documents=2))
    assert [d.body for d in documents] == [{"a": 1}, {"a": 1}, None]
    assert documents[2].problem.why == "more than 2 documents in one file; the rest was not read"
    assert (
        parse_documents(b"[1, 2, 3]", Limits(nodes=2))[0].problem.why == "more than 2 values in one document"
    )


def test_aliases_share_their_body():
    ((body,),) = (bodies("a: &x {k: [1]}\nb: *x\n"),)
    assert body["a"] is body["b"]


def test_parser_in_python_reads_the_same(monkeypatch, caplog):
    text = "a: yes\nb: [1, 0x1F, &x {k: v}, *x]\nc: |\n  t\n---\nd: 'e'\n"
    expected = bodies(text)
    monkeypatch.setattr(yaml_documents, "parser_class", lambda: yaml_documents._PureParser)
    assert bodies(text) == expected
    monkeypatch.undo()
    yaml_documents.parser_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "yaml.cyaml", None)
    with caplog.at_level(logging.WARNING):
        assert bodies(text) == expected
        assert bodies(text) == expected
    yaml_documents.parser_class.cache_clear()
    assert [record.message for record in caplog.records] == [
        "PyYAML has no libyaml here, reading YAML takes ten times as long"
    ]


def test_json_lines_and_concatenated_values_are_documents():
    text = b'{"a": 1}\n{"b": }\n{"c": [1,\n2]}{"d": 1}\n'
    assert [(d.index, d.line, d.body, d.problem and d.problem.line) for d in parse_json(text, Limits())] == [
        (0, 1, {"a": 1}, None),
        (1, 2, None, 2),
        (2, 3, {"c": [1, 2]}, None),
        (3, 4, {"d": 1}, None),
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=80, deadline=None)
def test_what_json_writes_is_read_back(value):
    text = json.dumps(value).encode()
    (document,) = parse_json(text, Limits())
    assert as_json(document.body) == as_json(value)


@given(VALUES, st.sampled_from("'\""))
@settings(max_examples=80, deadline=None)
def test_what_pyyaml_writes_is_read_back(value, quote):
    text = yaml.safe_dump(value, default_style=quote)
    assert [as_json(body) for body in bodies(text)] == [as_json(value)]


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_raise(content):
    for document in parse_documents(content):
        assert document.problem is None or document.problem.why


FRAGMENTS = [
    *(
        "a",
        ": ",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "<<: ",
        "!!int ",
        "|",
        ">",
        "'",
        '"',
    ),
    *("---\n", "...\n", "%YAML 1.1\n", "#", "? ", "\t", "\r\n", "1", "~", "{{ x }}", "\\u", "\x00", "é", "!"),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40))
@settings(max_examples=300, deadline=None)
def test_fragments_of_yaml_never_raise(pieces):
    content = "".join(pieces).encode()
    documents = parse_documents(content)
    assert [d.index for d in documents] == list(range(len(documents)))


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the reference folder")
def test_mutated_manifests_never_raise():
    chance = random.Random(7)
    files = sorted(FIXTURES.rglob("*.yaml"))[::12]
    for file in files:
        content = bytearray(file.read_bytes())
        for _ in range(12):
            at = chance.randrange(len(content))
            content[at : at + chance.randrange(4)] = bytes(
                chance.choices(b":-{}[]&*!|>'\"\n\t #%@`\x00\xff~", k=2)
            )
            parse_documents(bytes(content))
