"""A GKE node that fails its health checks stays as it is.

Broken nodes run pods late or not at all, and leave out updates.

Fix: enable auto-repair of the node pool.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "management": {"autoRepair": true}}, {"name": "b", "management": {"autoRepair": false}}]

Cannot see: programs of your own that restart nodes.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-repair
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0072",
    "Auto-repair of nodes is enabled",
    problem="Auto-repair is off (GKE)",
    consequence="availability",
    score=3.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_auto_repair(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "management.autoRepair", empty=False)
        if found.value is not True:
            yield found.review("enable auto-repair")
