"""Label selectors against a plain reading of their definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.selector import compile_pairs, compile_selector

KEYS = st.sampled_from(["app", "tier", "env"])
VALUES = st.sampled_from(["a", "b", ""])
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(VALUES, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=3)}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "app", "In", "NotIn", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["matchLabels", "matchExpressions", "key", "operator", "values", "app"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def selects(selector, labels):
    """Every pair equal, and every expression true."""
    for key, value in selector.get("matchLabels", {}).items():
        if key not in labels or labels[key] != value:
            return False
    for expression in selector.get("matchExpressions", []):
        is_there = expression["key"] in labels
        is_listed = is_there and labels[expression["key"]] in expression.get("values", [])
        truth = {
            "In": is_listed,
            "NotIn": not is_listed,
            "Exists": is_there,
            "DoesNotExist": not is_there,
        }
        if not truth[expression["operator"]]:
            return False
    return True


@given(SELECTORS, LABELS)
def test_a_selector_selects_what_its_definition_says(selector, labels):
    assert compile_selector(selector)(labels) == selects(selector, labels)


@given(LABELS, LABELS)
def test_pairs_select_what_has_them_all_and_no_pairs_select_nothing(pairs, labels):
    assert compile_pairs(pairs)(labels) == (bool(pairs) and pairs.items() <= labels.items())


@given(JSON, JSON)
def test_no_selector_and_no_labels_raise(selector, labels):
    labels = labels if isinstance(labels, dict) else {}
    assert compile_selector(selector)(labels) in (True, False)
    assert compile_pairs(selector)(labels) in (True, False)


@pytest.mark.parametrize(
    "selector",
    [
        None,
        [],
        "app=web",
        {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["web"]}]},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": []}]},
        {"matchExpressions": [{"key": "app", "operator": "In"}]},
        {"matchExpressions": ["app"]},
    ],
)
def test_what_the_api_server_refuses_selects_nothing(selector):
    assert not compile_selector(selector)({"app": "web"})
    assert not compile_selector(selector)({})


def test_an_empty_selector_selects_everything():
    assert compile_selector({})({})
    assert compile_selector({"matchLabels": {}, "matchExpressions": []})({"app": "web"})


def test_numbers_in_a_selector_are_read_as_the_text_that_was_meant():
    assert compile_pairs({"version": 1})({"version": "1"})
    assert compile_selector({"matchExpressions": [{"key": "v", "operator": "In", "values": [1]}]})({"v": "1"})
