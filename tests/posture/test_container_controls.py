"""One bad container among good ones must be found, in whatever kind of workload and whichever list it stands."""

import copy
from typing import Any

import pytest
from control_fixtures import Fixture, fixtures_of, judged

from leadline.kube.field_path import parse_path, value_at
from leadline.model.control import BuiltControl
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.subject import Container, workloads_of

CONTROLS = [control for control in load_controls() if control.subject is Container]
LISTS = ("containers", "initContainers", "ephemeralContainers")
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Pod": ("v1", ("spec",)),
    "ReplicationController": ("v1", ("spec", "template", "spec")),
    "Deployment": ("apps/v1", ("spec", "template", "spec")),
    "ReplicaSet": ("apps/v1", ("spec", "template", "spec")),
    "DaemonSet": ("apps/v1", ("spec", "template", "spec")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec")),
    "Job": ("batch/v1", ("spec", "template", "spec")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec")),
    "Rollout": ("argoproj.io/v1alpha1", ("spec", "template", "spec")),
    "DeploymentConfig": ("apps.openshift.io/v1", ("spec", "template", "spec")),
    "Service": ("serving.knative.dev/v1", ("spec", "template", "spec")),
    "ScaledJob": ("keda.sh/v1alpha1", ("spec", "jobTargetRef", "template", "spec")),
    "SandboxTemplate": ("extensions.agents.x-k8s.io/v1beta1", ("spec", "podTemplate", "spec")),
}


def bad_container(control: BuiltControl) -> tuple[dict[str, Any], Fixture, dict[str, Any]]:
    """A container that fails, the fixture it is from, and the pod spec around it."""
    for fixture in fixtures_of(control):
        judgement = judged(control, fixture.documents, fixture)
        for finding in judgement.findings if fixture.fails else ():
            steps = parse_path(finding.path)
            names = [s for s in steps if s in LISTS]
            if finding.on == finding.resource and names:
                end = steps.index(names[0]) + 2
                body = judgement.by_id[finding.resource].body
                return value_at(body, steps[:end]), fixture, value_at(body, steps[: end - 2])
    raise AssertionError(f"{control.id} has no fixture whose finding lies in a container")


def around(kind: str, pod: dict[str, Any], namespace: str) -> dict[str, Any]:
    api_version, path = KINDS[kind]
    body: Any = pod
    for key in reversed(path[1:]):
        body = {key: body}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": namespace, "labels": {"app": "x"}},
        "spec": body,
    }


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_bad_container_is_found_in_every_kind_and_list(control):
    bad, fixture, its_pod = bad_container(control)
    others = [d for d in fixture.documents if not workloads_of(resource_of(d))]
    inherited = {k: v for k, v in its_pod.items() if k not in LISTS}
    namespace = (fixture.documents[0].get("metadata") or {}).get("namespace", "shop")
    found = 0
    for kind in KINDS:
        for name in LISTS:
            pod = {**copy.deepcopy(inherited), "containers": [copy.deepcopy(bad)]}
            if name != "containers":
                pod = {
                    **pod,
                    name: [copy.deepcopy(bad)],
                    "containers": [{"name": "good", "image": "registry.k8s.io/pause:3.9"}],
                }
            body = around(kind, pod, namespace)
            (workload,) = workloads_of(resource_of(body))
            container = next(c for c in workload.containers if c.list == name)
            if control.applies is not None and not control.applies(container):
                continue
            findings = judged(control, [body, *others], fixture).findings
            assert any(name in f.path for f in findings) or any(f.on == f.resource for f in findings), (
                kind,
                name,
            )
            found += 1
    assert found >= len(KINDS) - 2


def test_there_are_many_container_controls():
    assert len(CONTROLS) > 30
