import io
import json
from importlib import resources

import msgspec
import pytest
from jsonschema import Draft202012Validator

from leadline.model.finding import Skip
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, resource_of
from leadline.outputs.format_registry import find_format
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.posture.posture_scan import posture_scan
from outputs.sample_report import FINDINGS, READER, REPORT, SETTINGS, SUBJECT, WEB, page

SCHEMA = json.loads((resources.files("leadline.outputs") / "report_schema.json").read_text("utf-8"))
EMPTY = PostureReport(Target("file", "a.yaml"), (), (), (), ())


def parsed(report: PostureReport, **fields: object) -> dict:
    out = io.StringIO()
    find_format("json", PostureReport).write(report, out, page(**fields))
    document = json.loads(out.getvalue())
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", ["cluster", "file", "directory", "git", "stdin"])
def test_every_kind_of_target_is_valid(kind: str):
    target = Target(kind, "name", "/root", server_version="v1.36.3", branch="main", commit="abc")
    assert parsed(msgspec.structs.replace(REPORT, target=target))["clusterAPIServerInfo"]["minor"] == "36"


def test_an_empty_report_is_valid_and_claims_no_score():
    document = parsed(EMPTY)
    assert document["summaryDetails"]["status"] == "skipped"
    assert document["summaryDetails"]["complianceScore"] == 0
    assert document["results"] == []


def test_counters_are_unique_objects_and_pairs():
    summary = parsed(REPORT)["summaryDetails"]
    assert summary["ResourceCounters"]["failedResources"] == 3
    assert summary["ResourceCounters"]["passedResources"] == 1
    assert summary["resourcesSeverityCounters"] == {
        "criticalSeverity": 1,
        "highSeverity": 2,
        "mediumSeverity": 2,
        "lowSeverity": 0,
    }
    assert summary["frameworks"][0]["ResourceCounters"]["failedResources"] == 1
    assert summary["frameworks"][0]["complianceScore"] == 50


def test_risk_weighs_replicas_and_scores():
    controls = parsed(REPORT)["summaryDetails"]["controls"]
    weights = {"web": 2 * 1.1, "settings": 1, "reader": 1}
    assert controls["C-0012"]["score"] == round(100 * weights["settings"] / sum(weights.values()), 2)
    assert controls["C-0012"]["complianceScore"] == 66.67


def test_every_judged_pair_is_a_result_and_no_other():
    pairs = {
        (result["resourceID"], control["controlID"], control["status"]["status"])
        for result in parsed(REPORT)["results"]
        for control in result["controls"]
    }
    failed = {(f.resource, f.control) for f in FINDINGS}
    skipped = {(id, skip.control, "skipped") for id, skips in REPORT.gave_up.items() for skip in skips}
    assert len(skipped) == 1
    assert pairs - skipped == {
        (resource.id, control_id, "failed" if (resource.id, control_id) in failed else "passed")
        for resource, ids in zip(REPORT.resources, REPORT.judged, strict=True)
        for control_id in ids
    }


def test_every_object_has_a_result_even_where_nothing_judged_it():
    document = parsed(msgspec.structs.replace(REPORT, judged=((), *REPORT.judged[1:]), findings=()))
    assert [r["resourceID"] for r in document["resources"]] == [r["resourceID"] for r in document["results"]]
    assert [r["controls"] for r in document["results"] if r["resourceID"] == WEB.id] == [[]]


def test_the_position_is_beside_the_path():
    results = {result["resourceID"]: result for result in parsed(REPORT)["results"]}
    (control,) = results[SUBJECT.id]["controls"]
    assert control["rules"][0]["paths"] == [
        {
            "resourceID": READER.id,
            "failedPath": "rules[0].resources[0]",
            "reviewPath": "rules[0].resources[0]",
            "fixPath": {"path": "", "value": ""},
            "position": {"path": "deploy/app.yaml", "line": 32, "column": 17, "exact": True},
        }
    ]
    assert control["rules"][0]["relatedResourcesIDs"] == [READER.id]


def test_a_control_that_could_not_run_says_why():
    document = parsed(REPORT)
    assert document["summaryDetails"]["controls"]["C-0069"]["statusInfo"] == {
        "status": "skipped",
        "subStatus": "notEvaluated",
        "info": "not built yet: needs kubelet settings",
    }
    assert document["coverage"]["controls"] == {
        "evaluated": 6,
        "notBuilt": 1,
        "skipped": [{"id": "C-0069", "why": "not built yet: needs kubelet settings"}],
        "undecided": [{"id": "C-0017", "why": "what it names is not here", "resourceIDs": [SETTINGS.id]}],
    }


