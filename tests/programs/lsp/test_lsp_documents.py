from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from leadline.programs.lsp.documents import Document, characters, path_of, units, uri_of

TEXTS = st.text(alphabet="ab:# -\n\r\x0b\u2028é😀", max_size=60)


def change(first: tuple[int, int], last: tuple[int, int], text: str) -> lsp.TextDocumentContentChangePartial:
    return lsp.TextDocumentContentChangePartial(
        range=lsp.Range(lsp.Position(*first), lsp.Position(*last)), text=text
    )


def test_an_emoji_counts_two():
    document = Document("file:///a.yaml", 1, "a: 1 # 😀\nb: '😀' # no\n")
    assert document.range(2, 1) == lsp.Range(lsp.Position(1, 0), lsp.Position(1, 7))
    assert document.changed(2, [change((1, 4), (1, 6), "x")]).text == "a: 1 # 😀\nb: 'x' # no\n"


def test_lines_end_where_the_protocol_says():
    document = Document("file:///a.yaml", 1, "a\x0bb\u2028c\r\nd")
    assert document.line(0) == "a\x0bb\u2028c"
    assert document.line(1) == "d"
    assert document.line(2) == ""
    assert document.changed(2, [change((1, 0), (1, 1), "e")]).text == "a\x0bb\u2028c\r\ne"


def test_a_place_beyond_the_text_is_its_end():
    document = Document("file:///a.yaml", 1, "a\n")
    assert document.range(9, 9) == lsp.Range(lsp.Position(8, 0), lsp.Position(8, 0))
    assert document.changed(2, [change((7, 3), (9, 0), "b")]).text == "a\nb"


@given(TEXTS, st.integers(0, 80), st.integers(0, 80), TEXTS)
def test_a_change_of_a_part_is_what_a_change_of_all_would_be(text: str, one: int, other: int, new: str):
    first, last = sorted((min(one, len(text)), min(other, len(text))))
    document = Document("file:///a.yaml", 1, text)

    def position(at: int) -> tuple[int, int]:
        line = max(n for n, start in enumerate(document._starts) if start <= at)
        here = document.line(line)
        return line, units(here[: at - document._starts[line]])

    if all(
        at - document._starts[position(at)[0]] <= len(document.line(position(at)[0])) for at in (first, last)
    ):
        changed = document.changed(2, [change(position(first), position(last), new)])
        assert changed.text == text[:first] + new + text[last:]


@given(st.text(alphabet="aé😀", max_size=20), st.integers(0, 20))
def test_units_and_characters_are_each_others_way_back(line: str, at: int):
    assert characters(line, units(line[:at])) == min(at, len(line))


def test_files_of_uris():
    assert path_of("file:///deploy/a%20b.yaml") == "/deploy/a b.yaml"
    assert path_of(uri_of("/deploy/ü#?.yaml")) == "/deploy/ü#?.yaml"
    assert path_of("untitled:a.yaml") == path_of("file://host/a.yaml") == path_of("file:///a%00.yaml") == ""
