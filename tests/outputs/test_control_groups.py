from msgspec.structs import replace

from leadline.model.control import Remove, Review, Set
from leadline.model.finding import Finding
from leadline.outputs.rows.control_groups import control_groups
from outputs.sample_report import REPORT, SETTINGS, WEB, control

WIDE = control("C-0009", "Limits missing", 7.0, "It may take everything.")
CPU = control("C-0270", "CPU limit missing", 7.0, "It may take every core.")
MEMORY = control("C-0271", "Memory limit missing", 5.0, "It may take all memory.")
GRAVE = control("C-0001", "CPU limit missing on the control plane", 9.0, "It may stop the cluster.")
OTHER = control("C-0100", "Another", 7.0, "Something else.")
ALL = (WIDE, CPU, MEMORY, GRAVE, OTHER)


def finding(id: str, path: str, resource: str = WEB.id, value: object = 1) -> Finding:
    return Finding(id, resource, Set(path, value))


def groups(*findings: Finding) -> list[tuple[str, ...]]:
    failing = tuple(sorted(findings, key=lambda f: f.resource))
    judged = (tuple(c.id for c in ALL), tuple(c.id for c in ALL), (), ())
    report = replace(REPORT, controls=ALL, findings=failing, judged=judged)
    return [group.ids for group in control_groups(report)]


def test_controls_whose_edits_are_all_anothers_are_part_of_it():
    found = groups(
        finding("C-0009", "limits.cpu"),
        finding("C-0009", "limits.memory"),
        finding("C-0270", "limits.cpu"),
        finding("C-0271", "limits.memory"),
    )
    assert found == [("C-0009", "C-0270", "C-0271")]


def test_one_edit_more_on_another_object_keeps_a_control_apart():
    found = groups(
        finding("C-0009", "limits.cpu"),
        finding("C-0270", "limits.cpu"),
        finding("C-0270", "limits.cpu", SETTINGS.id),
    )
    assert found == [("C-0270", "C-0009")]
    found = groups(
        finding("C-0009", "limits.cpu"),
        finding("C-0009", "limits.memory"),
        finding("C-0270", "limits.cpu"),
        finding("C-0270", "limits.cpu", SETTINGS.id),
    )
    assert found == [("C-0009",), ("C-0270",)]


def test_another_value_or_action_is_another_edit():
    assert groups(finding("C-0009", "a", value=1), finding("C-0270", "a", value=2)) == [
        ("C-0009",),
        ("C-0270",),
    ]
    different = (Finding("C-0009", WEB.id, Remove("a")), Finding("C-0270", WEB.id, Review("a")))
    assert groups(*different) == [("C-0009",), ("C-0270",)]


def test_what_is_more_urgent_is_never_a_part():
    found = groups(
        finding("C-0009", "limits.cpu"),
        finding("C-0009", "limits.memory"),
        finding("C-0001", "limits.cpu"),
    )
    assert found == [("C-0001",), ("C-0009",)]


def test_of_two_with_the_same_edits_the_more_urgent_stands_for_both():
    assert groups(finding("C-0271", "a"), finding("C-0270", "a")) == [("C-0270", "C-0271")]