def test_what_json_has_no_word_for_still_gets_out():
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "odd"},
        "spec": {"huge": 10**40, "nan": float("nan"), "half": "\ud800", "many": float("inf")},
    }
    odd = resource_of(body, Origin(path="a\u202e.yaml"))
    out = io.StringIO()
    report = msgspec.structs.replace(EMPTY, resources=(odd,), judged=((),), objects=1)
    hidden = Redaction(SecretValues())
    shown = hidden.report(report)
    places = hidden.places(NoPlaces(), report.resources, shown)
    find_format("json", PostureReport).write(shown, out, page(places=places))
    out.getvalue().encode("utf-8")
    spec = json.loads(out.getvalue())["resources"][0]["object"]["spec"]
    assert spec == {"huge": str(10**40), "nan": None, "half": "?", "many": None}


def test_objects_of_a_cluster_have_no_source():
    live = resource_of(WEB.body)
    report = msgspec.structs.replace(EMPTY, resources=(live,), judged=((),), objects=1)
    (resource,) = parsed(report)["resources"]
    assert resource["resourceID"] == "apps/v1/shop/Deployment/web"
    assert "source" not in resource
    assert "sourcePath" not in resource["object"]


def test_what_a_control_gave_up_on_is_a_result_that_was_skipped():
    gave_up = {SETTINGS.id: (Skip("C-0057", "its kubelet is not known", "not read"),)}
    document = parsed(msgspec.structs.replace(REPORT, gave_up=gave_up))
    (result,) = (result for result in document["results"] if result["resourceID"] == SETTINGS.id)
    (skipped,) = (control for control in result["controls"] if control["controlID"] == "C-0057")
    info = {"status": "skipped", "subStatus": "notEvaluated", "info": "its kubelet is not known"}
    assert skipped["status"] == info
    assert [(rule["status"], rule["subStatus"]) for rule in skipped["rules"]] == [("skipped", "notEvaluated")]
    assert document["summaryDetails"]["controls"]["C-0057"]["ResourceCounters"]["skippedResources"] == 1


def test_a_subject_shows_the_name_alone_of_a_role_that_is_huge_or_was_not_read():
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}] * 2_000
    huge = resource_of({**READER.body, "rules": rules}, READER.origin)
    parts = (huge.id, "rbac.authorization.k8s.io/v1//ClusterRole/view")
    report = msgspec.structs.replace(REPORT, resources=(WEB, SETTINGS, huge, SUBJECT), joined=(parts,))
    objects = {one["resourceID"]: one["object"] for one in parsed(report)["resources"]}
    assert len(objects[huge.id]["rules"]) == 2_000
    group = "rbac.authorization.k8s.io/v1"
    assert objects[SUBJECT.id]["relatedObjects"] == [
        {"apiVersion": group, "kind": "Role", "metadata": {"name": "reader", "namespace": "shop"}},
        {"apiVersion": group, "kind": "ClusterRole", "metadata": {"name": "view"}},
    ]


def test_settings_bear_the_names_that_files_of_settings_write():
    document = parsed(REPORT)
    assert document["metadata"]["scanMetadata"]["controlSettings"] == {"sensitiveKeyNames": ["password"]}


def test_a_path_into_what_a_subject_is_joined_from_names_the_file_of_that(tmp_path):
    (tmp_path / "a-web.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: web}}\n")
    (tmp_path / "b-access.yaml").write_text(
        "apiVersion: rbac.authorization.k8s.io/v1\n"
        "kind: ClusterRoleBinding\n"
        "metadata: {name: ops}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
        "subjects:\n"
        "- {kind: Group, name: ops, apiGroup: rbac.authorization.k8s.io}\n"
    )
    document = parsed(posture_scan(tmp_path))
    places = {
        (path["position"]["path"].rpartition("/")[2], path["position"]["line"])
        for result in document["results"]
        for control in result["controls"]
        for path in control["rules"][0].get("paths", ())
        if path.get("failedPath", "").startswith("relatedObjects[0].subjects[0]")
    }
    assert places == {("b-access.yaml", 6)}
