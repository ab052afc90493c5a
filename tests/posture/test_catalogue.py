"""How words choose controls and frameworks, and what the frameworks list."""

import json
import re
from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.model.control import BuiltControl, Framework, FrameworkEntry, severity_of
from leadline.posture.catalogue import (
    controls_of,
    find_controls,
    find_frameworks,
    in_order,
    load_controls,
    parse_framework,
)
from leadline.posture.control import Container, Violations, control
from leadline.scans.posture.frameworks import load_frameworks

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
CONTROLS = load_controls()
FRAMEWORKS = load_frameworks(CONTROLS)

CORRECTED = {
    "cis-v1.12.0": (
        {"C-0200"},
        {"C-0201", "C-0202", "C-0203", "C-0204", "C-0209", "C-0210", "C-0211", "C-0212"},
    ),
    "cis-v1.10.0": (set(), {"C-0291"}),
    "cis-aks-t1.8.0": (
        {"C-0171", "C-0177", "C-0179", "C-0201", "C-0218", "C-0219", "C-0235", "C-0242", "C-0249"},
        {"C-0178", "C-0180", "C-0182", "C-0183", "C-0191", "C-0209", "C-0211", "C-0212", "C-0241", "C-0278"},
    ),
    "cis-gke-v1.9.0": ({"C-0164", "C-0225", "C-0226", "C-0231", "C-0232", "C-0233"}, {"C-0262"}),
    **dict.fromkeys(("cis-eks-t1.7.0", "cis-eks-t1.8.0"), ({"C-0181"}, {"C-0182"})),
}
"""What the reference lists and the benchmark does not, and what the benchmark gives another number, or asks besides."""

beside_the_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the reference is not beside the checkout"
)


def made(control_id: str, title: str = "title", score: float = 5.0) -> BuiltControl:
    return BuiltControl(control_id, title, score, "Test", doc="", name="", module="")


RETIRED = {"L-0024"}
"""Ids that meant something once, and mean nothing else now."""


def test_no_id_of_a_control_that_is_gone_is_used_again():
    assert RETIRED.isdisjoint(control.id for control in CONTROLS)


def test_controls_come_worst_first_and_then_by_id():
    assert [c.id for c in in_order([made("B"), made("A"), made("C", score=9.0)])] == ["C", "A", "B"]
    assert in_order(CONTROLS) == CONTROLS


def test_controls_are_found_by_id_and_title_without_regard_to_case():
    known = (made("C-1", "Host network"), made("C-2", "Privileged"), made("C-3", "privileged"))
    assert [c.id for c in find_controls(["c-1"], known)] == ["C-1"]
    assert [c.id for c in find_controls([" HOST Network "], known)] == ["C-1"]
    assert [c.id for c in find_controls(["privileged"], known)] == ["C-2", "C-3"], "a title that two share"
    assert [c.id for c in find_controls(["C-2", "c-2", "C-1"], known)] == ["C-1", "C-2"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("C-0057x", "unknown control C-0057x; did you mean C-0057?"),
        ("C-57", "unknown control C-57; did you mean C-0057?"),
        ("c-oo57", "unknown control c-oo57; did you mean C-0057?"),
        ("c0057", "unknown control c0057; did you mean C-0057?"),
        ("Priviledged container", "unknown control Priviledged container; did you mean C-0057?"),
        ("C-9x", "unknown control C-9x; leadline list controls shows them all"),
        ("zzzzzz", "unknown control zzzzzz; leadline list controls shows them all"),
        ("", "unknown control ; leadline list controls shows them all"),
    ],
)
def test_a_mistyped_control_is_refused_with_the_nearest(name, message):
    with pytest.raises(UsageError) as refused:
        find_controls([name], CONTROLS)
    assert str(refused.value) == message


def test_frameworks_are_found_in_the_order_asked():
    assert [f.name for f in find_frameworks(["nsa", " MITRE ", "NSA"], FRAMEWORKS)] == ["NSA", "MITRE"]
    with pytest.raises(UsageError) as refused:
        find_frameworks(["nsaa"], FRAMEWORKS)
    assert str(refused.value) == "unknown framework nsaa; did you mean NSA?"
    with pytest.raises(UsageError) as refused:
        find_frameworks(["qqqqqqqq"], FRAMEWORKS)
    assert str(refused.value) == "unknown framework qqqqqqqq; leadline list frameworks shows them all"


