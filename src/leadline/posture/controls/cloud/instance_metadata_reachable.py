"""Pods can reach the metadata service of the cloud's machines.

It hands out the credentials of the node to anyone who asks over plain HTTP.

Fix: require session tokens with a hop limit of 1, or block 169.254.169.254 by network policy.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: hop limits and other settings of the machines; GKE's metadata server, which answers for the machines' own.

See: https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
"""

from leadline.kube.network_policy import POLICY_KINDS
from leadline.kube.reachability import End, Port, Side, connection_between
from leadline.posture.control import (
    Inventory,
    Missing,
    NotApplicable,
    NotJudged,
    Review,
    Violations,
    Workload,
    control,
)
from leadline.posture.reach import end_of

CLOUDS = ("EKS", "AKS", "GKE", "")
"""And where it is not known which one it is."""


@control(
    "C-0052",
    "Instance Metadata API",
    problem="Metadata address of the cloud reachable",
    consequence="secrets",
    score=7.0,
    category="Control plane",
    reads=(*POLICY_KINDS, "Namespace"),
)
def instance_metadata_reachable(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.cloud not in CLOUDS:
        raise NotApplicable("the cluster is not known to run on the machines of EKS, AKS or GKE")
    egress = metadata_connection(workload, inventory)
    for policy in egress.policies:
        inventory.rest_on(policy)
    if egress.verdict == "unknown":
        raise NotJudged(egress.why)
    if egress.verdict == "denied":
        return
    if workload.pod.get("hostNetwork") is True:
        yield Review("hostNetwork")
    elif egress.by is not None:
        yield Review(egress.rule, on=egress.by.id)
    else:
        yield Missing("a NetworkPolicy that keeps these pods from 169.254.169.254")


_SERVICE = End(address="169.254.169.254")
_PORT = Port(80)


def metadata_connection(workload: Workload, inventory: Inventory) -> Side:
    """What the policies that select the pods say of a connection to port 80 of 169.254.169.254."""
    selecting = tuple(inventory.policies_of(workload))
    return connection_between((selecting, ()), end_of(workload, inventory), _SERVICE, _PORT).egress
