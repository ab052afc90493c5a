"""Where each kind keeps its pod, and which pod specs have no shape that Kubernetes takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.workload import MAX_CONTAINERS, containers_elsewhere, descend, malformed_fields, pod_paths

POD = {"containers": [{"name": "web", "image": "nginx:1"}]}
TEMPLATE = {"spec": POD}


@pytest.mark.parametrize(
    ("version", "kind", "keys"),
    [
        ("v1", "Pod", ()),
        ("v1", "PodTemplate", ("template",)),
        ("v1", "ReplicationController", ("spec", "template")),
        ("apps/v1", "Deployment", ("spec", "template")),
        ("extensions/v1beta1", "Deployment", ("spec", "template")),
        ("apps/v1", "StatefulSet", ("spec", "template")),
        ("apps/v1", "ControllerRevision", ("data", "spec", "template")),
        ("batch/v1", "Job", ("spec", "template")),
        ("batch/v1", "CronJob", ("spec", "jobTemplate", "spec", "template")),
    ],
)
def test_built_in_kinds_keep_their_pod_in_one_place(version, kind, keys):
    assert pod_paths(version, kind, {}) == (keys,)


@pytest.mark.parametrize("kind", ["Service", "ConfigMap", "Namespace", "Widget"])
def test_other_kinds_of_kubernetes_run_no_pods_whatever_they_hold(kind):
    assert pod_paths("v1", kind, {"spec": {"template": TEMPLATE}}) == ()
    assert pod_paths("policy/v1", kind, {"spec": {"template": TEMPLATE}}) == ()
    assert pod_paths("node.k8s.io/v1", kind, {"spec": {"template": TEMPLATE}}) == ()


@pytest.mark.parametrize(
    ("version", "kind", "body", "places"),
    [
        ("argoproj.io/v1", "Rollout", {"spec": {"template": TEMPLATE}}, (("spec", "template"),)),
        ("serving.knative.dev/v1", "Service", {"spec": {"template": TEMPLATE}}, (("spec", "template"),)),
        (
            "batch.volcano.sh/v1",
            "Job",
            {"spec": {"tasks": [{"template": TEMPLATE}, {"template": TEMPLATE}]}},
            (("spec", "tasks", 0, "template"), ("spec", "tasks", 1, "template")),
        ),
        (
            "ray.io/v1",
            "RayCluster",
            {"spec": {"headGroupSpec": {"template": TEMPLATE}, "workerGroupSpecs": [{"template": TEMPLATE}]}},
            (("spec", "headGroupSpec", "template"), ("spec", "workerGroupSpecs", 0, "template")),
        ),
        (
            "extensions.agents.x-k8s.io/v1",
            "SandboxTemplate",
            {"spec": {"podTemplate": TEMPLATE}},
            (("spec", "podTemplate"),),
        ),
        (
            "other.io/v1",
            "Nightly",
            {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}},
            (("spec", "jobTemplate", "spec", "template"),),
        ),
        ("other.io/v1", "Widget", {"a": {"spec": {"containers": [{"name": "web"}]}}}, (("a",),)),
        ("other.io/v1", "Widget", {"a": {"spec": {"containers": [{"port": 80}]}}}, ()),
        ("other.io/v1", "Widget", {"spec": {"containers": 3}}, ()),
        ("other.io/v1", "Widget", {"spec": {"template": {"spec": {"containers": ["web"]}}}}, ()),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {"spec": {"template": TEMPLATE}}, ()),
    ],
)
def test_custom_kinds_are_known_by_their_shape(version, kind, body, places):
    assert pod_paths(version, kind, body) == places
    for keys in places:
        assert descend(body, keys)["spec"]["containers"]


@pytest.mark.parametrize("keys", [("a", 1), ("a", "b"), ("b",), ("a", 0, "c"), (0,)])
def test_nothing_is_found_where_a_step_is_absent(keys):
    assert descend({"a": [{"c": "text"}]}, keys) == {}


def test_nothing_within_a_pod_is_taken_for_another_one():
    outer = {"spec": {**POD, "sidecar": {"spec": POD}}}
    assert pod_paths("other.io/v1", "Widget", {"a": {"b": outer}}) == (("a", "b"),)


def test_the_search_goes_to_the_end():
    deep: dict[str, Any] = TEMPLATE
    listed: dict[str, Any] = TEMPLATE
    for _ in range(30):
        deep, listed = {"a": deep}, {"a": [listed]}
    assert [len(keys) for keys in pod_paths("other.io/v1", "Widget", deep)] == [30]
    assert [len(keys) for keys in pod_paths("other.io/v1", "Widget", listed)] == [60]
    wide = {
        "a": [{"b": {}} for _ in range(100_000)],
        "metadata": {"managedFields": [{}] * 5_000},
        "z": TEMPLATE,
    }
    assert pod_paths("other.io/v1", "Widget", wide) == (("z",),)


@pytest.mark.parametrize(
    ("version", "kind", "spec", "places"),
    [
        (
            "sparkoperator.k8s.io/v1",
            "SparkApplication",
            {"driver": {"template": TEMPLATE}},
            (("spec", "driver", "template"),),
        ),
        (
            "ray.io/v1",
            "RayCluster",
            {"template": TEMPLATE, "other": {"template": TEMPLATE}},
            (("spec", "template"), ("spec", "other", "template")),
        ),
        ("apps.kruise.io/v1", "SidecarSet", {"containers": [{"name": "a", "image": "b"}]}, ((),)),
    ],
)
def test_no_template_hides_another_one(version, kind, spec, places):
    assert pod_paths(version, kind, {"metadata": {}, "spec": spec}) == places


@pytest.mark.parametrize(
    ("version", "kind", "spec", "place"),
    [
        (
            "argoproj.io/v1",
            "Workflow",
            {"templates": [{"container": {"image": "a", "command": ["x"]}}]},
            ("spec", "templates", 0, "container"),
        ),
        ("tekton.dev/v1", "Task", {"steps": [{"image": "a", "script": "x"}]}, ("spec", "steps", 0)),
        ("argoproj.io/v1", "Rollout", {"template": TEMPLATE}, None),
        ("acme.example/v1", "Logo", {"image": "cat.png", "title": "x"}, None),
        ("v1", "ConfigMap", {"x": {"image": "a", "command": []}}, None),
    ],
)
def test_what_runs_outside_of_known_pods_is_found(version, kind, spec, place):
    assert containers_elsewhere(version, kind, {"spec": spec}) == place


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        (POD, []),
        ({}, []),
        ({"containers": None, "volumes": None}, []),
        (None, [("", "a mapping")]),
        ([], [("", "a mapping")]),
        ({"containers": {}}, [("containers", "a list")]),
        ({"initContainers": "x"}, [("initContainers", "a list")]),
        ({"ephemeralContainers": ["x"]}, [("ephemeralContainers[0]", "a mapping")]),
        ({"containers": [{"image": 7}]}, [("containers[0].image", "text")]),
        ({"containers": [{"env": {"A": "b"}}]}, [("containers[0].env", "a list")]),
        ({"containers": [{"env": ["A=b"]}]}, [("containers[0].env[0]", "a mapping")]),
        ({"containers": [{"args": "-v"}]}, [("containers[0].args", "a list")]),
        ({"containers": [{"args": ["-v"]}]}, []),
        ({"containers": [{"securityContext": []}]}, [("containers[0].securityContext", "a mapping")]),
        (
            {"containers": [{"securityContext": {"capabilities": ["ALL"]}}]},
            [("containers[0].securityContext.capabilities", "a mapping")],
        ),
        ({"securityContext": "strict"}, [("securityContext", "a mapping")]),
        ({"securityContext": {"seccompProfile": "x"}}, [("securityContext.seccompProfile", "a mapping")]),
        ({"volumes": [None]}, [("volumes[0]", "a mapping")]),
        ({"serviceAccountName": 5}, [("serviceAccountName", "text")]),
        ({"hostPID": {"a": "b"}}, [("hostPID", "true or false")]),
        ({"securityContext": {"runAsNonRoot": 1}}, [("securityContext.runAsNonRoot", "true or false")]),
        (
            {"containers": [{"securityContext": {"privileged": {"name": "c"}}}]},
            [("containers[0].securityContext.privileged", "true or false")],
        ),
    ],
)
def test_every_field_of_the_wrong_type_is_named(spec, faults):
    assert malformed_fields(spec) == faults


def test_no_more_faults_than_containers_are_looked_at():
    assert len(malformed_fields({"containers": [0] * (MAX_CONTAINERS + 5)})) == MAX_CONTAINERS


FIELDS = st.sampled_from(
    ["spec", "template", "containers", "image", "name", "env", "securityContext", "volumes", "jobTemplate"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=15,
)


@given(st.sampled_from(["v1", "apps/v1", "other.io/v1", "", "/", "a/b/c"]), st.text(max_size=8), JSON)
def test_no_body_raises_and_every_place_is_a_mapping(version, kind, body):
    body = body if isinstance(body, dict) else {}
    for keys in pod_paths(version, kind, body):
        assert isinstance(descend(body, keys), dict)


@given(JSON)
def test_no_pod_spec_raises(spec):
    assert all(isinstance(path, str) and wanted for path, wanted in malformed_fields(spec))
