"""Of the Jobs that the operator's account may create, a real API server takes those that scan images, and no others."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from running import running
from test_chart import EVERYTHING, image_job, of_kind, render

NAMESPACE = "security"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:leadline"
PLAIN = ("vulnerabilityScan.jobs.enabled=true",)
Job = dict[str, Any]


class Operator:
    """The chart's policy in force, and the account that it is about."""

    def __init__(self, cluster: ControlPlane, values: tuple[str, ...], folder: Path) -> None:
        self._cluster = cluster
        objects = render(*values)
        self.job = image_job(objects, folder)
        kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
        cluster.apply(*(one for kind in kinds for one in of_kind(kind, objects)))
        cluster.until(lambda: "denied request" in self.create(with_pod(self.job, hostPID=True)))
        # That of other values may be in force a moment longer.
        cluster.until(lambda: "created" in self.create(self.job))

    def create(self, job: Job) -> str:
        """What the API server says to it; it keeps nothing."""
        run = subprocess.run(
            [
                "kubectl",
                f"--kubeconfig={self._cluster.user(ACCOUNT)}",
                "create",
                "--dry-run=server",
                "-f",
                "-",
            ],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return run.stderr if run.returncode else run.stdout


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    with running(ControlPlane) as cluster:
        cluster.namespace(NAMESPACE)
        cluster.kubectl("create", "role", "jobs", "-n", NAMESPACE, "--verb=create", "--resource=jobs.batch")
        cluster.kubectl("create", "rolebinding", "jobs", "-n", NAMESPACE, "--role=jobs", f"--user={ACCOUNT}")
        cluster.apply(
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": "high"},
                "value": 1,
            }
        )
        yield cluster


