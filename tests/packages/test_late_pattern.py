"""Patterns that are compiled at their first use."""

import re

import pytest

from leadline.packages.late_pattern import compiled_late, late_pattern


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


def test_modules_that_are_imported_meanwhile_compile_late(tmp_path, monkeypatch):
    (tmp_path / "with_a_wrong_pattern.py").write_text("import re\nWRONG = re.compile('(')\n")
    (tmp_path / "with_a_fault.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    compile = re.compile
    with compiled_late():
        import with_a_wrong_pattern
    with pytest.raises(re.error):
        with_a_wrong_pattern.WRONG.match("")
    with pytest.raises(ZeroDivisionError), compiled_late():
        import with_a_fault  # noqa: F401
    assert re.compile is compile


def test_a_module_that_asks_a_pattern_while_it_is_imported_is_answered(tmp_path, monkeypatch):
    (tmp_path / "in_a_hurry.py").write_text("import re\nFOUND = re.compile('b+').search('abbc')[0]\n")
    monkeypatch.syspath_prepend(tmp_path)
    with compiled_late():
        import in_a_hurry
    assert in_a_hurry.FOUND == "bb"
