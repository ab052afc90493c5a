import io
import json
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.control import Remove
from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.risk import WorkloadRisk
from leadline.outputs.format_registry import find_format
from leadline.outputs.rows.place import steering, titles_of
from outputs.sample_report import PRIVILEGED, page
from outputs.sarif_schema import SARIF

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"hostPID": True}}
PATH = "spec.hostPID"


def rendered(kind: str, source: str, path: str = "base/web.yaml") -> Resource:
    return resource_of(POD, Origin(kind=kind, path=path, root="top", rendered_from=source))


DEV, PROD = rendered("kustomize", "overlays/dev"), rendered("kustomize", "overlays/prod")
CHART = rendered("helm", "chart", "chart/templates/web.yaml")


class OnePlace:
    def __init__(self, place: Place | None) -> None:
        self._place = place

    def find(self, resource: Resource, path: str) -> Place | None:
        return self._place

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        return ["spec:", "  hostPID: {{ .Values.host.pid }}"][first - 1 : last]

    def body(self, resource: Resource) -> dict[str, Any]:
        return resource.body

    read_body = body

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return risk


STEERED = OnePlace(Place("chart/templates/web.yaml", 2, 3, True, "host.pid"))


def report_of(*pods: Resource) -> PostureReport:
    return PostureReport(
        target=Target("directory", "top", "/home/me/top"),
        resources=pods,
        controls=(PRIVILEGED,),
        findings=tuple(Finding("C-0057", pod.id, Remove(PATH)) for pod in pods),
        judged=(("C-0057",),) * len(pods),
        objects=len(pods),
        kustomizations=sum(pod.origin.kind == "kustomize" for pod in pods),
        charts=sum(pod.origin.kind == "helm" for pod in pods),
    )


def written(name: str, report: PostureReport, **fields: object) -> str:
    out = io.StringIO()
    find_format(name, PostureReport).write(report, out, page(**fields))
    return out.getvalue()


def test_objects_of_two_overlays_are_told_apart():
    title = titles_of(report_of(DEV, PROD))
    assert [title(DEV), title(PROD)] == ["Pod/web (overlays/dev)", "Pod/web (overlays/prod)"]


@pytest.mark.parametrize("pods", [(DEV,), (DEV, replace(PROD, name="api")), (DEV, DEV)])
def test_an_object_that_reads_like_no_other_keeps_its_short_title(pods):
    assert titles_of(report_of(*pods))(DEV) == "Pod/web"


def test_a_chart_is_steered_by_a_key_of_its_values_and_an_overlay_by_a_file():
    place = Place("web.yaml", 1, 1, True, "host.pid")
    assert steering(CHART, place) == "steered by host.pid in values.yaml"
    patch = Place("web.yaml", 1, 1, True, "overlays/dev/cpu.yaml:7")
    assert steering(DEV, patch) == "steered by top/overlays/dev/cpu.yaml:7"
    assert steering(DEV, Place("web.yaml", 1, 1)) == steering(DEV, None) == ""


def test_a_line_names_what_steers_the_field():
    assert written("lines", report_of(CHART), places=STEERED) == (
        "top/chart/templates/web.yaml:2:3: critical C-0057 Privileged container [Pod/web] remove spec.hostPID"
        " (steered by host.pid in values.yaml)\n"
    )


def test_a_line_without_a_place_still_names_the_template():
    assert written("lines", report_of(CHART), places=OnePlace(None)) == (
        "top/chart/templates/web.yaml: critical C-0057 Privileged container [Pod/web] remove spec.hostPID\n"
    )


def test_an_excerpt_shows_the_template_and_what_steers_it():
    text = written("pretty", report_of(CHART), places=STEERED, verbose=True)
    assert text.split("\n\n")[2].split("\n") == [
        "  Pod/web   top/chart/templates/web.yaml:2:3",
        "  spec.hostPID",
        "    1 | spec:",
        "    2 |   hostPID: {{ .Values.host.pid }}",
        "      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ remove this line",
        "      steered by host.pid in values.yaml",
    ]


def test_a_finding_without_a_line_still_shows_its_template():
    text = written("pretty", report_of(CHART), places=OnePlace(None), verbose=True)
    assert text.split("\n\n")[2].split("\n") == [
        "  Pod/web   top/chart/templates/web.yaml",
        "      remove spec.hostPID",
    ]


def test_what_is_only_near_the_field_is_marked_by_its_key_and_names_the_field():
    near = OnePlace(Place("chart/templates/web.yaml", 1, 1, False))
    text = written("pretty", report_of(CHART), places=near, verbose=True)
    assert text.split("\n\n")[2].split("\n")[2:] == ["    1 | spec:", "      | ^^^^ remove hostPID"]


def test_json_names_what_steers_the_field():
    results = json.loads(written("json", report_of(CHART), places=STEERED))["results"]
    assert results[0]["controls"][0]["rules"][0]["paths"][0]["position"] == {
        "path": "top/chart/templates/web.yaml",
        "line": 2,
        "column": 3,
        "exact": True,
        "steeredBy": "host.pid",
    }


def sarif_results(report: PostureReport, **fields: object) -> list[dict]:
    document = json.loads(written("sarif", report, **fields))
    SARIF.validate(document)
    return document["runs"][0]["results"]


def test_sarif_names_the_file_from_its_first_line_where_no_line_is_known():
    (result,) = sarif_results(report_of(CHART), places=OnePlace(None))
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "top/chart/templates/web.yaml"},
        "region": {"startLine": 1, "startColumn": 1},
    }


def test_sarif_tells_overlays_apart():
    results = sarif_results(report_of(DEV, PROD), places=OnePlace(Place("base/web.yaml", 1, 1)))
    assert [r["message"]["text"] for r in results] == [
        "Privileged container in Pod/web (overlays/dev): remove spec.hostPID (on the path any pod → web → privileged container)",
        "Privileged container in Pod/web (overlays/prod): remove spec.hostPID (on the path any pod → web → privileged container)",
    ]
    assert len({r["partialFingerprints"]["leadlineFinding/v1"] for r in results}) == 2


def test_sarif_of_a_cluster_points_to_objects():
    pod = resource_of(POD)
    report = replace(report_of(pod), target=Target("cluster", "prod-eu", server_version="v1.36.3"))
    (result,) = sarif_results(report, places=OnePlace(None))
    assert result["locations"] == [
        {"logicalLocations": [{"fullyQualifiedName": "Pod/web", "kind": "object"}]}
    ]
