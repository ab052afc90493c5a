import pytest

from leadline.api.selection import parse_fields, parse_labels
from leadline.errors import UsageError


@pytest.mark.parametrize(
    "text",
    [
        "a=b",
        "a!=b",
        "a",
        "!a",
        "a in (b,c)",
        "a notin (b,c)",
        "kubescape.io/workload-name=web,x",
        "a=",
        "a in (b,c),!d,e=f",
    ],
)
def test_what_is_parsed_is_written_back(text: str):
    assert ",".join(map(str, parse_labels(text))) == text


@pytest.mark.parametrize(
    "text", ["a" * 8000 + "(", "a" * 8000 + " in (", "(" * 8000, "a" + " " * 8000 + "b", "a,(" * 2500]
)
def test_hostile_selectors_are_refused_at_once(text: str):
    """With expressions that backtrack the first took hours."""
    with pytest.raises(UsageError):
        parse_labels(text)


def test_hostile_fields_are_refused_at_once():
    for text in ("metadata.name" + " " * 60_000, " " * 60_000 + "x", "=" * 60_000):
        with pytest.raises(UsageError):
            parse_fields(text)


def test_empty_selects_everything():
    assert parse_labels(" ") == ()
    assert parse_fields("") == ()


@pytest.mark.parametrize(
    "text",
    ["a=b=c", ",", "a,,b", "a,", "a in (b", "a in b", "=b", "a=b c", "-a", "a/b/c", "a=-b", "x" * 9000],
)
def test_a_selector_that_kubernetes_refuses_is_refused(text: str):
    with pytest.raises(UsageError):
        parse_labels(text)


@pytest.mark.parametrize("text", ["spec.x=1", "metadata.name", "metadata.name>3"])
def test_only_name_and_namespace_are_fields(text: str):
    with pytest.raises(UsageError, match="field label not supported"):
        parse_fields(text)
