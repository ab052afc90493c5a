"""Rows for a person: one for each thing to do, in which every finding and every edit still is."""

import time
from pathlib import Path

import pytest

import leadline
from leadline.outputs.rows.edit_rows import cause_rows, edit_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, titles_of

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
    assert [fix for _, fix in said(tmp_path, "Folder of the node mounted (hostPath)")] == [
        f"remove spec.volumes[{number}]; remove spec.containers[0].volumeMounts[{number}]"
        for number in (0, 1)
    ]
    # The smaller edit stays a choice of its own.
    assert [fix for _, fix in said(tmp_path, "Writable folder of the node mounted")] == [
        f"set spec.containers[0].volumeMounts[{number}].readOnly to true" for number in (0, 1)
    ]


def test_policies_are_asked_for_once_in_a_namespace(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(POD.replace("NAME", name).replace("IMAGE", "y:1"))
    assert said(tmp_path, "No network policy for the pods") == [
        (
            "shop/Pod/a and 2 more",
            "add a NetworkPolicy that selects these pods and limits their ingress and egress",
        )
    ]
    shown = leadline.render(leadline.scan(tmp_path), "pretty", verbose=True)
    assert "also shop/Pod/b, shop/Pod/c\n" in shown
    (tmp_path / "d.yaml").write_text(POD.replace("NAME", "d").replace("shop", "other"))
    assert len(said(tmp_path, "No network policy for the pods")) == 2


def test_copies_are_one_row_and_objects_that_differ_are_not(tmp_path):
    for name, image in (("a", "y:1"), ("b", "y:2"), ("c", "registry.example/team/y:1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(POD.replace("NAME", "web").replace("IMAGE", image))
    for who, _ in said(tmp_path, "Requests or limits missing"):
        assert who == "shop/Pod/web in 3 places"
    (tmp_path / "c" / "pod.yaml").write_text(POD.replace("NAME", "web").replace("IMAGE", "z:9"))
    assert [who for who, _ in said(tmp_path, "Requests or limits missing")] == [
        "shop/Pod/web in 2 places",
        "shop/Pod/web in 2 places",
        "shop/Pod/web",
        "shop/Pod/web",
    ]


def test_objects_without_a_namespace_are_installed_with_their_folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(
            POD.replace("NAME", name).replace("IMAGE", "y:1").replace(", namespace: shop", "")
        )
    assert [who for who, _ in said(tmp_path, "No network policy for the pods")] == ["Pod/a", "Pod/b"]


def test_many_objects_of_one_name_cost_no_square(tmp_path):
    text = POD.replace("NAME", "web")
    (tmp_path / "many.yaml").write_text("---\n".join(text.replace("IMAGE", f"y{n}:1") for n in range(500)))
    report = leadline.scan(tmp_path)
    began = time.process_time()
    rows = cause_rows(report, FindingPlaces(report, NoPlaces()))
    assert len(rows) > 500
    assert time.process_time() - began < 10


ROLE = """apiVersion: v1
kind: ServiceAccount
metadata: {name: ci, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ci}
rules:
- {apiGroups: [""], resources: [secrets, pods], verbs: [get, list, delete]}
- {apiGroups: [apps], resources: [deployments], verbs: [create, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ci}
subjects: [{kind: ServiceAccount, name: ci, namespace: shop}]
"""


def test_a_rule_of_a_role_is_one_row_and_so_is_its_binding(tmp_path):
    (tmp_path / "role.yaml").write_text(ROLE)
    _, rows, edits = rows_of(tmp_path)
    of_role = [row for row in rows if row.finding.path.startswith("rules")]
    assert sorted(row.finding.path.partition(".")[0] for row in of_role) == ["rules[0]", "rules[1]"]
    assert len([row for row in rows if row.finding.path.startswith(("subjects", "roleRef"))]) == 1
    assert len([row for row in edits if row.finding.path.startswith("rules")]) > 6


def test_what_a_workload_mounts_is_one_row(tmp_path):
    names = [f"c{number}" for number in range(5)]
    volumes = ", ".join(f"{{name: {name}, configMap: {{name: {name}}}}}" for name in names)
    mounts = ", ".join(f"{{name: {name}, mountPath: /{name}}}" for name in names)
    maps = "".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n"
        for name in names
    )
    (tmp_path / "pod.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n  volumes: [{volumes}]\n"
        f"  containers: [{{name: a, image: x, volumeMounts: [{mounts}]}}]\n{maps}"
    )
    _, rows, edits = rows_of(tmp_path)
    asking = [row for row in rows if row.controls[0].id == "C-0258"]
    assert [row.edits for row in asking] == [10]
    assert len([row for row in edits if row.controls[0].id == "C-0258"]) == 10


EVERYTHING = """apiVersion: rbac.authorization.k8s.io/v1
kind: KIND
metadata: {name: all, namespace: shop}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: KINDBinding
metadata: {name: all, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: KIND, name: all}
subjects: [{kind: ServiceAccount, name: ops, namespace: shop}]
"""


@pytest.mark.parametrize(("kind", "severity"), [("ClusterRole", "critical"), ("Role", "high")])
def test_a_role_with_every_right_is_one_row_with_its_binding_at_the_severity_of_its_scope(
    tmp_path, kind, severity
):
    (tmp_path / "role.yaml").write_text(EVERYTHING.replace("KIND", kind))
    _, rows, _ = rows_of(tmp_path)
    grave = [(row.severity, row.problem) for row in rows if row.severity in ("critical", "high")]
    assert grave == [(severity, "Role with every right")]
