import io
import json

import msgspec
import pytest

from leadline.model.control import Missing, Remove
from leadline.model.finding import Finding
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, resource_of, with_own_ids
from leadline.model.unread import Unread
from leadline.outputs.format_registry import find_format
from leadline.outputs.formats.sarif import MOST_RESULTS
from leadline.outputs.rows.place import uri_of
from outputs.sample_report import CONTROLS, FINDINGS, REPORT, TEXT, WEB, SamplePlaces, page
from outputs.sarif_schema import SARIF


def run_of(report: PostureReport, *, is_checked: bool = True, **fields: object) -> dict:
    out = io.StringIO()
    find_format("sarif", PostureReport).write(report, out, page(**fields))
    document = json.loads(out.getvalue())
    if is_checked:
        SARIF.validate(document)
    return document["runs"][0]


def fingerprints(run: dict) -> list[str]:
    return [result["partialFingerprints"]["leadlineFinding/v1"] for result in run["results"]]


def test_lines_are_true():
    places = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in run_of(REPORT)["results"]
    }
    lines = TEXT.split("\n")
    assert {control: lines[line - 1].strip() for control, line in places.items()} == {
        "C-0057": "privileged: true",
        "C-0012": "bank.password: correct-horse-9-battery",
        "C-0015": "resources: [secrets, pods]",
        "C-0016": "securityContext:",
        "C-0260": "apiVersion: apps/v1",
    }


def test_fingerprints_are_distinct_and_survive_moved_lines():
    moved = run_of(REPORT, places=SamplePlaces(shift=40))
    assert fingerprints(moved) == fingerprints(run_of(REPORT))
    assert len(set(fingerprints(moved))) == len(FINDINGS)


def test_an_object_that_stands_twice_in_a_file_has_two_fingerprints():
    first, again = with_own_ids((WEB, WEB))
    report = msgspec.structs.replace(
        REPORT,
        resources=(first, again),
        judged=(("C-0260",), ("C-0260",)),
        findings=tuple(Finding("C-0260", one.id, Missing("a policy")) for one in (first, again)),
    )
    first, second = fingerprints(run_of(report))
    assert second == f"{first}:2"
    assert [r["partialFingerprints"]["primaryLocationLineHash"] for r in run_of(report)["results"]] == [
        f"{first}:1",
        f"{first}:2",
    ]


def test_fingerprints_survive_a_container_put_in_front():
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a"}]},
    }
    with_sidecar = {**pod, "spec": {"containers": [{"name": "sidecar"}, {"name": "a"}]}}

    def prints(body: dict, index: int) -> list[str]:
        resource = resource_of(body, Origin(path="p.yaml"))
        finding = Finding("C-0057", resource.id, Remove(f"spec.containers[{index}].securityContext"))
        report = msgspec.structs.replace(
            REPORT, resources=(resource,), findings=(finding,), judged=(("C-0057",),)
        )
        return fingerprints(run_of(report))

    assert prints(pod, 0) == prints(with_sidecar, 1)
    assert prints(with_sidecar, 0) != prints(with_sidecar, 1)


def test_worst_come_first_and_the_cut_is_told():
    others = [resource_of({}, Origin(path=f"{i}.yaml")) for i in range(MOST_RESULTS - 5)]
    many = tuple(
        Finding(control, WEB.id, Remove(f"spec.x{i}", others[i].id))
        for control in ("C-0016", "C-0057")
        for i in range(MOST_RESULTS - 5)
    )
    run = run_of(
        msgspec.structs.replace(
            REPORT, resources=(WEB, *others), judged=(REPORT.judged[0], *((),) * len(others)), findings=many
        ),
        is_checked=False,
    )
    left_out = 2 * (MOST_RESULTS - 5) - MOST_RESULTS
    assert len(run["results"]) == MOST_RESULTS
    assert [result["ruleId"] for result in run["results"]].index("C-0016") == MOST_RESULTS - 5
    assert run["properties"]["resultsLeftOut"] == left_out
    assert str(left_out) in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_rules_stay_within_the_limits_of_code_scanning():
    endless = tuple(msgspec.structs.replace(c, doc="x" * 9000, title="y" * 9000) for c in CONTROLS)
    rules = run_of(msgspec.structs.replace(REPORT, controls=endless))["tool"]["driver"]["rules"]
    assert max(len(rule["fullDescription"]["text"]) for rule in rules) <= 1024
    assert max(len(rule["shortDescription"]["text"]) for rule in rules) <= 1024
    assert max(len(rule["name"]) for rule in rules) <= 255
    assert max(len(rule["properties"]["tags"]) for rule in rules) <= 10


