"""The page of a control: what its example looks like before and after the control's own edits."""

import gc

import pytest
import yaml

from leadline.model.control import Framework, FrameworkEntry
from leadline.outputs.rows.remediation import control_text
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.main import main
from leadline.scans.control_page import heading_of, markdown
from leadline.scans.fixing.example_fix import example_fix
from leadline.scans.posture.settings import shipped_settings

CONTROLS = {control.id: control for control in load_controls()}
SETTINGS = shipped_settings(CONTROLS.values())
CHECKED = [
    c
    for c in CONTROLS.values()
    # An example in a Dockerfile is not a manifest; tests of every control hold that it fails.
    if c.check
    and "Dockerfile.leadline.dev" not in c.kinds
    and not (c.needs_setting and not any(c.settings.values()))
]


@pytest.fixture(autouse=True)
def collector_on():
    yield
    gc.enable()


def explained(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["explain", *words]) == 0
    return capfd.readouterr().out


def test_edits_are_shown_in_place(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    page = explained(capfd, "C-0057")
    assert page[page.index("fails") :].split("\n\n")[0] == (
        "fails, and what fixes it\n"
        "  apiVersion: v1\n"
        "  kind: Pod\n"
        "  metadata: {name: shell}\n"
        "  spec:\n"
        "    containers:\n"
        "    - name: shell\n"
        "      image: busybox:1.36\n"
        "-     securityContext:\n"
        "-       privileged: true\n"
        "+     securityContext: {}"
    )


def test_what_only_a_person_can_decide_is_named_with_its_object(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    page = explained(capfd, "C-0035")
    assert page.splitlines()[-4:-2] == [
        "decide on   rules[0].resources[0], rules[0].verbs[0], rules[0].apiGroups[0] of ClusterRole/too-much;",
        "            subjects[0], roleRef.name of ClusterRoleBinding/jane-too-much",
    ]


def test_what_has_to_be_created_is_named(capfd):
    assert "\ncreate      a NetworkPolicy that selects these pods\n" in explained(capfd, "C-0260")
    assert "\n**Create:** a NetworkPolicy that selects these pods.\n" in explained(
        capfd, "C-0260", "-f", "md"
    )


def test_a_control_without_its_setting_says_how_to_set_it(capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert "to do       it judges nothing until you set it" in explained(capfd, "C-0078")
    chosen = tmp_path / "settings.json"
    chosen.write_text('{"image_repository_allow_list": ["registry.example"]}')
    page = explained(capfd, "C-0078", "--controls-config", str(chosen))
    assert "to do" not in page
    assert "decide on   spec.containers[0].image of Pod/web" in page


LATER = '''"""Something is wrong."""
from leadline.posture.control import not_built

LATER = not_built("X-0001", "Later", problem="Later problem", score=1.0, category="Test", needs="the phase of the moon")
'''


def test_a_control_that_is_not_built_says_so_at_once(capfd, tmp_path):
    (tmp_path / "later.py").write_text(LATER)
    own = ("--controls", str(tmp_path))
    assert explained(capfd, "X-0001", *own).splitlines()[1].endswith("   not built yet")
    assert "it needs the phase of the moon" in " ".join(explained(capfd, "X-0001", *own).split())
    assert "**not built yet.**" in explained(capfd, "X-0001", *own, "-f", "md")


def test_no_colour_reaches_a_pipe(capfd):
    assert "\x1b" not in explained(capfd, "C-0057")


def test_numbers_of_frameworks_come_with_the_heading_of_their_section(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert "            cis-v1.10.0, cis-v1.12.0: 1.2.1 API Server\n" in explained(capfd, "C-0113")


@pytest.mark.parametrize(
    ("number", "heading"),
    [("1.2.3", "Server"), ("1.9.3", "Plane"), ("1", "Plane"), ("2.1", ""), ("", ""), ("CC6.1,CC7.2", "")],
)
def test_the_heading_is_that_of_the_nearest_section(number, heading):
    assert heading_of(number, {"1": "Plane", "1.2": "Server"}) == heading


def test_frameworks_that_share_number_and_heading_share_a_line():
    sections = {"5.2": "Pods"}
    entry = (FrameworkEntry("C-0057", "5.2.1"),)
    frameworks = (
        Framework("a", "A", entry, sections=sections),
        Framework("b", "B", entry, sections=sections),
        Framework("c", "C", (FrameworkEntry("C-0057"),)),
    )
    page = "\n".join(markdown(CONTROLS["C-0057"], frameworks, SETTINGS))
    assert "**Part of:**\n\n- c\n- a, b: 5.2.1 Pods\n" in page


@pytest.mark.parametrize("control", CHECKED, ids=lambda c: c.id)
def test_every_example_fails_and_its_edits_are_writable_and_enough(control):
    example = control_text(control).example
    first = example_fix(control, example, SETTINGS)
    assert first.is_edit or first.decide or first.create
    assert list(yaml.safe_load_all(first.after)), "still YAML"
    again = example_fix(control, first.after, SETTINGS)
    assert not again.is_edit
    assert (
        "YOUR_VALUE" in first.after
        or (again.decide, again.create) == (first.decide, first.create)
        or (not again.decide and not again.create)
    )


def test_the_lines_of_a_repair_give_back_both_texts():
    for control in CHECKED:
        fixed = example_fix(control, control_text(control).example, SETTINGS)
        lines = list(fixed.lines())
        assert "\n".join(line for mark, line in lines if mark != "+") == fixed.before
        assert "\n".join(line for mark, line in lines if mark != "-") == fixed.after


def test_nearly_every_page_fits_a_screen_of_forty_lines(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    pages = {control_id: explained(capfd, control_id) for control_id in sorted(CONTROLS)[::7]}
    too_long = [i for i, page in pages.items() if len(page.splitlines()) > 40]
    assert len(too_long) <= len(pages) // 20


def test_saved_reports_say_why_a_score_is_what_it_is_and_why_it_changed(capfd, tmp_path):
    pod = tmp_path / "pod.yaml"
    pod.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: a, image: a:1}]}\n"
    )
    assert main(["scan", str(pod), "-q", "-o", str(tmp_path / "old.report.json")]) == 0
    pod.write_text(pod.read_text().replace("spec: {", "spec: {hostPID: true, "))
    assert main(["scan", str(pod), "-q", "-o", str(tmp_path / "new.report.json")]) == 0
    capfd.readouterr()
    old, new = (str(tmp_path / f"{name}.report.json") for name in ("old", "new"))
    assert main(["explain", "score", "--report", new]) == 0
    assert capfd.readouterr().out.startswith("The score is ")
    assert main(["explain", "score", "--report", new, "--before", old]) == 0
    out = capfd.readouterr().out
    assert out.startswith("The score was ")
    assert "C-0038" in out
    assert main(["explain", "shop/Pod/web", "--report", new]) == 0
    assert capfd.readouterr().out.startswith("shop/Pod/web has ")
    for words, code in (
        (["nothing", "--report", new], 2),
        (["score", "--report", str(pod)], 3),
        (["score", "--before", old], 2),
    ):
        assert main(["explain", *words]) == code
        assert capfd.readouterr().err.count("\n") == 1


def test_the_page_of_a_rule_is_found_by_its_id_and_its_title(capfd):
    page = explained(capfd, "R1001")
    assert page.startswith("R1001   Drifted process executed\n")
    assert explained(capfd, "drifted process EXECUTED") == page


def test_the_page_of_a_rule_in_markdown_keeps_its_names_and_numbers_its_steps_once(capfd):
    page = explained(capfd, "R1001", "-f", "md")
    assert "\n**MITRE ATT&CK:** TA0005 T1036\n" in page
    assert "\n**Covers Falco's:** " in page
    assert "\n1. Save the file: " in page
    assert "- 1." not in page


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"a":' * 100_000, "is not a report of a scan"),
        ('{"format":"leadline-report","version":1,"report":' + "[" * 100_000, "report: this is not a report"),
        ("", "is not a report of a scan"),
    ],
)
def test_a_report_that_cannot_be_read_is_named_in_one_line(capfd, tmp_path, content, why):
    (tmp_path / "a.report").write_text(content)
    assert main(["explain", "score", "--report", str(tmp_path / "a.report")]) == 3
    said = capfd.readouterr().err
    assert why in said
    assert "a.report" in said
    assert said.count("\n") == 1
