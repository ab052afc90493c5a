"""Objects in other files that a verdict rests on are shown with their file and line."""

import io
import json
from pathlib import Path

import pytest

from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import decode, encode
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.format_registry import Page, find_format
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan

WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: c
          image: web:1
          env:
            - {name: DB_PASSWORD, valueFrom: {configMapKeyRef: {name: conf, key: db}}}
"""
BESIDE = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf, namespace: shop}
data: {db: hunter-2-but-longer}
"""
OPTIONS = PostureOptions(controls=("C-0012", "C-0260"))


def written(folder: Path, name: str, **fields: object) -> str:
    out = io.StringIO()
    with open_posture_scan([str(folder)], OPTIONS) as scan:
        page = Page(scan.places, **{"width": 200, **fields})  # type: ignore[arg-type]
        find_format(name, PostureReport).write(scan.report, out, page)
    return out.getvalue().replace(f"{folder}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "beside.yaml").write_text(BESIDE)
    return tmp_path


CAUSE = "rests on shop/ConfigMap/conf (beside.yaml:6:1)"
PREVENTION = "beside.yaml:1:1: prevents C-0260 in shop/Deployment/web [shop/NetworkPolicy/deny]"


def test_lines_name_the_cause_and_with_v_what_prevents(folder: Path):
    assert f"({CAUSE})" in written(folder, "lines")
    assert PREVENTION not in written(folder, "lines")
    assert PREVENTION in written(folder, "lines", verbose=True).splitlines()


def test_the_terminal_names_both_with_v(folder: Path):
    lines = written(folder, "pretty", verbose=True).splitlines()
    assert f"  {CAUSE}" in lines
    assert lines[lines.index("prevented  by 1 object in other files") + 1] == f"  {PREVENTION}"
    assert "prevented" not in written(folder, "pretty")


def test_json_has_them_as_related_and_sarif_the_cause_with_its_place(folder: Path):
    results = json.loads(written(folder, "json"))["results"]
    related = {
        (control["controlID"], control["status"]["status"]): rule.get("relatedResourcesIDs")
        for result in results
        if result["resourceID"].endswith("Deployment/web")
        for control in result["controls"]
        for rule in control["rules"]
    }
    assert [id.rpartition("/")[2] for id in related["C-0012", "failed"]] == ["conf"]
    assert [id.rpartition("/")[2] for id in related["C-0260", "passed"]] == ["deny"]
    run = json.loads(written(folder, "sarif"))["runs"][0]
    (location,) = next(r for r in run["results"] if r["ruleId"] == "C-0012" and "relatedLocations" in r)[
        "relatedLocations"
    ]
    assert location["physicalLocation"]["region"]["startLine"] == 6
    assert location["message"]["text"] == "shop/ConfigMap/conf"


def test_what_is_in_the_same_file_is_not_said_twice(tmp_path: Path):
    (tmp_path / "all.yaml").write_text(f"{WEB}---\n{BESIDE}")
    text = written(tmp_path, "lines", verbose=True)
    assert "DB_PASSWORD" in text
    assert "rests on" not in text
    assert "prevents" not in text


def test_a_stored_report_says_the_same_without_the_files(folder: Path):
    with open_posture_scan([str(folder)], OPTIONS) as scan:
        report = decode(encode(sealed(scan.report, scan.places)))
        shown = io.StringIO()
        find_format("lines", PostureReport).write(scan.report, shown, Page(scan.places, verbose=True))
    (folder / "beside.yaml").unlink()
    stored = io.StringIO()
    find_format("lines", PostureReport).write(report, stored, Page(scan.places, verbose=True))
    assert stored.getvalue() == shown.getvalue()
