"""Objects that are written as text in another object are judged where the text can be read, and named where not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.report import PostureReport
from leadline.model.resource import Origin, resource_of
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.sources.manifests.applied_texts import applied_texts, written_objects

POD = """apiVersion: v1
kind: Pod
metadata: {name: inner}
spec:
  containers: [{name: a, image: b, securityContext: {privileged: true}}]
"""
WORKFLOW = """apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: outer}
spec:
  templates:
  - name: make
    resource:
      action: ACTION
      manifest: |
TEXT
"""
MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: addons, namespace: fleet}
data:
  a.yaml: |
TEXT
"""
SET = """apiVersion: addons.cluster.x-k8s.io/v1beta1
kind: ClusterResourceSet
metadata: {name: set, namespace: fleet}
spec:
  resources: [{kind: KIND, name: addons}]
"""
PROFILE = """apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: profile}
spec:
  policyRefs: [{kind: ConfigMap, name: addons, namespace: fleet}]
"""


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def workflow(text: str, action: str = "create") -> str:
    return WORKFLOW.replace("TEXT\n", indented(text, 8)).replace("ACTION", action)


def config_map(text: str) -> str:
    return MAP.replace("TEXT\n", indented(text, 4))


def scanned(folder: Path, *texts: str) -> PostureReport:
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text)
    return posture_scan(folder, PostureOptions(controls=("C-0057",)))


def failing(report: PostureReport) -> list[str]:
    return [report.resource(one.resource).name for one in report.findings]


def test_the_manifest_of_a_workflow_is_judged(tmp_path: Path):
    report = scanned(tmp_path, workflow(POD))
    assert failing(report) == ["inner"]
    assert report.findings[0].place is not None
    assert report.unread == ()


def test_several_objects_of_one_text_and_lists_are_judged(tmp_path: Path):
    second = POD.replace("inner", "second")
    listed = (
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "third"},'
        ' "spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}]}}]}'
    )
    assert failing(scanned(tmp_path, workflow(f"{POD}---\n{second}---\n{listed}"))) == [
        "inner",
        "second",
        "third",
    ]


@pytest.mark.parametrize("text", ["{{inputs.parameters.pod}}", "a: [", "just text"])
def test_a_text_that_cannot_be_read_is_named(tmp_path: Path, text: str):
    (unread,) = scanned(tmp_path, workflow(text)).unread
    assert "spec.templates[0].resource.manifest is created and cannot be read" in unread.why


def test_what_a_workflow_deletes_is_not_created(tmp_path: Path):
    assert failing(scanned(tmp_path, workflow(POD, "delete"))) == []


@pytest.mark.parametrize("by", [SET.replace("KIND", "ConfigMap"), PROFILE])
def test_a_config_map_that_is_applied_is_judged_and_nothing_is_left_to_name(tmp_path: Path, by: str):
    report = scanned(tmp_path, config_map(POD), by)
    assert failing(report) == ["inner"]
    assert report.unread == ()


def test_one_that_nothing_applies_is_text(tmp_path: Path):
    assert failing(scanned(tmp_path, config_map(POD))) == []


@pytest.mark.parametrize(
    "texts",
    [
        (SET.replace("KIND", "ConfigMap"),),
        (SET.replace("KIND", "Secret"), config_map(POD)),
        (SET.replace("KIND", "ConfigMap"), config_map("a: [")),
        (SET.replace("resources:", "others:"), config_map(POD)),
    ],
)
def test_what_is_missing_or_cannot_be_read_is_named(tmp_path: Path, texts: tuple[str, ...]):
    assert scanned(tmp_path, *texts).unread


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(("create", "Pod", "v1", POD, "a: [", "{{x}}")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("resource", "manifest", "action", "templates", "kind", "apiVersion")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_any_workflow_is_read_and_gives_objects_alone(spec):
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "x"}, "spec": spec}
    for keys, bodies, _why in written_objects(body):
        assert keys[-1] == "manifest"
        assert all(isinstance(one["kind"], str) and isinstance(one["apiVersion"], str) for one in bodies)


@given(VALUES)
def test_any_set_of_resources_is_read(spec):
    rows = {"resources": spec, "policyRefs": spec}
    api, kind = "addons.cluster.x-k8s.io/v1beta1", "ClusterResourceSet"
    outer = resource_of({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": rows}, Origin())
    held = resource_of(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "v1"}, "data": spec}, Origin()
    )
    applied_texts([outer, held])
