"""Patterns that are compiled late, so that no import says whether they are patterns at all."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import leadline
from leadline.late_pattern import late_pattern

SOURCE = Path(leadline.__file__).parent
FILES = sorted(
    str(path.relative_to(SOURCE))
    for path in SOURCE.rglob("*.py")
    if "late_pattern(" in path.read_text("utf-8") and path.name != "late_pattern.py"
)


def test_the_files_are_found():
    assert len(FILES) > 20


@pytest.mark.parametrize("file", FILES)
def test_every_late_pattern_is_one(file: str):
    module = import_module(f"leadline.{file.removesuffix('.py').replace('/', '.')}")
    calls = [
        ast.unparse(node)
        for node in ast.walk(ast.parse((SOURCE / file).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "late_pattern"
    ]
    assert calls
    for call in calls:
        assert eval(call, {"re": re, **vars(module)}).groups >= 0


def test_a_late_pattern_does_what_a_pattern_does():
    late, usual = late_pattern(r"(?P<a>x+)|y", re.IGNORECASE), re.compile(r"(?P<a>x+)|y", re.IGNORECASE)
    for text in ("", "aXXb", "Y", "xyx"):
        assert late.findall(text) == usual.findall(text)
        assert late.sub("-", text) == usual.sub("-", text)
        found, wanted = late.search(text), usual.search(text)
        assert (found and (found.span(), found["a"])) == (wanted and (wanted.span(), wanted["a"]))
    assert (late.pattern, late.flags, late.groupindex) == (usual.pattern, usual.flags, usual.groupindex)
    assert late_pattern(rb"\d").fullmatch(b"1")


def test_it_is_compiled_once():
    late = late_pattern("z")
    assert late.search is late.search
