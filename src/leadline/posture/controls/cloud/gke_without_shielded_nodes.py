"""GKE does not check that a node is the machine it says it is.

Someone with a stolen bootstrap credential can join as a node, and reads the secrets of pods.

Fix: enable shielded nodes.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    shieldedNodes: {"enabled": false}

Cannot see: the settings of each pool, which other controls read.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0075",
    "Shielded nodes are enabled",
    problem="Nodes are not shielded (GKE)",
    consequence="node escape",
    score=4.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_shielded_nodes(cluster: Resource) -> Violations:
    found = said(cluster, "shieldedNodes.enabled", empty=False)
    if found.value is not True:
        yield found.review("enable shielded nodes")
