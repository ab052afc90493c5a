import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.packages.documents import (
    HEADERS,
    Element,
    read_headers,
    read_json,
    read_json_with_comments,
    read_toml,
    read_xml,
    read_yaml,
)
from leadline.packages.file import File, Unreadable


def file(content: bytes | str) -> File:
    return File("a/file", content.encode() if isinstance(content, str) else content)


def test_json_may_begin_with_a_byte_order_mark() -> None:
    assert read_json(file(b"\xef\xbb\xbf[1]")) == [1]


def test_comments_and_last_commas_are_left_out_but_not_within_strings() -> None:
    text = '{"a": "x // y /* z */ ,}", // c\n /* d */ "b": [1, 2, ], "c\\"": "\\\\",\n}'
    assert read_json_with_comments(file(text)) == {"a": "x // y /* z */ ,}", "b": [1, 2], 'c"': "\\"}


def test_yaml_scalars_stay_as_written() -> None:
    text = "a: 1.10\nb: yes\nc: [x, '007', ~]\n? d\n: {e: 1}\n---\nsecond: document\n"
    assert read_yaml(file(text)) == {"a": "1.10", "b": "yes", "c": ["x", "007", "~"], "d": {"e": "1"}}


def test_empty_yaml_is_nothing() -> None:
    assert read_yaml(file("")) is None


TREES = st.recursive(
    st.tuples(st.sampled_from("abc"), st.just(())),
    lambda inner: st.tuples(st.sampled_from("abc"), st.lists(inner, max_size=4)),
)


def written(tree: Any) -> str:
    name, children = tree
    return f"<{name}>t{'u'.join(map(written, children))}v</{name}>"


@given(TREES)
def test_xml_of_which_one_child_is_wanted_is_that_xml_without_the_others(tree: Any) -> None:
    content = written(tree).encode()
    whole = read_xml(content)
    kept = [child for child in whole.children if child.name == "a"]
    assert read_xml(content, only="a") == Element(whole.name, whole.text, kept, whole.attributes)


def test_what_is_passed_over_is_held_to_the_same_depth() -> None:
    with pytest.raises(Unreadable, match="nested too deeply"):
        read_xml(b"<p>" + b"<b>" * 1000, only="a")


def test_xml_is_read_without_prefixes() -> None:
    found = read_xml(b'<?xml version="1.0"?><a:p xmlns:a="x"><q>1<!-- c --> 2</q>t<q/></a:p>')
    assert found == Element("p", "t", [Element("q", "1 2"), Element("q", "")], {"xmlns:a": "x"})
    assert (found.value("q"), found.value("none")) == ("1 2", "")


def test_headers_end_at_the_first_empty_line_and_continuations_are_left_out() -> None:
    text = "Name: x\r\nLicense: MIT\r\n  and its text: long\r\nname: y\r\nodd\r\n\r\nVersion: 1\r\n"
    assert read_headers(text) == {"name": ["x", "y"], "license": ["MIT"]}


BILLION = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'

REFUSED = {
    "json": (read_json, "{", "not JSON"),
    "deep json": (read_json, "[" * 1_000_000, "not JSON"),
    "json that is not utf-8": (read_json, b'"\xff"', "not JSON"),
    "open string": (read_json_with_comments, '"\\"' * 100_000, "not JSON"),
    "open comment": (read_json_with_comments, "/*" * 100_000, "not JSON"),
    "toml": (read_toml, "a = ", "not TOML"),
    "deep toml": (read_toml, "a = " + "[" * 60_000, "not TOML"),
    "long dotted key": (read_toml, "a." * 30_000 + "a = 1", "a line is too long"),
    "long line": (read_toml, "a = '" + "x" * 70_000 + "'", "a line is too long"),
    "yaml": (read_yaml, "a: [", "not YAML"),
    "yaml that is binary": (read_yaml, b"\x00\x01\xff", "not YAML"),
    "deep yaml": (read_yaml, "[" * 100_000, "nested too deeply"),
    "deep yaml with blanks": (read_yaml, "[ " * 5_000, "nested too deeply"),
    "deep yaml in lines": (read_yaml, "".join(f"{' ' * i}a:\n" for i in range(300)), "nested too deeply"),
    "deep yaml of lists": (read_yaml, "- " * 5_000, "nested too deeply"),
    "yaml bomb": (read_yaml, "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "holds an alias"),
    "xml": (read_xml, "<a><b></a>", "not XML"),
    "deep xml": (read_xml, "<a>" * 1_000_000, "nested too deeply"),
    "xml bomb": (read_xml, BILLION, "declares a document type"),
    "xml from outside": (
        read_xml,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "declares a document type",
    ),
    "odd encoding": (read_xml, '<?xml version="1.0" encoding="base64"?><a/>', "not XML"),
    "empty xml": (read_xml, "", "not XML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_and_broken_content_is_refused_at_once(case: str) -> None:
    reader, content, complaint = REFUSED[case]
    data = content.encode() if isinstance(content, str) else content
    with pytest.raises(Unreadable, match=re.escape(complaint)):
        reader(data if reader is read_xml else file(data))


@pytest.mark.parametrize("reader", [read_json, read_toml, read_yaml])
def test_large_files_are_refused_unread(reader) -> None:
    with pytest.raises(Unreadable, match="larger than"):
        reader(file(b" " * ((64 << 20) + 1)))


def test_headers_without_an_end_are_unreadable() -> None:
    with pytest.raises(Unreadable, match="headers are longer than 1024 KiB"):
        read_headers("Name: x\n" * (HEADERS // 4))
    assert read_headers("Name: x\n\n" + "y" * 2 * HEADERS) == {"name": ["x"]}
