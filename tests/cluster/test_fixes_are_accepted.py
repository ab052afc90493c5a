"""What the API server takes before the edits of a scan, it takes after them."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from dry_run import DryRun

from leadline.kube.field_path import with_value, without
from leadline.model.control import Review, Set, Violation, is_placeholder
from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.posture.catalogue import load_controls
from leadline.posture.edits import edits_of
from leadline.posture.engine import Judge
from leadline.posture.inventory import Facts
from leadline.posture.worlds import Worlds
from leadline.sources.cluster.connection import connect
from leadline.sources.cluster.discovery import discover_kinds
from leadline.sources.manifests.reader import read_manifests

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "posture" / "controls"
FEWEST_EDITED = 500
FACTS = Facts(is_whole=True)


@pytest.fixture(scope="module")
def server(api_server: ControlPlane) -> Iterator[DryRun]:
    cluster = connect(kubeconfig=api_server.admin(), environ={})
    served = discover_kinds(cluster)
    cluster.close()
    dry_run = DryRun(api_server, served)
    yield dry_run
    dry_run.close()


def edited(body: dict[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    """``body`` after those edits that need no one's knowledge."""
    result = deepcopy(body)
    for edit in edits_of(map(_known, findings), body):
        result = (
            with_value(result, edit.path, edit.value) if isinstance(edit, Set) else without(result, edit.path)
        )
    return result


def _known(finding: Finding) -> Violation:
    """The violation; one that only its owner could make an edit is for review."""
    violation = finding.violation
    is_open = isinstance(violation, Set) and is_placeholder(violation.value)
    return Review(finding.path) if is_open else violation


def completed(resource: Resource) -> dict[str, Any]:
    """The body with the fields that the server asks for and a short fixture leaves out."""
    body = deepcopy(resource.body)
    spec = body.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict) and resource.kind in (
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
    ):
        labels = template.setdefault("metadata", {}).setdefault("labels", {}) or {"app": resource.name}
        template["metadata"]["labels"] = labels
        spec.setdefault("selector", {"matchLabels": dict(labels)})
    if resource.kind == "Service" and isinstance(spec, dict) and spec.get("type") != "ExternalName":
        spec.setdefault("ports", [{"port": 80}])
    if resource.kind == "CronJob":
        job = body.setdefault("spec", {})
        job.setdefault("schedule", "@daily")
        pod = job.setdefault("jobTemplate", {}).setdefault("spec", {}).setdefault("template", {})
        pod.setdefault("spec", {}).setdefault("restartPolicy", "Never")
        pod["spec"].setdefault("containers", [{"name": "c", "image": "i:1"}])
    if resource.kind == "HorizontalPodAutoscaler" and isinstance(spec, dict):
        spec.setdefault("maxReplicas", 3)
    if resource.kind == "APIService" and isinstance(spec, dict):
        spec |= {"groupPriorityMinimum": 1000, "versionPriority": 10}
    return body


def by_control_and_all(findings: Sequence[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    for control in dict.fromkeys(finding.control for finding in findings):
        yield control, [finding for finding in findings if finding.control == control]
    yield "all together", list(findings)


@pytest.mark.nightly("fixes")
def test_what_the_server_takes_before_the_fixes_it_takes_after(server: DryRun) -> None:
    judge = Judge(load_controls(), None, FACTS)
    accepted = 0
    refused: list[str] = []
    for target in sorted(OWN.glob("*/*/*.yaml")):
        resources = [r for r in read_manifests([str(target)]).resources if r.name]
        bodies = {r.id: completed(r) for r in resources}
        server.prepare(bodies.values())
        judgement = judge.everything(Worlds(resources, FACTS))
        for resource in resources:
            findings = [f for f in judgement.findings if f.on == resource.id]
            body = bodies[resource.id]
            if not findings or server.stored(deepcopy(body)) is None:
                continue
            for control, some in by_control_and_all(findings):
                after = edited(body, some)
                if after != body:
                    accepted += 1
                    if server.stored(deepcopy(after)) is None:
                        refused.append(
                            f"{control}: {target.relative_to(OWN)} {resource.id}: {server.last_message}"
                        )
    assert refused == []
    assert accepted >= FEWEST_EDITED
