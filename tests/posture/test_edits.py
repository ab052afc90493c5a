"""Edits of controls that know nothing of each other, made together."""

import pytest

from leadline.kube.field_path import with_value, without
from leadline.model.control import Remove, Review, Set, is_placeholder
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.control_plane import PROCESSES
from leadline.posture.edits import edits_of
from leadline.posture.engine import judge

CONTROLS = [control for control in load_controls() if control.check]
LISTS = {"--enable-admission-plugins"}
"""Flags whose values are merged."""


def edited(body, *violations):
    for edit in edits_of(violations, body):
        body = with_value(body, edit.path, edit.value) if isinstance(edit, Set) else without(body, edit.path)
    return body


@pytest.mark.parametrize(
    ("command", "violations", "expected"),
    [
        (
            ["x"],
            [Set("command[1]", "--a=1"), Set("command[1]", "--b=2"), Set("command[2]", "--c=3")],
            ["x", "--a=1", "--b=2", "--c=3"],
        ),
        (["x"], [Set("command[1]", "--a=1"), Set("command[1]", "--a=1")], ["x", "--a=1"]),
        (["x"], [Set("command[1]", "--p=A"), Set("command[1]", "--p=B")], ["x", "--p=A,B"]),
        (["x", "--p=O"], [Set("command[1]", "--p=O,A"), Set("command[1]", "--p=O,B")], ["x", "--p=O,A,B"]),
        (["x", "--p=O,N"], [Set("command[1]", "--p=N"), Set("command[1]", "--p=O,N,B")], ["x", "--p=N,B"]),
        (["x", "--n=5"], [Set("command[1]", "--m=7"), Set("command[1]", "--n=9")], ["x", "--m=7"]),
        (["x", "y", "z"], [Remove("command[1]"), Remove("command[2]"), Set("command[3]", "w")], ["x", "w"]),
        (["x"], [Review("command[0]")], ["x"]),
    ],
)
def test_edits_of_one_command_line(command, violations, expected):
    assert edited({"command": command}, *violations) == {"command": expected}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.program)
def test_no_two_controls_write_different_values_for_one_flag(process):
    command = [process.program]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": process.program, "namespace": "kube-system"},
        "spec": {"containers": [{"name": "c", "image": "x:v1.34.0", "command": command}]},
    }
    findings = judge([resource_of(pod)], CONTROLS).findings
    values: dict[str, set[str]] = {}
    for finding in findings:
        if str(finding.value).startswith("--"):
            flag, _, value = str(finding.value).partition("=")
            values.setdefault(flag, set()).add(value)
    assert values
    assert [flag for flag, said in values.items() if len(said) > 1 and flag not in LISTS] == []
    after = edited(pod, *(f.violation for f in findings if not is_placeholder(f.value)))
    words = after["spec"]["containers"][0]["command"]
    assert len({word.partition("=")[0] for word in words}) == len(words)


def test_absent_lists_and_parents_are_made_once():
    sets = [Set("a.drop[0]", "ALL"), Set("a.b", True), Set("a.drop[0]", "ALL"), Set("a.b", False)]
    assert edited({}, *sets) == {"a": {"drop": ["ALL"], "b": True}}


def test_an_entry_is_removed_whole_where_its_name_goes():
    body = {"env": [{"name": "A", "value": "x"}, {"name": "B"}]}
    assert edited(body, Remove("env[0].name"), Remove("env[0].name")) == {"env": [{"name": "B"}]}
