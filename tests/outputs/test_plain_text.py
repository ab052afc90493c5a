import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.resource import joined
from leadline.outputs.text.plain import columns, padded, plain, value_text, wrapped


def test_what_steers_a_terminal_is_replaced():
    hostile = "a\x1b[31mb\x1b]8;;http://evil\x07c\u202ed\u2066e\u200bf\r\ng\x9bh\ud800"
    assert plain(hostile) == "a?[31mb?]8;;http://evil?c?d?e?f? g?h?"


def test_markup_of_other_tools_stays_as_it_is():
    assert plain("[red]x[/red] <b>") == "[red]x[/red] <b>"


def test_an_endless_name_is_cut():
    assert plain("x" * 1000) == "x" * 299 + "…"


@given(st.text(st.characters(), max_size=400))
def test_plain_text_is_printable_and_short(text: str):
    assert plain(text).isprintable()
    assert len(plain(text)) <= 300


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)), st.integers(1, 40))
def test_wrapping_loses_no_word_and_breaks_none(words: list[str], width: int):
    lines = wrapped(" ".join(words), width)
    assert " ".join(lines).split() == words
    assert [line for line in lines if columns(line) > width and " " in line] == []


def test_wide_characters_take_two_columns():
    assert columns("名a") == 3
    assert padded("名a", 5) == "名a  "


def test_values_read_as_in_yaml():
    values = [True, False, None, "", "a\nb", 3, [1, "x"], {"a": False}, list(range(30))]
    assert [value_text(v) for v in values] == [
        "true",
        "false",
        "null",
        '""',
        "a b",
        "3",
        "[1, x]",
        "{a: false}",
        "[" + ", ".join(map(str, range(20))) + ", …]",
    ]


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("a/b", ".", "a/b"),
        (".", ".", "."),
        ("", "x", "x"),
        ("./a", "x", "a/x"),
        ("/", "x", "/x"),
        ("a", "-", "-"),
    ],
)
def test_paths_are_told_as_the_user_would_open_them(root: str, path: str, expected: str):
    assert joined(root, path) == expected
