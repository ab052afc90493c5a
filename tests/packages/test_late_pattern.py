"""Patterns that are compiled at their first use."""

import re

import pytest

from leadline.packages.late_pattern import late_pattern


def test_a_late_pattern_finds_what_the_pattern_finds():
    late, plain = (
        late_pattern(r"(?P<word>[a-z]+)", re.IGNORECASE),
        re.compile(r"(?P<word>[a-z]+)", re.IGNORECASE),
    )
    text = "One two 3"
    assert late.findall(text) == plain.findall(text)
    assert [match["word"] for match in late.finditer(text)] == ["One", "two"]
    assert late.sub("x", text) == plain.sub("x", text)
    assert (late.pattern, late.flags, late.groups) == (plain.pattern, plain.flags, plain.groups)
    assert late.fullmatch("One")
    assert not late.match("3")


def test_a_late_pattern_is_compiled_at_its_first_use():
    wrong = late_pattern("(")
    with pytest.raises(re.error):
        wrong.match("")
