"""Objects in files that a chart or a kustomization takes in and does not render."""

import os
from pathlib import Path

import pytest

from leadline.model.unread import Unread
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.sources.manifests.deployers import not_rendered
from leadline.sources.manifests.reader import read_manifests
from leadline.sources.rendering.kustomize.build import find_program
from leadline.sources.rendering.plan.result import Rendered, RenderOptions
from leadline.sources.rendering.render import read_rendered

ENVIRONMENT = {"PATH": os.environ.get("PATH", "")}
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {hostPID: true}\n"
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
GOOD = {"c/Chart.yaml": CHART, "c/templates/good.yaml": POD % "good"}
BASE = {"k/pod.yaml": POD % "good"}

needs_kustomize = pytest.mark.skipif(
    not find_program(ENVIRONMENT), reason="neither kustomize nor kubectl is here"
)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def render(root: Path) -> Rendered:
    return read_rendered(root, RenderOptions(ENVIRONMENT))


def named(rows: tuple[Unread, ...], reason: str = "not rendered") -> list[str]:
    return [row.where for row in rows if row.reason == reason]


@pytest.mark.parametrize(
    ("files", "hidden"),
    [
        (
            {"c/.helmignore": "templates/evil.yaml\n", "c/templates/evil.yaml": POD % "e"},
            ["c/templates/evil.yaml"],
        ),
        ({"c/templates/_evil.yaml": POD % "e"}, ["c/templates/_evil.yaml"]),
        ({"c/values.yaml": POD % "e"}, ["c/values.yaml"]),
        ({"c/Chart.yaml": CHART + "---\n" + POD % "e"}, ["c/Chart.yaml"]),
        ({"c/templates/evil.yaml": '{{ "" }}'}, []),
        (
            {
                "c/Chart.yaml": CHART + "type: library\n",
                "c/charts/evil/Chart.yaml": CHART.replace("name: c", "name: evil"),
                "c/charts/evil/templates/a.yaml": POD % "e",
                "c/charts/evil/templates/b.yaml": "{{ if true }}\n" + POD % "e" + "{{ end }}\n",
            },
            ["c/charts/evil/templates/a.yaml", "c/charts/evil/templates/b.yaml", "c/templates/good.yaml"],
        ),
    ],
)
def test_what_a_chart_takes_in_and_does_not_render_is_named(
    tmp_path: Path, files: dict[str, str], hidden: list[str]
):
    pytest.importorskip("helm_python")
    assert named(render(write(tmp_path, GOOD | files)).unread) == hidden


def test_templates_and_values_that_are_not_used_are_told_apart(tmp_path: Path):
    pytest.importorskip("helm_python")
    files = GOOD | {
        "c/templates/off.yaml": "{{ if .Values.enabled }}\n" + POD % "off" + "{{ end }}\n",
        "c/values-prod.yaml": "enabled: true\n",
        "c/Chart.yaml": CHART + "dependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n",
        "c/values.yaml": "sub: {enabled: false}\n",
        "c/charts/sub/Chart.yaml": CHART.replace("name: c", "name: sub"),
        "c/charts/sub/templates/a.yaml": POD % "sub",
    }
    found = render(write(tmp_path, files))
    assert named(found.unread) == []
    assert sorted(named(found.left_out, "left out")) == [
        "c/charts/sub/templates/a.yaml",
        "c/templates/off.yaml",
        "c/values-prod.yaml",
    ]


@needs_kustomize
@pytest.mark.parametrize(
    ("files", "hidden"),
    [
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml]\npatches: [{path: p.yaml}]\n",
                "k/p.yaml": POD % "good",
            },
            [],
        ),
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml]\npatches: [{path: p.yaml, target: {kind: Job}}]\n",
                "k/p.yaml": POD % "evil",
            },
            ["k/p.yaml"],
        ),
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml]\npatches: [{path: p.yaml, target: {kind: Pod}}]\n",
                "k/p.yaml": POD % "any",
            },
            [],
        ),
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml]\nconfigMapGenerator: [{name: m, files: [e.yaml]}]\n",
                "k/e.yaml": POD % "evil",
            },
            ["k/e.yaml"],
        ),
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml, local.yaml]\n",
                "k/local.yaml": POD.replace(
                    "%s", "e, annotations: {config.kubernetes.io/local-config: 'true'}"
                ),
            },
            ["k/local.yaml"],
        ),
        (
            {
                "k/kustomization.yaml": "resources: [pod.yaml, two.yaml]\n",
                "k/two.yaml": POD % "a"
                + "---\n"
                + POD.replace("%s", "e, annotations: {config.kubernetes.io/local-config: 'true'}"),
            },
            ["k/two.yaml"],
        ),
    ],
)
def test_what_a_kustomization_takes_in_and_does_not_build_is_named(
    tmp_path: Path, files: dict[str, str], hidden: list[str]
):
    found = render(write(tmp_path, BASE | files))
    assert (named(found.unread), found.kustomizations) == (hidden, 1)


