"""What GKE nodes boot is not compared with what they booted before.

A changed kernel or boot loader then goes unnoticed.

Fix: enable integrity monitoring of the node pool.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"shieldedInstanceConfig": {"enableIntegrityMonitoring": true}}}, {"name": "b", "config": {"shieldedInstanceConfig": {"enableIntegrityMonitoring": false}}}]

Cannot see: who reads the results.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0076",
    "Integrity of shielded nodes is monitored",
    problem="Node integrity is not monitored (GKE)",
    consequence="other",
    score=3.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_integrity_monitoring(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.shieldedInstanceConfig.enableIntegrityMonitoring", empty=False)
        if found.value is not True:
            yield found.review("enable integrity monitoring")
