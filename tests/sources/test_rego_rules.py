"""What a folder of users' Rego is read as."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.model.resource import resource_of
from leadline.posture.engine import judge
from leadline.posture.languages.rego import (
    EVERYTHING,
    ControlFile,
    RegoAnswer,
    RegoMatch,
    RegoRule,
    controls_of,
)
from leadline.sources.rego.loader import RegoFolder, read_rego

HERE = Path()
SOURCE = "package armo_builtins\n# data.postureControlInputs.named\n"
METADATA = {
    "name": "no-latest",
    "ruleLanguage": "Rego",
    "attributes": {"resourcesAggregator": "apiserver-pod"},
    "match": [{"apiGroups": ["core"], "apiVersions": ["v1"], "resources": ["Pod"]}],
    "controlConfigInputs": [{"path": "settings.postureControlInputs.declared"}, {"path": 3}, None],
    "description": "Tags  move.",
    "remediation": "Pin it.",
}
CONTROL = {
    "controlID": "X-7",
    "name": "Latest",
    "baseScore": 70,
    "rulesNames": ["no-latest"],
    "category": {"name": "Workload", "subCategory": {"name": "Supply chain"}},
    "description": "Why.",
    "fixedInput": {"declared": ["a"]},
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def test_the_layout_with_descriptions_is_read():
    write(
        HERE,
        {
            "rules/a/rule.metadata.json": METADATA,
            "rules/a/raw.rego": SOURCE,
            "rules/a/filter.rego": "package x\n",
            "rules/a/test/one/input/pod.json": {"kind": "Pod"},
            "controls/latest.json": CONTROL,
            "controls/noise.json": "[1]",
            "default-config-inputs.json": {"settings": {"postureControlInputs": {"declared": ["b"], "n": 1}}},
        },
    )
    rule = RegoRule(
        "no-latest",
        "rules/a/raw.rego",
        SOURCE,
        "package x\n",
        "rules/a/filter.rego",
        (RegoMatch(frozenset({""}), frozenset({"v1"}), frozenset({"pod"}), ("Pod",)),),
        "apiserver-pod",
        ("declared", "named"),
        "Tags move.\n\nFix: Pin it.",
    )
    control = ControlFile(
        "X-7", "Latest", 10.0, "Workload / Supply chain", "Why.", ("no-latest",), {"declared": ("a",)}
    )
    assert read_rego(HERE) == RegoFolder((rule,), (control,), {"declared": ("b",)})


def test_a_description_may_be_yaml():
    write(HERE, {"a/rule.metadata.yaml": "name: short\nmatch: []\n", "a/raw.rego": "package x\n"})
    (rule,) = read_rego(HERE).rules
    assert (rule.name, rule.matches) == ("short", (EVERYTHING,))


def test_plain_files_match_everything_in_the_order_of_their_names():
    write(HERE, {"b.rego": "package b\n", "a/z.rego": "package z\n", "a/z_test.rego": "package z\n"})
    assert read_rego(HERE).rules == (
        RegoRule("z", "a/z.rego", "package z\n"),
        RegoRule("b", "b.rego", "package b\n"),
    )


def test_one_file_is_one_rule():
    write(HERE, {"b.rego": SOURCE})
    assert read_rego(HERE / "b.rego").rules == (RegoRule("b", "b.rego", SOURCE, settings=("named",)),)


def test_what_is_broken_is_a_rule_with_a_problem():
    write(
        HERE,
        {
            "a/rule.metadata.json": "{",
            "b/rule.metadata.json": {"name": "b"},
            "c/rule.metadata.json": {"name": "c", "ruleLanguage": "CEL"},
            "d/rule.metadata.json": "3",
            "one/same.rego": "package x\n",
            "two/same.rego": "package x\n",
        },
    )
    (HERE / "e.rego").write_bytes(b"\xff")
    problems = {rule.name: rule.problem for rule in read_rego(HERE).rules if rule.problem}
    assert problems.pop("a").startswith("rule.metadata.json: ")
    assert problems == {
        "b": "there is no raw.rego",
        "c": "its language is cel, not Rego",
        "d": "rule.metadata.json does not hold one object",
        "e": "e.rego is not UTF-8",
        "same-2": "one/same.rego is called same as well",
    }


def test_a_retired_rule_takes_its_control_along():
    write(
        HERE,
        {
            "old/rule.metadata.json": {"name": "was", "attributes": {"useUntilKubescapeVersion": "v1"}},
            "old/raw.rego": "package x\n",
            "new.rego": "package x\n",
            "controls/x.json": CONTROL | {"rulesNames": ["was"]},
        },
    )
    folder = read_rego(HERE)
    assert ([rule.name for rule in folder.rules], [c.rules for c in folder.controls]) == (["new"], [()])


def test_a_control_for_people_says_what_to_look_at():
    manual = CONTROL | {"attributes": {"actionRequired": "manual review"}, "remediation": "Look at it."}
    write(HERE, {"x.rego": "package x\n", "controls/x.json": manual})
    assert [control.manual for control in read_rego(HERE).controls] == ["Look at it."]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({*METADATA, *CONTROL, "settings", "dynamicMatch"})


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.dictionaries(st.sampled_from(FIELDS), JSON))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_description_makes_reading_fail(metadata: dict, control: dict):
    files = {"a/rule.metadata.json": metadata, "a/raw.rego": SOURCE, "controls/c.json": CONTROL | control}
    write(HERE, files | {"default-config-inputs.json": metadata})
    folder = read_rego(HERE)
    controls = controls_of(folder.rules, folder.controls, folder.inputs, lambda question: RegoAnswer())
    judge([resource_of({"kind": "Pod"})], controls)


def test_a_mounted_config_map_has_each_file_once(tmp_path: Path):
    hidden = tmp_path / "..2027_01_01"
    hidden.mkdir()
    (hidden / "one.rego").write_text(SOURCE)
    (tmp_path / "..data").symlink_to(hidden.name)
    (tmp_path / "one.rego").symlink_to("..data/one.rego")
    (rule,) = read_rego(tmp_path).rules
    assert rule.name == "one"
    assert not rule.problem