def test_a_lone_component_hides_nothing_that_lies_elsewhere(tmp_path: Path):
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: ../prod/x.yaml}, {path: own.yaml}]\n"
    files = {"c/kustomization.yaml": component, "c/own.yaml": POD % "own", "prod/x.yaml": POD % "x"}
    root = write(tmp_path, files)
    found = render(root)
    assert str(root / "prod/x.yaml") not in found.claimed
    assert named(found.unread) == ["c/own.yaml"]


@pytest.mark.parametrize(("spec", "hidden"), [("", []), ("spec: {containers: []}\n", ["c/gone.yaml"])])
def test_a_patch_that_takes_an_object_away_hides_nothing_unless_it_holds_more(
    tmp_path: Path, spec: str, hidden: list[str]
):
    component = (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: gone.yaml}]\n"
    )
    gone = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n{spec}$patch: delete\n"
    found = render(write(tmp_path, {"c/kustomization.yaml": component, "c/gone.yaml": gone}))
    assert named(found.unread) == hidden


@pytest.mark.parametrize(
    ("type_", "is_named"),
    [
        ("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease", True),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Application", True),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow", False),
        ("spec: {steps: [{image: a, script: x}]}\napiVersion: tekton.dev/v1\nkind: Task", True),
        ("apiVersion: v1\nkind: Pod", False),
        ("apiVersion: addons.cluster.x-k8s.io/v1beta1\nkind: ClusterResourceSet", True),
        ("apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy", True),
        ("apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet", True),
        ("spec: {rules: [{name: a, mutate: {}}]}\napiVersion: kyverno.io/v1\nkind: ClusterPolicy", True),
        ("spec: {rules: [{name: a, validate: {}}]}\napiVersion: kyverno.io/v1\nkind: ClusterPolicy", False),
    ],
)
def test_objects_that_stand_for_others_are_named(tmp_path: Path, type_: str, is_named: bool):
    (tmp_path / "x.yaml").write_text(f"{type_}\nmetadata: {{name: a, namespace: shop}}\n")
    found = list(not_rendered(read_manifests([str(tmp_path)]).resources))
    assert [row.where for row in found] == ([str(tmp_path / "x.yaml")] if is_named else [])


GRANT = """{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all}, roleRef: {apiGroup:
  rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: a, namespace: b}]}"""
HOLDERS = {
    "spec.forProvider.manifest": "kubernetes.crossplane.io/v1alpha2\nkind: Object\nspec: {forProvider: {manifest: %s}}",
    "spec.workload.manifests[1]": "work.open-cluster-management.io/v1\nkind: ManifestWork\nspec: {workload: {manifests: [{}, %s]}}",
    "spec.resources[0]": "fluxcd.controlplane.io/v1\nkind: ResourceSet\nspec: {resources: [%s]}",
    "objects[0]": "template.openshift.io/v1\nkind: Template\nobjects: [%s]",
    "spec.object-templates[0].objectDefinition": "policy.open-cluster-management.io/v1\nkind: ConfigurationPolicy\n"
    "spec: {object-templates: [{complianceType: musthave, objectDefinition: %s}]}",
}


@pytest.mark.parametrize("inside", HOLDERS)
def test_an_object_that_another_one_holds_to_have_it_created_is_judged(tmp_path: Path, inside: str):
    text = f"metadata: {{name: outer}}\napiVersion: {HOLDERS[inside] % GRANT}\n"
    (tmp_path / "x.yaml").write_text(text)
    report = posture_scan(str(tmp_path), PostureOptions(controls=("C-0035",)))
    assert {finding.control for finding in report.findings} == {"C-0035"}
    inner = read_manifests([str(tmp_path)]).resources[1]
    assert (inner.title, inner.origin.inside) == ("ClusterRoleBinding/all", f"{inside}.")


def test_what_runs_pods_within_another_object_is_judged_once(tmp_path: Path):
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostPID: true, containers: [{name: a, image: a}]}}"
    holder = HOLDERS["spec.forProvider.manifest"] % pod
    (tmp_path / "x.yaml").write_text(f"metadata: {{name: outer}}\napiVersion: {holder}\n")
    report = posture_scan(str(tmp_path), PostureOptions(controls=("C-0038",)))
    assert [finding.path for finding in report.findings] == ["spec.forProvider.manifest.spec.hostPID"]


def test_a_template_that_pods_are_made_from_is_judged_in_a_file(tmp_path: Path):
    template = "{spec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}}"
    (tmp_path / "x.yaml").write_text(
        "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: a}\nrevision: 1\n"
        f"data: {{spec: {{template: {template}}}}}\n"
    )
    report = posture_scan(str(tmp_path), PostureOptions(controls=("C-0057",)))
    assert [finding.path for finding in report.findings] == [
        "data.spec.template.spec.containers[0].securityContext.privileged"
    ]
