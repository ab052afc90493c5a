"""Which network plugins a cluster runs, by the DaemonSets that bring them, and whether they enforce network policies.

Sources: the plugins' own installation manifests; https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/.
"""

from collections.abc import Iterator

from leadline.model.control import NotJudged
from leadline.model.resource import Resource
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, workloads_of

ENFORCING = frozenset(
    {
        *(
            "calico-node",
            "node",
            "cilium",
            "cilium-agent",
            "antrea-agent",
            "antrea-agent-ubuntu",
            "antrea-ubuntu",
        ),
        *(
            "kube-router",
            "weave-kube",
            "weave-npc",
            "ovn-kube",
            "kube-ovn",
            "azure-npm",
            "kube-network-policies",
        ),
        *("hardened-calico", "mirrored-calico-node", "hardened-cilium", "mirrored-cilium-cilium", "canal"),
    }
)
"""Last parts of the names of images that enforce network policies; ``node`` is Calico's, see ``_is_calico``."""
PLAIN = frozenset(
    {
        "flannel",
        "hardened-flannel",
        "mirrored-flannel-flannel",
        "kindnetd",
        "amazon-k8s-cni",
        "azure-cni",
        "romana",
    }
)
"""Those that join pods to the network and do nothing more."""
_AWS_AGENT = "aws-network-policy-agent"
_SWITCH = "--enable-network-policy"


def is_network_plugin(resource: Resource) -> bool:
    """Whether a DaemonSet brings a network plugin that is known here."""
    return any(_name(c) in PLAIN or enforces(c) is not None for c in _containers(resource))


def enforces_no_policies(plugin: Resource, inventory: Inventory) -> bool:
    """Whether neither ``plugin`` nor any other one of the cluster enforces network policies.

    Raises: ``NotJudged`` where another one may be part of the cluster and was not read.
    """
    if any(enforces(container) for container in _containers(plugin)):
        return False
    for other in inventory.of("DaemonSet.apps"):
        if other.id != plugin.id and any(enforces(container) for container in _containers(other)):
            inventory.rest_on(other)
            return False
    if not inventory.is_whole:
        raise NotJudged("a plugin that enforces network policies may be elsewhere in the cluster")
    return True


def enforces(container: Container) -> bool | None:
    """Whether the container enforces network policies; ``None`` where it is part of no plugin known here."""
    name = _name(container)
    if name == _AWS_AGENT:
        switches = [
            word.partition("=")[2] for _, word in container.command_line if word.partition("=")[0] == _SWITCH
        ]
        return bool(switches) and switches[-1].lower() in ("", "true")
    if name == "node":
        return True if "calico" in parse_image_name(container.image).repository else None
    return True if name in ENFORCING else None


def _name(container: Container) -> str:
    return parse_image_name(container.image).program


def _containers(resource: Resource) -> Iterator[Container]:
    for workload in workloads_of(resource):
        yield from (container for container in workload.containers if container.list == "containers")
