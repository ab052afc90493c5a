"""Rows for a person: one for each thing to do, in which every finding and every edit still is."""

from pathlib import Path

import pytest

import leadline
from leadline.outputs.rows.edit_rows import cause_rows, edit_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.finding_places import FindingPlaces
from leadline.outputs.rows.place import NoPlaces
from leadline.outputs.rows.titles import titles_of

EXAMPLES = Path(__file__).parents[2] / "examples"
POD = """apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop}
spec:
  volumes: [{name: logs, hostPath: {path: /var/log}}, {name: other, hostPath: {path: /srv}}]
  containers:
  - {name: a, image: x:1, volumeMounts: [{name: logs, mountPath: /l}, {name: other, mountPath: /o}]}
  - {name: b, image: IMAGE}
"""


def rows_of(folder: Path):
    report = leadline.scan(folder)
    places = FindingPlaces(report, NoPlaces())
    return report, cause_rows(report, places), edit_rows(report, places)


def said(folder: Path, problem: str) -> list[tuple[str, str]]:
    report, rows, _ = rows_of(folder)
    title = titles_of(report)
    return [(subject_text(row, report, title), row_fix(row)) for row in rows if row.problem == problem]


@pytest.mark.parametrize("folder", ["shop", "."])
def test_every_finding_and_every_edit_is_in_some_row(folder: str):
    report, rows, edits = rows_of(EXAMPLES / folder)
    pairs = {(control.id, id) for row in rows for control in row.controls for id in row.subjects}
    assert {finding.pair for finding in report.findings} <= pairs
    assert edits_in(rows) == len(edits)
    assert len(rows) < 0.65 * len(edits)
    worst = {row.severity for row in rows}
    assert worst == {row.severity for row in edits}
    for row in edits:
        if row.severity in ("critical", "high"):
            holders = [
                one
                for one in rows
                if set(row.subjects) <= set(one.subjects) and row.controls[0] in one.controls
            ]
            assert holders
            assert min(one.controls[0].score for one in holders) >= row.controls[0].score


def test_limits_are_one_row_for_each_container_and_a_volume_is_one_with_its_mounts(tmp_path):
    (tmp_path / "pod.yaml").write_text(POD.replace("NAME", "web").replace("IMAGE", "y:1"))
    limits = said(tmp_path, "Requests or limits missing")
    assert [fix.partition(":")[0] for _, fix in limits] == [
        "in spec.containers[0].resources",
        "in spec.containers[1].resources",
    ]
    assert all("limits.memory" in fix and "requests.cpu" in fix for _, fix in limits)
    volumes = said(tmp_path, "Writable folder of the node mounted")
    assert len(volumes) == 2
    assert "volumes[0]" in volumes[0][1]
    assert "containers[0].volumeMounts[0]" in volumes[0][1]
    assert "[1]" not in volumes[0][1]


def test_policies_are_asked_for_once_in_a_namespace(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(POD.replace("NAME", name).replace("IMAGE", "y:1"))
    ((who, _),) = said(tmp_path, "No network policy for the pods")
    assert who == "shop/Pod/a and 2 more"
    (tmp_path / "d.yaml").write_text(POD.replace("NAME", "d").replace("shop", "other"))
    assert len(said(tmp_path, "No network policy for the pods")) == 2


def test_copies_are_one_row_and_objects_that_differ_are_not(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(POD.replace("NAME", "web").replace("IMAGE", "y:1"))
    for who, _ in said(tmp_path, "Requests or limits missing"):
        assert who == "shop/Pod/web in 3 places"
    (tmp_path / "c" / "pod.yaml").write_text(POD.replace("NAME", "web").replace("IMAGE", "z:9"))
    assert [who for who, _ in said(tmp_path, "Requests or limits missing")] == [
        "shop/Pod/web in 2 places",
        "shop/Pod/web in 2 places",
        "shop/Pod/web",
        "shop/Pod/web",
    ]
