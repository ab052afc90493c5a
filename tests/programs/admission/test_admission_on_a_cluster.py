"""The webhook beside a real API server: what kubectl prints, what is there afterwards, and what a broken one blocks."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from extension import ROOT, Extension
from reviews import PRIVILEGED, Body, container, deployment, judge, pod, review, with_metadata
from webhook_process import WebhookProcess

from leadline.api.carriers.remote import RemoteStore
from leadline.model.container import Container
from leadline.model.profile import OpenedFile, Peer, Profile
from leadline.outputs.redaction.shapes import HIDDEN
from leadline.programs.admission.rules import rules_of
from leadline.scans.stored.behaviour import store_profile
from leadline.sources.cluster.connection import async_client

pytestmark = pytest.mark.cluster
PLACE = "judged"
NAME = "leadline-admission-test"
DENIED = 'admission webhook "admission.leadline.dev" denied the request: C-0057 critical Privileged container: remove '


ACCEPTED_BY_FILE: Body = {
    "apiVersion": "kubescape.io/v1beta1",
    "kind": "ClusterSecurityException",
    "metadata": {"name": "in-a-file"},
    "spec": {
        "reason": "looks after the node",
        "match": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PLACE}},
            "resources": [{"kind": "Pod", "name": "accepted-by-file"}],
        },
        "posture": [{"controlID": "C-0057", "action": "ignore"}],
    },
}


RECORDED = Profile(
    Container("c1", "main", namespace=PLACE, workload_kind="Deployment", workload="recorded", revision="5d4f"),
    "complete", (), opened=(OpenedFile("/var/cache/page", ("O_WRONLY",)),),
    peers=(Peer("connects", "198.51.100.7", 443, "TCP"),), since_s=1.0, until_s=2.0,
)  # fmt: skip


async def store_record(cluster: Extension) -> None:
    """As the agent of a node does."""
    store = RemoteStore(async_client("", cluster.admin(), environ=os.environ))
    try:
        await store_profile(store, RECORDED, 60.0, 100.0)
    finally:
        await store.close()


class Judged:
    """The namespace that is judged, and the webhook."""

    def __init__(self, cluster: Extension, webhook: WebhookProcess) -> None:
        self.cluster = cluster
        self.webhook = webhook

    def kubectl(self, *arguments: str, content: Body | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", f"--kubeconfig={self.cluster.admin()}", "-n", PLACE, *arguments],
            input=None if content is None else json.dumps(content),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def apply(self, body: Body, *flags: str) -> subprocess.CompletedProcess[str]:
        return self.kubectl("apply", "-f", "-", *flags, content=placed(body))

    def names(self, kind: str) -> list[str]:
        return self.kubectl("get", kind, "-o", "name").stdout.split()

    def configuration(self) -> dict[str, Any]:
        shown = self.cluster.kubectl("get", "validatingwebhookconfiguration", NAME, "-o", "json")
        found: dict[str, Any] = json.loads(shown)
        return found

    def is_trusted(self) -> bool:
        return self.webhook.number("leadline_admission_trusted") == 1


def placed(body: Body, name: str = "") -> Body:
    return with_metadata(body, namespace=PLACE, **({"name": name} if name else {}))


def configuration(port: int) -> Body:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": "admission.leadline.dev",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Ignore",
                "matchPolicy": "Equivalent",
                "sideEffects": "None",
                "timeoutSeconds": 5,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PLACE}},
                "clientConfig": {"url": f"https://localhost:{port}/validate"},
                "rules": rules_of(judge().asked),
            },
            {
                "name": "sessions.admission.leadline.dev",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Ignore",
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": 2,
                "clientConfig": {"url": f"https://localhost:{port}/sessions"},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CONNECT"],
                        "resources": ["pods/exec", "pods/attach", "pods/portforward"],
                    }
                ],
            },
        ],
    }


@pytest.fixture(scope="module")
def judged(extension: Extension, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    for path in (ROOT / "deploy" / "crds").glob("*.yaml"):
        extension.kubectl("apply", "-f", str(path))
        extension.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(path))
    extension.kubectl("create", "namespace", PLACE)
    asyncio.run(store_record(extension))
    # What was bad before anyone judged.
    extension.kubectl(
        "apply", "-f", "-", content=yaml.safe_dump(placed(deployment(container(**PRIVILEGED)), "old"))
    )
    arguments = (
        *(
            f"--kubeconfig={extension.admin()}",
            f"--webhook={NAME}",
            "--enforce",
            "--warn-severity=high",
            "--sessions",
            "--rehearse",
        ),
        # In whose name the controllers of this cluster work.
        "--trusted-controllers=admin",
    )
    folder: Path = tmp_path_factory.mktemp("admission")
    accepted = folder / "accepted.yaml"
    accepted.write_text(yaml.safe_dump(ACCEPTED_BY_FILE))
    with WebhookProcess(folder, *arguments, f"--waivers={accepted}", own_host="localhost") as webhook:
        found = Judged(extension, webhook)
        extension.apply(configuration(webhook.port))
        try:
            webhook.until(found.is_trusted)
            # The API server takes up its configurations after a moment.
            webhook.until(lambda: not found.apply(pod(container(**PRIVILEGED)), "--dry-run=server").stdout)
            yield found
        finally:
            extension.kubectl("delete", "validatingwebhookconfiguration", NAME)
            extension.kubectl("delete", "namespace", PLACE, "--timeout=60s")


def test_kubectl_prints_the_warning_and_the_object_is_there(judged: Judged):
    ran = judged.apply(placed(deployment(hostPID=True), "warned"))
    assert "deployment.apps/warned created" in ran.stdout
    assert ": leadline: C-0038" in ran.stderr
    assert "remove spec.template.spec.hostPID" in ran.stderr


def test_what_would_block_what_was_recorded_is_warned_of_and_written(judged: Judged):
    body = placed(
        deployment(container(name="main", securityContext={"readOnlyRootFilesystem": True})), "recorded"
    )
    ran = judged.apply(body)
    assert "deployment.apps/recorded created" in ran.stdout
    said = f"would block what was recorded: {PLACE}/Deployment/recorded"
    assert f"Warning: Deployment/recorded: leadline: {said}" in ran.stderr
    assert "writes /var/cache/page: the root is read-only" in ran.stderr
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    ran = judged.apply(policy)
    assert "networkpolicy.networking.k8s.io/closed created" in ran.stdout
    assert "connects to 198.51.100.7:443/TCP" in ran.stderr
    assert judged.kubectl("delete", "networkpolicy/closed", "deployment/recorded").returncode == 0


def test_what_is_denied_is_said_in_our_line_and_is_not_there(judged: Judged):
    ran = judged.apply(placed(pod(container(**PRIVILEGED)), "denied"))
    assert ran.returncode == 1
    assert f"{DENIED}spec.containers[0].securityContext.privileged" in ran.stderr
    assert "pod/denied" not in judged.names("pods")


def test_a_file_accepts_in_the_namespaces_that_it_selects_by_labels(judged: Judged):
    ran = judged.apply(placed(pod(container(**PRIVILEGED)), "accepted-by-file"), "--dry-run=server")
    assert DENIED not in ran.stderr


def test_a_dry_run_says_the_same(judged: Judged):
    ran = judged.apply(placed(pod(container(**PRIVILEGED)), "tried"), "--dry-run=server")
    assert DENIED in ran.stderr


def test_what_was_bad_before_can_be_scaled_labelled_and_deleted_and_not_made_worse(judged: Judged):
    assert judged.kubectl("scale", "deployment", "old", "--replicas=0").returncode == 0
    assert judged.kubectl("label", "deployment", "old", "a=b").returncode == 0
    assert judged.apply(placed(deployment(container(**PRIVILEGED), replicas=0), "old")).returncode == 0
    worse = judged.apply(placed(deployment(container(**PRIVILEGED), container("more", **PRIVILEGED)), "old"))
    assert f"{DENIED}spec.template.spec.containers[1].securityContext.privileged" in worse.stderr
    assert judged.kubectl("delete", "deployment", "old").returncode == 0


def test_an_ephemeral_container_is_judged(judged: Judged):
    assert judged.apply(placed(pod(), "debugged")).returncode == 0
    patch = {"spec": {"ephemeralContainers": [{"name": "d", "image": "busybox:1", **PRIVILEGED}]}}
    ran = judged.kubectl(
        "patch", "pod", "debugged", "--subresource=ephemeralcontainers", "-p", json.dumps(patch)
    )
    assert f"{DENIED}spec.ephemeralContainers[0].securityContext.privileged" in ran.stderr
    patch["spec"]["ephemeralContainers"][0].pop("securityContext")
    ran = judged.kubectl(
        "patch", "pod", "debugged", "--subresource=ephemeralcontainers", "-p", json.dumps(patch)
    )
    assert ran.returncode == 0, ran.stderr


def test_a_status_that_someone_fills_lifts_no_denial(judged: Judged, tmp_path: Path):
    assert judged.apply(placed(deployment(container()), "filled")).returncode == 0
    conditions = [{"type": f"t{number}", "status": "True", "message": "x" * 40} for number in range(4_900)]
    status = tmp_path / "status.json"
    status.write_text(json.dumps({"status": {"conditions": conditions}}))
    filled = judged.kubectl(
        "patch", "deployment", "filled", "--subresource=status", "--type=merge", f"--patch-file={status}"
    )
    assert filled.returncode == 0, filled.stderr
    assert len(judged.kubectl("get", "deployment", "filled", "-o", "json").stdout) > 340_000
    bad = [
        {
            "op": "add",
            "path": "/spec/template/spec/containers/0/securityContext",
            "value": {"privileged": True},
        }
    ]
    said = judged.kubectl("patch", "deployment", "filled", "--type=json", "-p", json.dumps(bad))
    assert (said.returncode, DENIED in said.stderr) == (1, True), said
    judged.kubectl("delete", "deployment", "filled")


def test_a_revision_that_pods_are_made_from_is_judged(judged: Judged):
    template = deployment(container(**PRIVILEGED))["spec"]["template"]
    revision = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "db-1"},
        "revision": 1,
        "data": {"spec": {"template": template}},
    }
    tenant = ("--as=tenant", "--as-group=system:masters")
    said = judged.kubectl("create", "-f", "-", *tenant, content=placed(revision))
    assert (said.returncode, "C-0057 critical Privileged container" in said.stderr) == (1, True), said
    assert "controllerrevision.apps/db-1" not in judged.names("controllerrevisions")


def test_pods_of_a_deployment_are_judged_at_the_deployment(judged: Judged):
    line = 'leadline_admission_not_judged_total{reason="judged at its owner"}'
    before = judged.webhook.number(line)
    judged.apply(placed(deployment(hostPID=True), "owner"))
    judged.webhook.until(lambda: any("pod/owner-" in name for name in judged.names("pods")))
    assert judged.webhook.number(line) >= before + 2


def test_what_the_cluster_accepts_lifts_a_denial_within_a_moment_until_it_is_taken_back(judged: Judged):
    exception = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": "known", "namespace": PLACE},
        "spec": {
            "reason": "reads the devices of its node",
            "match": {"resources": [{"kind": "Pod", "name": "accepted"}]},
            "posture": [{"controlID": "C-0057", "action": "ignore"}],
        },
    }
    bad = placed(pod(container(**PRIVILEGED)), "accepted")
    assert judged.apply(bad).returncode == 1
    assert judged.apply(exception).returncode == 0
    judged.webhook.until(lambda: judged.apply(bad, "--dry-run=server").returncode == 0)
    ran = judged.apply(bad)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert judged.apply(placed(pod(container(**PRIVILEGED)), "other")).returncode == 1
    judged.kubectl("delete", "securityexception", "known")
    judged.kubectl("delete", "pod", "accepted", "--grace-period=0", "--force")
    judged.webhook.until(lambda: judged.apply(bad, "--dry-run=server").returncode == 1)


def test_who_is_denied_learns_that_what_the_cluster_accepts_may_not_be_read(judged: Judged, tmp_path: Path):
    arguments = (f"--kubeconfig={judged.cluster.user('no-rights')}", "--enforce")
    with WebhookProcess(tmp_path, *arguments) as other:
        assert other.number("leadline_admission_waivers_read") == 0
        answer = json.loads(other.send(review(pod(container(**PRIVILEGED))))[1])["response"]
        assert "what the cluster accepts is not known" in answer["status"]["message"].splitlines()[-1]
        assert "what the cluster accepts is not known" in other.log


def test_a_ca_that_others_take_away_is_put_back(judged: Judged):
    change = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
    judged.cluster.kubectl(
        "patch", "validatingwebhookconfiguration", NAME, "--type=json", "-p", json.dumps(change)
    )
    judged.webhook.until(lambda: "caBundle" in judged.configuration()["webhooks"][0]["clientConfig"])


@pytest.mark.nightly("attacks")
def test_who_enters_a_pod_is_an_alert_and_is_not_held_up(judged: Judged):
    """There is no kubelet here: what comes after admission says so, so that it was not denied."""
    assert judged.apply(placed(pod(), "entered")).returncode == 0
    for words in (("exec", "entered", "--", "env", "--password=hunter2"), ("exec", "entered", "--", "ls")):
        ran = judged.kubectl(*words)
        assert (ran.returncode, "leadline" in ran.stderr, "denied" in ran.stderr) == (1, False, False)
    accept = {"leadline.dev/accept": "R2001", "leadline.dev/accept-reason": "we debug it"}
    judged.kubectl("annotate", "pod", "entered", *(f"{key}={value}" for key, value in accept.items()))
    # Without a running pod kubectl does not ask by itself.
    path = f"/api/v1/namespaces/{PLACE}/pods/entered/portforward?ports=80"
    judged.kubectl("create", "--raw", path, "-f", "-", content={})
    found: dict[str, Body] = {}

    def are_stored() -> bool:
        shown = judged.kubectl("get", "runtimealerts.leadline.dev", "-o", "json").stdout
        found.update(
            {one["spec"]["rule"]: one["spec"] for one in json.loads(shown or '{"items": []}')["items"]}
        )
        # Where a session cannot begin, kubectl asks again in the older protocol.
        return len(found) == 2 and found["R2000"]["count"] >= 2

    judged.webhook.until(are_stored, 120)
    first, second = found["R2000"], found["R2001"]
    assert first["message"] == f"{first['program']} ran env --password={HIDDEN}"
    assert first["others"] == [f"{first['program']} ran ls"]
    assert (first["container"]["workload"], first["container"]["workloadKind"]) == ("entered", "Pod")
    assert "accepted" not in first
    assert second["accepted"]["reason"] == "we debug it"
    assert "hunter2" not in json.dumps(found) + judged.webhook.log


def test_nothing_of_an_object_is_in_the_log(judged: Judged):
    secret = "correct-horse-battery-staple"
    judged.apply(
        placed(pod(container(env=[{"name": "PASSWORD", "value": secret}], **PRIVILEGED)), "secretive")
    )
    assert "denied CREATE of judged/Pod/secretive: C-0057" in judged.webhook.log
    assert secret not in judged.webhook.log
    assert "Traceback" not in judged.webhook.log


def test_a_webhook_that_is_gone_blocks_nothing(judged: Judged):
    """The last of this module: it ends the webhook."""
    assert judged.webhook.end() == 0
    assert judged.apply(placed(pod(container(**PRIVILEGED)), "unjudged")).returncode == 0