def test_a_framework_is_read_with_its_numbers_and_sections():
    source = """
        name = "shop"
        title = "The shop's rules"
        version = 2
        link = "https://shop.example/rules"
        controls = ["C-1", {id = "C-2", number = "1.2", title = "Ours"}, {id = "C-1", number = "3"}]
        [sections]
        1 = "Pods"
    """
    assert parse_framework(source, "shop.toml", (made("C-1"), made("C-2"))) == Framework(
        "shop",
        "The shop's rules",
        (FrameworkEntry("C-1"), FrameworkEntry("C-2", "1.2", "Ours"), FrameworkEntry("C-1", "3")),
        "2",
        "https://shop.example/rules",
        {"1": "Pods"},
    )


def test_a_framework_may_list_every_control_by_one_word():
    found = parse_framework('name = "all"\ncontrols = "every"', "a.toml", (made("C-2"), made("C-1")))
    assert (found.title, found.control_ids) == ("all", ("C-1", "C-2"))


NEEDS = 'f.toml is not a framework; it needs name = "..." and controls = ["C-0057", ...]'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", NEEDS),
        ('controls = ["C-1"]', NEEDS),
        ('name = ""\ncontrols = ["C-1"]', NEEDS),
        ('name = 7\ncontrols = ["C-1"]', NEEDS),
        ('name = "f"', NEEDS),
        ('name = "f"\ncontrols = []', NEEDS),
        ('name = "f"\ncontrols = "C-1"', NEEDS),
        ('name = "f"\ncontrols = {id = "C-1"}', NEEDS),
        ('name = "f"\ncontrols = [7]', "f.toml: an entry of controls has no id: 7"),
        ('name = "f"\ncontrols = [{number = "1"}]', "f.toml: an entry of controls has no id: {'number': '1'}"),
        ('name = "f"\ncontrols = ["C-1", "c-2"]', "f.toml lists c-2, which is not a control; did you mean C-2?"),
        ('name = "f"\ncontrols = ["SHOP"]', "f.toml lists SHOP, which is not a control; give the folder of your own with --controls"),
    ],
)  # fmt: skip
def test_what_is_no_framework_is_refused_with_the_reason(source, message):
    with pytest.raises(UsageError) as refused:
        parse_framework(source, "f.toml", (made("C-1"), made("C-2")))
    assert str(refused.value) == message


def test_broken_toml_is_refused_with_its_place():
    with pytest.raises(UsageError, match=r"^f\.toml is not valid TOML: .*line 2"):
        parse_framework('name = "f"\ncontrols = C-1\n', "f.toml", ())


def test_controls_of_frameworks_are_each_there_once_and_worst_first():
    found = controls_of(find_frameworks(["nsa", "mitre"], FRAMEWORKS), CONTROLS)
    assert in_order({control.id: control for control in found}.values()) == found
    wanted = {i for f in FRAMEWORKS if f.name in ("NSA", "MITRE") for i in f.control_ids}
    assert {control.id for control in found} == wanted


def test_every_control_is_in_the_framework_of_all():
    (everything,) = find_frameworks(["AllControls"], FRAMEWORKS)
    assert set(everything.control_ids) == {control.id for control in CONTROLS}


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda f: f.name)
def test_a_framework_lists_controls_that_there_are_under_numbers_of_its_sections(framework):
    assert set(framework.control_ids) <= {control.id for control in CONTROLS}
    assert framework.title
    pairs = [(entry.control, entry.number) for entry in framework.entries]
    assert len(pairs) == len(set(pairs))
    if framework.sections:
        tops = {number.partition(".")[0] for number in framework.sections}
        assert {entry.number.partition(".")[0] for entry in framework.entries} <= tops


def test_frameworks_can_be_loaded_one_by_one():
    assert [f.name for f in load_frameworks(CONTROLS, "nsa")] == ["NSA"]
    assert load_frameworks(CONTROLS, "none-such") == ()


@beside_the_reference
def test_frameworks_list_what_the_reference_lists_under_the_same_numbers():
    theirs = {f["name"]: f for f in json.loads((REFERENCE / "frameworks.json").read_text())["frameworks"]}
    released = {name for name, f in theirs.items() if f["released"]}
    assert {f.name for f in FRAMEWORKS} >= released
    for framework in (f for f in FRAMEWORKS if f.name in released):
        listed = {
            (c["id"], c.get("number", ""), c.get("title", "")) for c in theirs[framework.name]["controls"]
        }
        ours = {(e.control, e.number, e.title) for e in framework.entries if e.control.startswith("C-")}
        if framework.name in CORRECTED:
            gone, moved = CORRECTED[framework.name]
            assert {c for c, _, _ in listed} - {c for c, _, _ in ours} == gone, framework.name
            known = {(c, n) for c, n, _ in listed}
            assert {c for c, n, _ in ours if (c, n) not in known} == moved, framework.name
        else:
            assert ours == listed, framework.name


