import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.field_path import format_path, has_path, parse_path, value_at, with_value, without

POD = {"spec": {"containers": [{"name": "a", "image": None}]}, "data": {"a.b/c": "x", "0": "zero"}}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("", ()),
        ("spec", ("spec",)),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("metadata.labels[app.kubernetes.io/name]", ("metadata", "labels", "app.kubernetes.io/name")),
        ("items[3].", ("items", 3)),
        ("[2].spec", (2, "spec")),
        ("a[0][1]", ("a", 0, 1)),
        ("data[a]b].c", ("data", "a]b", "c")),
        ("data[x[0]]", ("data", "x[0]")),
        ("a[]", ("a", "")),
        ("metadata.annotations[a.b/c].x", ("metadata", "annotations", "a.b/c", "x")),
    ],
)
def test_path_is_taken_apart(path, steps):
    assert parse_path(path) == steps


@pytest.mark.parametrize("path", ["a..b", ".a", "a[0", "a.[", "["])
def test_broken_path_is_refused(path):
    with pytest.raises(ValueError):
        parse_path(path)


def test_values_are_found_and_nothing_else():
    assert value_at(POD, "spec.containers[0].name") == "a"
    assert value_at(POD, "data[a.b/c]") == "x"
    assert value_at(POD, "data[0]") == "zero"
    assert value_at(POD, "") is POD
    for path in (
        "spec.containers[1]",
        "spec.containers[0].name.x",
        "nope.x",
        "spec.containers.name",
        "spec[0]",
    ):
        assert value_at(POD, path) is None
        assert not has_path(POD, path)
    assert has_path(POD, "spec.containers[0].image")


def test_only_what_lies_along_the_path_is_copied():
    written = with_value(POD, "spec.containers[0].securityContext.privileged", value=False)
    assert written["spec"] == {
        "containers": [{"name": "a", "image": None, "securityContext": {"privileged": False}}]
    }
    assert written["data"] is POD["data"]
    assert POD["spec"] == {"containers": [{"name": "a", "image": None}]}


def test_absent_parents_are_created_and_lists_grow_by_one():
    assert with_value({}, "a.b[0].c", 1) == {"a": {"b": [{"c": 1}]}}
    assert with_value({"a": [1]}, "a[1]", 2) == {"a": [1, 2]}
    assert with_value({"a": None}, "a.b", 2) == {"a": {"b": 2}}
    for path in ("a[2]", "a[0].x", "a.b"):
        with pytest.raises(ValueError):
            with_value({"a": [1]}, path, 2)


def test_removal_leaves_emptied_parents():
    assert without(POD, "spec.containers[0].name")["spec"] == {"containers": [{"image": None}]}
    assert without({"a": {"b": 1}}, "a.b") == {"a": {}}
    assert without({"a": [1, 2]}, "a[0]") == {"a": [2]}
    assert without(POD, "spec.nope") is POD


KEYS = st.text(max_size=8).filter(lambda key: not (key.isdecimal() and key.isascii()))
NAMES = KEYS.filter(lambda key: "]." not in key and "][" not in key and not key.endswith("]"))


@given(st.lists(NAMES | st.integers(0, 99), max_size=5))
def test_written_path_is_read_back(steps):
    assert parse_path(format_path(steps)) == tuple(steps)
