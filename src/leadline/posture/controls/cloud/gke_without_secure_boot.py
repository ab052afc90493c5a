"""GKE nodes start without secure boot.

Without secure boot a root kit can load before the kernel.

Fix: enable secure boot, unless a driver of your own is not signed.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"shieldedInstanceConfig": {"enableSecureBoot": true}}}, {"name": "b", "config": {"shieldedInstanceConfig": {"enableSecureBoot": false}}}]

Cannot see: what runs after the boot.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0077",
    "Secure boot of shielded nodes",
    problem="Secure boot is off (GKE)",
    consequence="node escape",
    score=3.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_without_secure_boot(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.shieldedInstanceConfig.enableSecureBoot", empty=False)
        if found.value is not True:
            yield found.review("enable secure boot")
