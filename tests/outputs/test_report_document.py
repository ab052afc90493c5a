"""A report goes through bytes unchanged, and looks the same where what was scanned is not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from leadline.errors import SourceError
from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, resource_of, with_own_ids
from leadline.outputs.documents.report_document import VERSION, decode, encode, schema
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import Places
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.scans.options import PostureOptions
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.posture.posture_scan import open_posture_scan, posture_scan
from outputs.sample_report import REPORT, SamplePlaces
from outputs.sample_sbom import SBOM
from outputs.show_document import show

SEALED = sealed(REPORT, NoPlaces())
ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "documents"
PAGE: dict[str, Any] = {
    "folder": "/home/me",
    "again": "leadline scan deploy",
    "at": "2026-01-02T03:04:05Z",
    "version": "1.2.3",
    "asked": {"formats": ["json"]},
}


def elsewhere(document: bytes, tmp_path: Path) -> Path:
    """The folder of what another process shows of ``document``."""
    (tmp_path / "report.json").write_bytes(document)
    script = Path(__file__).with_name("show_document.py")
    folder = tmp_path / "elsewhere"
    subprocess.run(
        [sys.executable, str(script), str(tmp_path / "report.json"), json.dumps(PAGE), str(folder)],
        env={"PYTHONPATH": f"{ROOT}/src{os.pathsep}{ROOT}/tests"},
        check=True,
    )
    return folder


def different(one: Path, other: Path) -> list[str]:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert len(names) >= 8
    return [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()]


@pytest.mark.parametrize("source", ["examples/shop", "tests/posture/controls/workload"])
def test_a_scan_of_a_folder_looks_the_same_in_another_process_without_the_folder(source: str, tmp_path: Path):
    folder = tmp_path / "scanned"
    shutil.copytree(ROOT / source, folder)
    with open_posture_scan([str(folder)], PostureOptions()) as scan:
        show(scan.report, scan.places, PAGE, tmp_path / "here")
        report = sealed(scan.report, scan.places)
    document = encode(report)
    assert decode(document) == report
    shutil.rmtree(folder)
    assert different(tmp_path / "here", elsewhere(document, tmp_path)) == []


def live_objects(count: int) -> Iterator[dict[str, Any]]:
    for i in range(count):
        metadata = {"name": f"n{i}", "namespace": f"ns{i % 40}", "labels": {"app": f"a{i}"}}
        container = {
            "name": "c",
            "image": f"example.com/a:{i}",
            "env": [{"name": "DB_PASSWORD", "value": f"pw-{i}-x"}],
        }
        kinds: tuple[dict[str, Any], ...] = (
            {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container], "hostPID": i % 7 == 0}},
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "spec": {
                    "replicas": 2,
                    "template": {
                        "metadata": {"labels": {"app": f"a{i}"}},
                        "spec": {"containers": [container]},
                    },
                },
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "spec": {"type": "NodePort", "selector": {"app": f"a{i - 1}"}},
            },
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"motd": "hello"}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False},
            {"apiVersion": "v1", "kind": "Namespace"},
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"password": f"correct-horse-{i}"}},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"n{i - 1}"},
                "subjects": [{"kind": "User", "name": f"u{i}", "apiGroup": "rbac.authorization.k8s.io"}],
            },
        )
        yield {**kinds[i % len(kinds)], "metadata": {**metadata, "namespace": f"ns{i // 9 % 40}"}}


def cluster_report(count: int) -> PostureReport:
    controls = load_controls()
    judgement = judge(
        [resource_of(body) for body in live_objects(count)],
        controls,
        facts=Facts(is_whole=True, server_version="v1.36.3", cloud="none"),
    )
    return PostureReport(
        target=Target("cluster", "prod-eu", server_version="v1.36.3"),
        resources=judgement.resources,
        controls=tuple(control.facts for control in controls),
        findings=judgement.findings,
        judged=judgement.judged,
        skips=judgement.skips,
        unread=judgement.unread,
        frameworks=load_frameworks(controls, "nsa"),
        objects=count,
        joined=judgement.joined,
    )


@pytest.mark.parametrize("objects", [500, pytest.param(5_000, marks=pytest.mark.nightly("matrices"))])
def test_a_cluster_looks_the_same_in_another_process(tmp_path: Path, objects: int):
    report = sealed(cluster_report(objects), NoPlaces())
    show(report, NoPlaces(), PAGE, tmp_path / "here")
    document = encode(report)
    assert decode(document) == report
    assert len(report.findings) > 4 * objects
    assert different(tmp_path / "here", elsewhere(document, tmp_path)) == []


def test_every_kind_of_violation_place_and_unread_comes_back():
    report = sealed(REPORT, SamplePlaces())
    assert decode(encode(report)) == report
    assert {finding.action for finding in report.findings} == {"remove", "set", "review", "add"}
    assert any(finding.place and finding.lines for finding in report.findings)
    assert decode(encode(sealed(REPORT, SamplePlaces()))) == report


def test_a_report_about_an_image_comes_back():
    report = ImageReport(SBOM, (ImageFinding("high", "Credential in the image", "root/.netrc"),), ("this",))
    assert decode(encode(report)) == report


def test_a_finished_scan_needs_no_files(tmp_path: Path):
    shutil.copytree(ROOT / "examples/shop", tmp_path / "shop")
    report = posture_scan([str(tmp_path / "shop")])
    assert report.is_sealed
    assert sum(1 for finding in report.findings if finding.place and finding.lines) > 100


class NoReading(Places):
    def find(self, resource, path):
        raise AssertionError("a sealed report is not read again")

    def lines(self, resource, first, last):
        raise AssertionError("a sealed report is not read again")


def test_sealing_twice_changes_nothing():
    report = sealed(REPORT, SamplePlaces())
    assert sealed(report, NoReading()) is report


def test_the_schema_describes_the_document():
    found = schema()
    Draft202012Validator.check_schema(found)
    Draft202012Validator(found).validate(json.loads(encode(sealed(REPORT, SamplePlaces()))))
    with_wrong_action = json.loads(encode(SEALED).replace(b'"action":"remove"', b'"action":"burn"'))
    assert not Draft202012Validator(found).is_valid(with_wrong_action)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "this is not a report: empty or cut short"),
        (b"{}", "this is not a report"),
        (b'{"format":"leadline-report","version":1}', "the report is damaged: report: is missing"),
        (
            b'{"format":"leadline-report","version":%d}' % (VERSION + 1),
            f"the report has format version {VERSION + 1}, this program reads up to {VERSION}; update leadline",
        ),
        (encode(SEALED).replace(b'"action":"remove"', b'"action":"burn"'), "the report is damaged: "),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(document: bytes, said: str):
    with pytest.raises(SourceError) as refused:
        decode(document)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("path", sorted(STORED.glob("version-*.json")), ids=lambda path: path.name)
def test_what_older_versions_wrote_is_read(path: Path):
    report = decode(path.read_bytes())
    assert isinstance(report, PostureReport)
    assert [finding.action for finding in report.findings] == ["remove", "set", "add", "review", "review"]
    assert {finding.resource for finding in report.findings} <= report.by_id.keys()


def test_a_report_whose_places_are_still_in_its_files_is_no_document():
    with pytest.raises(ValueError, match="only a sealed report"):
        encode(REPORT)


def test_there_is_a_stored_document_of_every_version():
    assert [path.name for path in sorted(STORED.glob("*.json"))] == [
        f"version-{number}.json" for number in range(1, VERSION + 1)
    ]


def test_what_a_later_reader_adds_is_passed_over():
    document = json.loads(encode(SEALED))
    document["report"]["more"] = document["report"]["target"]["more"] = 1
    assert decode(json.dumps(document).encode()) == SEALED


# Ids


def test_objects_that_are_alike_or_share_a_hash_stay_apart():
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    first, second, third = with_own_ids(resource_of(body, Origin(path="a.yaml")) for _ in range(3))
    assert (second.id, third.id) == (f"{first.id}#2", f"{first.id}#3")
    assert with_own_ids([first, second, third]) == (first, second, third)


def test_two_files_on_one_hash_are_two_objects_of_a_report():
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"hostPID": True}}
    one, other = (resource_of(body, Origin(path=path)) for path in ("1aa9.yaml", "25054.yaml"))
    assert one.id == other.id
    judgement = judge([one, other], [c for c in load_controls() if c.id == "C-0038"])
    assert len(judgement.by_id) == 2
    assert [judgement.by_id[finding.resource].origin.path for finding in judgement.findings] == [
        one.origin.path,
        other.origin.path,
    ]
