from msgspec.structs import replace

from leadline.model.control import Set
from leadline.model.finding import Finding, Place
from leadline.model.resource import Origin
from leadline.outputs.rows.edit_rows import MOST_FAILING, edit_line, edit_rows, failing_text
from leadline.outputs.rows.place import FindingPlaces, titles_of
from outputs.sample_report import REPORT, WEB, SamplePlaces, control

LOW = control("C-0002", "Narrow", 2.0, "Little.")
HIGH = control("C-0001", "Wide", 7.0, "Much.")
EDIT = Set("spec.replicas", 3)


class OnePlace(SamplePlaces):
    def find(self, resource, path: str) -> Place | None:
        return Place("base/web.yaml", 7, 3)


def lines(report, places=None) -> list[str]:
    found = edit_rows(report, FindingPlaces(report, places or SamplePlaces()))
    return [edit_line(row, report, titles_of(report)) for row in found]


def test_one_edit_that_two_controls_ask_for_is_one_row_at_the_worst_severity():
    report = replace(
        REPORT,
        controls=(HIGH, LOW),
        findings=(Finding("C-0002", WEB.id, EDIT), Finding("C-0001", WEB.id, EDIT)),
    )
    assert lines(report) == [
        "deploy/app.yaml:1:1: high C-0001,C-0002 Wide [shop/Deployment/web] set spec.replicas to 3"
    ]


def test_one_line_of_source_in_several_overlays_is_one_row():
    overlays = [
        replace(
            WEB,
            origin=Origin(kind="kustomize", path="base/web.yaml", rendered_from=f"overlays/{name}"),
            id="",
        )
        for name in ("dev", "prod", "test")
    ]
    report = replace(
        REPORT,
        resources=tuple(overlays),
        judged=((), (), ()),
        controls=(HIGH,),
        kustomizations=3,
        findings=tuple(Finding("C-0001", one.id, EDIT) for one in overlays),
    )
    assert lines(report, OnePlace()) == [
        "base/web.yaml:7:3: high C-0001 Wide [shop/Deployment/web in 3 overlays] set spec.replicas to 3"
    ]


def test_a_failed_gate_lists_twenty_and_where_the_rest_is():
    findings = tuple(Finding("C-0001", WEB.id, Set("spec.replicas", i)) for i in range(MOST_FAILING + 3))
    report = replace(REPORT, controls=(HIGH,), findings=findings)
    text = list(failing_text(report, FindingPlaces(report, SamplePlaces()), "high"))
    assert len(text) == MOST_FAILING + 1
    assert text[-1] == "and 3 more, --format lines shows all"
    assert list(failing_text(report, FindingPlaces(report, SamplePlaces()), "critical")) == []