def test_a_name_makes_no_link():
    evil = resource_of(
        {"metadata": {"name": "[click](https://evil.example)"}, "kind": "Pod"}, Origin(path="a.yaml")
    )
    finding = Finding("C-0057", evil.id, Remove("spec"))
    report = msgspec.structs.replace(REPORT, resources=(evil,), findings=(finding,), judged=(("C-0057",),))
    assert "](" not in run_of(report)["results"][0]["message"]["text"]


def test_unread_parts_are_notifications():
    unread = (
        Unread("secrets", "forbidden", "malformed", hint="grant list"),
        Unread("a b.yaml", "broken", "malformed", 3),
    )
    run = run_of(msgspec.structs.replace(REPORT, unread=unread))
    first, second, undecided = run["invocations"][0]["toolExecutionNotifications"]
    assert first["message"]["text"] == "secrets was not read: forbidden; grant list"
    assert "locations" not in first
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.yaml"
    assert undecided == {
        "level": "note",
        "descriptor": {"id": "undecided"},
        "message": {
            "text": "C-0017 could not decide about shop/ConfigMap/settings: what it names is not here"
        },
    }


def test_objects_of_a_cluster_have_a_logical_place_only():
    live = resource_of(WEB.body)
    finding = Finding("C-0057", live.id, Remove("spec"))
    report = msgspec.structs.replace(
        REPORT,
        target=Target("cluster", "prod"),
        resources=(live,),
        findings=(finding,),
        judged=(("C-0057",),),
    )
    assert run_of(report)["results"][0]["locations"] == [
        {"logicalLocations": [{"fullyQualifiedName": "shop/Deployment/web", "kind": "object"}]}
    ]


@pytest.mark.parametrize(
    ("file", "folder", "uri"),
    [
        ("deploy/app.yaml", "/home/me", "deploy/app.yaml"),
        ("deploy/a b#1%.yaml", "/home/me", "deploy/a%20b%231%25.yaml"),
        ("./deploy/./x.yaml", "/home/me", "deploy/x.yaml"),
        ("../other/x.yaml", "/home/me", "file:///home/other/x.yaml"),
        ("/home/me/deploy/x.yaml", "/home/me", "deploy/x.yaml"),
        ("/etc/x.yaml", "/home/me", "file:///etc/x.yaml"),
        ("x.yaml", "/", "x.yaml"),
        ("deploy\\web\\x.yaml", "C:\\work", "deploy/web/x.yaml"),
        ("C:\\work\\x.yaml", "C:\\work", "x.yaml"),
        ("D:\\x y.yaml", "C:\\work", "file:///D:/x%20y.yaml"),
        ("名.yaml", "/home/me", "%E5%90%8D.yaml"),
        ("bad\udcff.yaml", "/home/me", "bad%3F.yaml"),
        ("-", "/home/me", "stdin"),
    ],
)
def test_addresses(file: str, folder: str, uri: str):
    assert uri_of(file, folder) == uri


def test_a_place_that_is_not_known_is_the_beginning_of_the_file():
    class Nowhere(SamplePlaces):
        def find(self, resource, path: str) -> None:
            return None

    regions = [
        result["locations"][0]["physicalLocation"]["region"]
        for result in run_of(REPORT, places=Nowhere())["results"]
    ]
    assert regions == [{"startLine": 1, "startColumn": 1}] * len(regions)