@pytest.fixture(scope="module", params=[PLAIN, EVERYTHING], ids=["plain", "with all values"])
def operator(
    request: pytest.FixtureRequest, cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Operator:
    return Operator(cluster, request.param, tmp_path_factory.mktemp("job"))


def with_job(job: Job, **fields: Any) -> Job:
    changed = copy.deepcopy(job)
    changed["spec"] |= fields
    return changed


def with_template(job: Job, field: str, **entries: Any) -> Job:
    changed = copy.deepcopy(job)
    metadata = changed["spec"]["template"]["metadata"]
    metadata[field] = {**metadata.get(field, {}), **entries}
    return changed


def with_pod(job: Job, **fields: Any) -> Job:
    changed = copy.deepcopy(job)
    changed["spec"]["template"]["spec"] |= fields
    return changed


def with_container(job: Job, **fields: Any) -> Job:
    changed = copy.deepcopy(job)
    changed["spec"]["template"]["spec"]["containers"][0] |= fields
    return changed


def with_entry(job: Job, field: str, entry: Any) -> Job:
    """One more in a list of the container."""
    return with_container(job, **{field: [*first(job).get(field, []), entry]})


def with_security(job: Job, **fields: Any) -> Job:
    return with_container(job, securityContext={**first(job)["securityContext"], **fields})


def first(job: Job) -> dict[str, Any]:
    container: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return container


def with_volume(job: Job, path: str, *, is_read_only: bool) -> Job:
    volumes = [*job["spec"]["template"]["spec"]["volumes"], {"name": "more", "hostPath": {"path": path}}]
    mount = {"name": "more", "mountPath": "/more", **({"readOnly": True} if is_read_only else {})}
    return with_entry(with_pod(job, volumes=volumes), "volumeMounts", mount)


def with_writable_mounts(job: Job) -> Job:
    mounts = [{"name": one["name"], "mountPath": one["mountPath"]} for one in first(job)["volumeMounts"]]
    return with_container(job, volumeMounts=mounts)


COMMAND = ["python3", "-c", "print(1)"]
EXEC = {"exec": {"command": COMMAND}}
OTHER_CONTAINER = {"name": "other", "image": "registry.example/other:1"}
ATTACKS: dict[str, Callable[[Job], Job]] = {
    "another command": lambda job: with_container(job, command=COMMAND),
    "postStart": lambda job: with_container(job, lifecycle={"postStart": EXEC}),
    "liveness probe": lambda job: with_container(job, livenessProbe=EXEC),
    "startup probe": lambda job: with_container(job, startupProbe=EXEC),
    "arguments": lambda job: with_container(job, args=["--batch=a", "--pods=1", "--more"]),
    "an argument of another form": lambda job: with_container(job, args=["--batch=a b", "--pods=1"]),
    "module path": lambda job: with_entry(job, "env", {"name": "PYTHONPATH", "value": "/tmp"}),
    "preloaded library": lambda job: with_entry(job, "env", {"name": "LD_PRELOAD", "value": "/tmp/a.so"}),
    "a variable of a Secret": lambda job: with_entry(
        job, "env", {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    ),
    "another value of a variable": lambda job: with_container(
        job, env=[{**one, "value": "/tmp/other"} for one in first(job)["env"]]
    ),
    "variables of a ConfigMap": lambda job: with_container(job, envFrom=[{"configMapRef": {"name": "a"}}]),
    "root": lambda job: with_security(job, runAsUser=0, runAsNonRoot=False),
    "root, silently": lambda job: with_security(job, runAsUser=0),
    "writable root": lambda job: with_security(job, readOnlyRootFilesystem=False),
    "privileged": lambda job: with_security(job, privileged=True, allowPrivilegeEscalation=True),
    "capability": lambda job: with_security(job, capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "seccomp of the container": lambda job: with_security(job, seccompProfile={"type": "Unconfined"}),
    "unmasked proc": lambda job: with_pod(with_security(job, procMount="Unmasked"), hostUsers=False),
    "seccomp of the pod": lambda job: with_pod(
        job,
        securityContext={
            **job["spec"]["template"]["spec"]["securityContext"],
            "seccompProfile": {"type": "Unconfined"},
        },
    ),
    "sysctl": lambda job: with_pod(
        job,
        securityContext={
            **job["spec"]["template"]["spec"]["securityContext"],
            "sysctls": [{"name": "net.ipv4.ip_forward", "value": "1"}],
        },
    ),
    "node": lambda job: with_pod(job, nodeName="node-1"),
    "another scheduler": lambda job: with_pod(job, schedulerName="mine"),
    "control plane": lambda job: with_pod(job, nodeSelector={"node-role.kubernetes.io/control-plane": ""}),
    "tolerations": lambda job: with_pod(job, tolerations=[{"operator": "Exists", "effect": "NoExecute"}]),
    "affinity": lambda job: with_pod(job, affinity={"nodeAffinity": {}}),
    "host port": lambda job: with_container(job, ports=[{"containerPort": 80, "hostPort": 80}]),
    "host network": lambda job: with_pod(job, hostNetwork=True),
    "host processes": lambda job: with_pod(job, hostPID=True),
    "host IPC": lambda job: with_pod(job, hostIPC=True),
    "shared processes": lambda job: with_pod(job, shareProcessNamespace=True),
    "names of hosts": lambda job: with_pod(job, hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a"]}]),
    "runtime": lambda job: with_pod(job, runtimeClassName="other"),
    "init container": lambda job: with_pod(job, initContainers=[OTHER_CONTAINER]),
    "another container": lambda job: with_pod(
        job, containers=[*job["spec"]["template"]["spec"]["containers"], OTHER_CONTAINER]
    ),
    "another image": lambda job: with_container(job, image="registry.example/other:1"),
    "another account": lambda job: with_pod(job, serviceAccountName="leadline", serviceAccount="leadline"),
    "the disk of the node": lambda job: with_volume(job, "/", is_read_only=True),
    "blobs to write to": lambda job: with_volume(job, "/var/lib/containerd/blobs", is_read_only=False),
    "writable mounts": with_writable_mounts,
    "a token of another audience": lambda job: with_pod(
        job,
        volumes=[
            *job["spec"]["template"]["spec"]["volumes"],
            {
                "name": "t",
                "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "a"}}]},
            },
        ],
    ),
    "a label of another program": lambda job: with_template(
        job, "labels", **{"app.kubernetes.io/component": "server"}
    ),
    "a label of others": lambda job: with_template(job, "labels", team="others"),
    "an annotation": lambda job: with_template(
        job, "annotations", **{"container.apparmor.security.beta.kubernetes.io/images": "unconfined"}
    ),
    "another controller": lambda job: with_job(job, managedBy="example.com/mine"),
    "a selector of one's own": lambda job: with_job(
        job, manualSelector=True, selector={"matchLabels": job["spec"]["template"]["metadata"]["labels"]}
    ),
}


def test_the_job_of_the_operator_is_taken(operator: Operator):
    assert "created (server dry run)" in operator.create(operator.job)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_job_with_anything_else_is_denied_to_the_operator(operator: Operator, attack: str):
    said = operator.create(ATTACKS[attack](operator.job))
    assert "ValidatingAdmissionPolicy 'leadline-images'" in said, said
    assert "denied request" in said