@beside_the_reference
def test_controls_have_the_reference_ids_scores_and_titles():
    theirs = {c["id"]: c for c in json.loads((REFERENCE / "controls.json").read_text())["controls"]}
    ours = {control.id: control for control in CONTROLS if control.id.startswith("C-")}
    assert sorted(ours) == sorted(theirs)
    assert [
        i
        for i, c in ours.items()
        if theirs[i]["baseScore"] != (c.reference_score if c.reference_score else c.score)
    ] == []
    assert [i for i, c in ours.items() if c.title != theirs[i]["name"]] == []


def test_every_severity_that_moved_is_written_down():
    page = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "severity.md"
    rows = re.findall(r"^\| ([CL]-\d{4}) \| (.+?) \| (\w+) \| (\w+) \|$", page.read_text(), re.M)
    moved = {
        (c.id, c.problem, severity_of(c.reference_score), c.severity)
        for c in CONTROLS
        if c.reference_score is not None and severity_of(c.reference_score) != c.severity
    }
    assert len(rows) == len(set(rows))
    assert set(rows) == moved


def test_the_top_is_for_what_takes_a_cluster_or_a_node_in_one_step():
    critical = {c.id for c in CONTROLS if c.severity == "critical"}
    assert {
        "C-0262",
        "C-0265",
        "C-0185",
        "C-0279",
        "C-0065",
        "C-0191",
        "C-0280",
        "C-0282",
        "L-0104",
        "L-0105",
    } <= critical
    assert {"C-0057", "C-0074", "C-0005", "C-0118"} <= critical
    low = {c.id for c in CONTROLS if c.severity == "low"}
    assert {"C-0004", "C-0009", "C-0050", "C-0076", "C-0077", "C-0268", "C-0269", "C-0270", "C-0271"} <= low


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda f: f.name)
def test_every_item_of_a_framework_is_asked_by_a_control_or_said_not_to_be(framework):
    asked, left = {entry.number for entry in framework.entries}, {item.number for item in framework.items}
    assert not asked & left
    assert len(left) == len(framework.items)
    if framework.items:
        held = {n if n in framework.sections else n.rpartition(".")[0] for n in asked | left}
        assert held <= set(framework.sections)
        assert {s for s in framework.sections if not any(f"{h}.".startswith(f"{s}.") for h in held)} <= {
            "4.3"
        }


def test_an_item_has_a_state_that_there_is():
    source = 'name = "x"\ncontrols = ["C-0057"]\nitems = [{number = "1", title = "t", state = "soon"}]'
    with pytest.raises(UsageError, match=r"x\.toml: \[0\]\.state: is not one of the values"):
        parse_framework(source, "x.toml", CONTROLS)


@control("T-1", "quiet", score=1.0, category="Test", see="https://example.org/quiet")
def quiet(container: Container) -> Violations:
    """It says nothing.

    Fix: let it speak.

    Cannot see: what it thinks.
    """
    yield from ()


@control(
    "T-2",
    "loud",
    score=1.0,
    category="Test",
    see="https://example.org/loud",
    example="kind: Pod\nspec:\n  loud: true",
    cannot_see="who listens.",
)
def loud(container: Container) -> Violations:
    """It shouts.

    Fix: turn it down.
    """
    yield from ()


@control(
    "T-3",
    "hidden",
    score=1.0,
    category="Test",
    see="https://example.org/hidden",
    example="kind: Pod",
    cannot_see="who listens.",
)
def hidden(container: Container) -> Violations:
    """It hides.

    Fix: look.

    Cannot see: what is seen.
    """
    yield from ()


def test_controls_that_share_a_file_are_called_and_documented_as_their_functions():
    assert (quiet.name, loud.name) == ("quiet", "loud")
    assert (
        quiet.doc
        == "It says nothing.\n\nFix: let it speak.\n\nCannot see: what it thinks.\n\nSee: https://example.org/quiet\n"
    )
    assert loud.doc == (
        "It shouts.\n\nFix: turn it down.\n\nExample::\n\n    kind: Pod\n    spec:\n      loud: true\n\n"
        "Cannot see: who listens.\n\nSee: https://example.org/loud\n"
    )
    assert hidden.doc.endswith("Cannot see: what is seen.\n\nSee: https://example.org/hidden\n")
