"""GKE nodes stay at the version they were made with.

Fixes of the kernel and of Kubernetes then wait for someone to think of them.

Fix: enable auto-upgrade of the node pool.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "management": {"autoUpgrade": true}}, {"name": "b", "management": {"autoUpgrade": false}}]

Cannot see: upgrades by other means.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-upgrades
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0073",
    "Nodes are upgraded automatically",
    problem="Nodes are not upgraded (GKE)",
    consequence="other",
    score=5.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_auto_upgrade(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "management.autoUpgrade", empty=False)
        if found.value is not True:
            yield found.review("enable auto-upgrade")
