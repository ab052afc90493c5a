"""No code decides by sentences: they are for people, and change. Programs decide by reasons, kinds and types."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_house import FILES, name_of, tree_of

SENTENCES = frozenset({"why", "hint", "where", "message", "detail", "said"})
"""Names of fields and variables that hold what people read."""
ASKING = frozenset(
    {"startswith", "endswith", "partition", "rpartition", "find", "index", "count", "match", "search"}
)
OF_OTHERS = frozenset(
    {
        "foreign_errors.py",  # those of decoders
        "sources/cluster/connection.py",  # ssl's words for a certificate that nobody trusts
        "sources/rego/worker.py",  # the evaluator's
        "sources/rendering/kustomize/build.py",  # those that kustomize prints
    }
)
"""Files that turn another library's messages, all that it gives, into values of ours."""


def is_sentence(node: ast.expr) -> bool:
    """``unread.why``, ``why``, ``str(error)``, ``error.args[0]``, and these in lower case or stripped."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in SENTENCES
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
            return name in ("error", "refused", "fault", "e")
        case ast.Subscript(value=ast.Attribute(attr="args")):
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "strip" | "casefold")):
            return is_sentence(inner)
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return is_sentence(inner)
    return False


def decisions(tree: ast.Module) -> Iterator[int]:
    """Lines in which a sentence is asked for its words."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=asked, attr=verb)) if verb in ASKING and is_sentence(
                asked
            ):
                yield node.lineno
            case ast.Compare(ops=[operator, *_], comparators=[right, *_]):
                if isinstance(operator, ast.In | ast.NotIn) and is_sentence(right):
                    yield node.lineno


def test_no_code_decides_by_sentences():
    found = [
        f"{name_of(path)}:{line}"
        for path in FILES
        if name_of(path) not in OF_OTHERS
        for line in decisions(tree_of(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'unread.why.startswith("forbidden")',
        '"--flag" in unread.hint',
        'str(error).startswith("cannot reach")',
        'str(error.args[0]).lower().endswith("x")',
        'where.partition(" in ")',
    ],
)
def test_such_code_is_found(code: str):
    assert list(decisions(ast.parse(code))) == [1]


def test_every_exception_is_there():
    assert {name_of(Path(path)) for path in FILES} >= OF_OTHERS
