"""Calico's selector language against a plain reading of it, and against noise."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.calico_selector import compile_calico

WEB = {"app": "web", "tier": "front-1"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("  ", True),
        ("all()", True),
        (" all() ", True),
        ("app == 'web'", True),
        ('app == "web"', True),
        ("app=='web'", True),
        ("app == 'db'", False),
        ("app != 'db'", True),
        ("zone != 'a'", True),
        ("has(app)", True),
        ("has(zone)", False),
        ("!has(zone)", True),
        ("!!has(app)", True),
        ("app in {'web', 'db'}", True),
        ("app in {}", False),
        ("app not in {'db'}", True),
        ("zone in {'a'}", False),
        ("zone not in {'a'}", True),
        ("tier contains 'ont'", True),
        ("tier starts with 'front'", True),
        ("tier ends with '-1'", True),
        ("tier ends with 'front'", False),
        ("zone contains ''", False),
        ("zone starts with ''", False),
        ("app == 'web' && has(zone)", False),
        ("app == 'web' || has(zone)", True),
        ("has(zone) && has(zone) || app == 'web'", True),
        ("has(zone) && (has(zone) || app == 'web')", False),
        ("!(app == 'web' && has(tier))", False),
        ("all() && has(app)", True),
        ("global()", False),
        ("k8s.io/name == 'x'", False),
    ],
)
def test_the_language_is_read(selector, selected):
    assert compile_calico(selector)(WEB) is selected


@pytest.mark.parametrize(
    "selector",
    [
        "app",
        "app ==",
        "app == web",
        "app = 'web'",
        "== 'web'",
        "(app == 'web'",
        "app == 'web')",
        "app == 'web' &&",
        "app == 'web' & has(app)",
        "app == 'web' has(app)",
        "app == 'web",
        "app in {'web'",
        "app not {'db'}",
        "has()",
        "!",
        "()",
        "(" * 60 + "has(app)" + ")" * 60,
        "!" * 200 + "has(app)",
        "app == '" + "x" * 5000 + "' || has(app)",
        "app == 'web' ; has(app)",
        "\x00",
    ],
)
def test_what_cannot_be_read_selects_nothing(selector):
    assert compile_calico(selector)(WEB) is False


KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["x", "xy", "y", ""])
LABELS = st.dictionaries(KEYS, TEXTS, max_size=3)
Tree = tuple[Any, ...]
LEAVES = st.one_of(
    st.tuples(st.sampled_from(["==", "!=", "contains", "starts with", "ends with"]), KEYS, TEXTS),
    st.tuples(st.sampled_from(["in", "not in"]), KEYS, st.lists(TEXTS, max_size=3)),
    st.tuples(st.just("has"), KEYS),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner) | st.tuples(st.just("!"), inner),
    max_leaves=8,
)


def written(tree: Tree) -> str:
    match tree:
        case ("&&" | "||") as sign, one, other:
            return f"({written(one)} {sign} {written(other)})"
        case "!", inner:
            return f"!({written(inner)})"
        case "has", key:
            return f"has({key})"
        case ("in" | "not in") as word, key, values:
            return f"{key} {word} {{{', '.join(repr(v) for v in values)}}}"
    word, key, value = tree
    return f"{key} {word} '{value}'"


def holds(tree: Tree, labels: dict[str, str]) -> bool:
    match tree:
        case "&&", one, other:
            return holds(one, labels) and holds(other, labels)
        case "||", one, other:
            return holds(one, labels) or holds(other, labels)
        case "!", inner:
            return not holds(inner, labels)
        case "has", key:
            return key in labels
        case "!=", key, value:
            return labels.get(key) != value
        case "not in", key, values:
            return labels.get(key) not in values
    word, key, value = tree
    if key not in labels:
        return False
    has = labels[key]
    return {
        "==": has == value,
        "in": has in value,
        "contains": word == "contains" and value in has,
        "starts with": word == "starts with" and has.startswith(value),
        "ends with": word == "ends with" and has.endswith(value),
    }[word]


@given(TREES, LABELS)
def test_every_expression_means_what_it_says(tree, labels):
    assert compile_calico(written(tree))(labels) is holds(tree, labels)


PIECES = st.sampled_from(
    [
        "&&",
        "||",
        "!",
        "(",
        ")",
        "{",
        "}",
        "==",
        "!=",
        ",",
        "in",
        "not",
        "has",
        "all",
        "a",
        "'x'",
        '"',
        "'",
        " ",
        "with",
    ]
)
VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.none())
)


@given(
    st.text(max_size=80) | st.lists(PIECES, max_size=40).map("".join),
    st.dictionaries(KEYS, VALUES, max_size=3),
)
def test_no_text_and_no_label_raises(selector, labels):
    assert isinstance(compile_calico(selector)(labels), bool)


@pytest.mark.parametrize("piece", ["!", "(", "has(a)&&", "a=='x'||", "a in {'x',", "'", "!("])
def test_endless_selectors_select_nothing(piece):
    assert compile_calico(piece * (1_000_000 // len(piece)))({"a": "x"}) is False
    assert compile_calico(piece * (4000 // len(piece)))({"a": "x"}) is False
