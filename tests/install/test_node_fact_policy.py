"""Facts of a node are written by the pod on it alone: a real API server takes them from no other."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane
from running import running
from test_chart import of_kind, render

NAMESPACE = "security"
ACCOUNT = "leadline-node"
CRDS = Path(__file__).parents[2] / "deploy" / "crds" / "kernelversions.yaml"
POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


class Agent:
    """The account of the DaemonSet in the pod of one node."""

    def __init__(self, cluster: ControlPlane, node: str) -> None:
        self._cluster = cluster
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
        pod = f"agent-{node}"
        spec = {"nodeName": node, "serviceAccountName": ACCOUNT, "containers": [{"name": "a", "image": "a"}]}
        metadata = {"name": pod, "namespace": NAMESPACE}
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
        self.token = cluster.kubectl("-n", NAMESPACE, "create", "token", ACCOUNT, *bound).strip()

    def says(self, *words: str, of: str = "") -> str:
        """What the API server answers to facts of the node ``of``."""
        facts = {
            "apiVersion": "hostdata.kubescape.cloud/v1beta1",
            "kind": "KernelVersion",
            "metadata": {"name": of},
        }
        run = subprocess.run(
            [
                "kubectl",
                f"--server={self._cluster.url}",
                "--insecure-skip-tls-verify",
                f"--token={self.token}",
                *words,
            ],
            input=json.dumps(facts) if of else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return run.stderr if run.returncode else run.stdout


@pytest.fixture(scope="module")
def agents() -> Iterator[tuple[Agent, Agent]]:
    with running(ControlPlane) as cluster:
        cluster.namespace(NAMESPACE)
        cluster.kubectl("apply", "-f", str(CRDS))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))
        objects = render("capabilities.hostFacts=true")
        kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", *POLICIES)
        ours = [one for kind in kinds for one in of_kind(kind, objects)]
        cluster.apply(*(one for one in ours if one["metadata"]["name"] == ACCOUNT))
        mine, other = Agent(cluster, "n1"), Agent(cluster, "n2")
        cluster.until(lambda: "its own node" in other.says("create", "-f", "-", of="n1"))
        yield mine, other


def test_who_takes_over_one_node_says_nothing_of_another(agents: tuple[Agent, Agent]):
    mine, other = agents
    assert "created" in mine.says("create", "-f", "-", of="n1")
    for words in (("replace", "-f", "-"), ("delete", "-f", "-")):
        assert "an agent writes facts of its own node alone" in other.says(*words, of="n1")
    assert "an agent writes facts of its own node alone" in mine.says("create", "-f", "-", of="n3")
    assert "replaced" in mine.says("replace", "-f", "-", of="n1")
    assert "deleted" in mine.says("delete", "-f", "-", of="n1")
