import difflib
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.kube.field_path import format_path, value_at
from leadline.sources.manifests.reader import read_manifests
from leadline.sources.yaml.edit import EditError, RemoveAt, SetAt, apply_edits
from leadline.sources.yaml.parser import parse_documents

FIXTURES = Path(__file__).parents[3] / "shared" / "reference" / "fixtures"
CASES = Path(__file__).parent / "yaml_cases" / "edits"


def edit_cases() -> list[tuple[str, str, str, str]]:
    """Title, edit, text before and after, from blocks parted by ``====`` and ``----``."""
    cases = []
    for block in (CASES.with_suffix(".txt")).read_text().split("\n====\n"):
        head, before, after = block.split("\n----\n")
        title, edit = head.strip().split("\n")
        cases.append((title, edit, before + "\n", after.removesuffix("\n") + "\n"))
    return cases


def edit_of(words: str) -> RemoveAt | SetAt:
    number, verb, path, *value = words.split(" ", 3)
    if verb == "remove":
        return RemoveAt(path, int(number))
    (document,) = parse_documents(value[0].encode())
    return SetAt(path, document.body, int(number))


@pytest.mark.parametrize(
    ("edit", "before", "after"), [c[1:] for c in edit_cases()], ids=[c[0] for c in edit_cases()]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_edit_changes_its_place_and_nothing_else(edit, before, after, newline):
    assert apply_edits(before.replace("\n", newline), [edit_of(edit)]) == after.replace("\n", newline)


@pytest.mark.parametrize(
    ("text", "edit", "why"),
    [
        ("a: &x {k: 1}\nb: *x\n", SetAt("a.k", 2), "in the anchor &x"),
        ("a: &x {k: 1}\nb: *x\n", SetAt("b.k", 2), "in the alias \\*x"),
        ("a: &x {k: 1}\nb: *x\n", RemoveAt("a"), "in the anchor &x"),
        ("a: &x {k: 1}\nb: {<<: *x}\n", RemoveAt("b.k"), "comes from a merge key"),
        ("a: &x {k: 1}\nb: {!!merge <<: *x}\n", RemoveAt("b.k"), "comes from a merge key"),
        ("a: 1\n", SetAt("a.b", 2), "nothing can be written"),
        ("a: 1\n", SetAt("a..b", 2), "empty step"),
        ("a: 1\n", SetAt("b", 2, document=3), "the file has no document 4"),
        ("a: [1\n", SetAt("a", 2), "cannot be read"),
        ("? a\n: 1\n", SetAt("a", {"b": 1}), "written with '\\?'"),
        ("a: {{ x }}\n", SetAt("a", 1), "cannot be read"),
    ],
)
def test_edit_that_would_change_more_is_refused(text, edit, why):
    with pytest.raises(EditError, match=why):
        apply_edits(text, [edit])


def test_explicit_key_may_override_a_merged_one():
    text = "a: &x {k: 1}\nb:\n  <<: *x\n"
    assert apply_edits(text, [SetAt("b.k", 2)]) == text + "  k: 2\n"


def test_what_is_already_there_changes_nothing():
    text = "a:   yes   # so be it\n"
    assert apply_edits(text, [SetAt("a", value=True), RemoveAt("b")]) == text


def test_edits_follow_each_other():
    text = "a: 1\nb:\n- x\n- y\n"
    edits = [RemoveAt("b[0]"), SetAt("b[1]", "z"), RemoveAt("a"), SetAt("c.d", [])]
    assert apply_edits(text, edits) == "b:\n- y\n- z\nc:\n  d: []\n"


def test_byte_order_mark_is_kept():
    assert apply_edits("\ufeffa: 1\n", [SetAt("a", 2)]) == "\ufeffa: 2\n"


def changed_lines(before: str, after: str) -> int:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in lines)


POD_PATHS = {
    "Pod": "spec",
    "CronJob": "spec.jobTemplate.spec.template.spec",
    **dict.fromkeys(("Deployment", "DaemonSet", "StatefulSet", "Job", "ReplicaSet"), "spec.template.spec"),
}


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the reference folder")
def test_two_edits_of_real_workloads_change_at_most_three_lines():
    worst, count = 0, 0
    for resource in read_manifests([str(FIXTURES)]).resources:
        where = f"{POD_PATHS.get(resource.kind, 'none')}.containers[0]"
        container = value_at(resource.body, where)
        if not isinstance(container, dict) or not isinstance(container.get("image"), str):
            continue
        text = (FIXTURES / resource.origin.path).read_bytes().decode()
        for path, value in (
            ("image", "example.org/x:1"),
            ("securityContext.allowPrivilegeEscalation", False),
        ):
            full = f"{resource.origin.inside}{where}.{path}"
            after = apply_edits(text, [SetAt(full, value, resource.origin.document)])
            worst = max(worst, changed_lines(text, after))
            count += 1
    assert count > 300
    # in JSON a comma follows the sibling, and the new mapping takes one line
    assert worst <= 3


def every_path(body: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [above] if above else []
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, below in inner:
        found += every_path(below, (*above, step))
    return found


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the reference folder")
def test_any_value_of_real_files_can_be_removed_and_replaced():
    chance = random.Random(3)
    values = [True, "1", ["ALL"], {"a": {"b": [1, {"c": "d", "e": "f"}]}}, {}, [], None, "a: b # c", "it's"]
    refused = []
    for resource in read_manifests([str(FIXTURES)]).resources[::3]:
        text = (FIXTURES / resource.origin.path).read_bytes().decode()
        path = resource.origin.inside + format_path(chance.choice(every_path(resource.body)))
        for edit in (
            RemoveAt(path, resource.origin.document),
            SetAt(path, chance.choice(values), resource.origin.document),
        ):
            try:
                apply_edits(text, [edit])
            except EditError as error:
                refused.append((resource.origin.path, edit, str(error)))
    assert refused == []


KEYS = st.sampled_from(["a", "b.c", "y", "1", "long key", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6).filter(lambda t: t.isprintable()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_any_value_can_be_written_in_block_flow_and_json(value):
    for text in ("a:\n  b: 1\nc: 2 # keep\n", "{a: {b: 1}, c: 2}\n", '{"a": {"b": 1}, "c": 2}'):
        for path in ("a", "a.b", "a.new", "c", "new.er", "list[0]"):
            apply_edits(text, [SetAt(path, value)])
