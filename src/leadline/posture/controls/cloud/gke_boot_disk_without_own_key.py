"""Boot disks of GKE nodes are encrypted with a key of Google alone.

Without a key of your own you can neither take it back nor see its use.

Fix: make node pools with a key of Cloud KMS.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"bootDiskKmsKey": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}}, {"name": "b", "config": {"bootDiskKmsKey": ""}}]

Cannot see: the rights on the key.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/using-cmek
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0080",
    "Boot disks are encrypted with a key of your own",
    problem="Boot disks without own key (GKE)",
    consequence="other",
    score=2.0,
    category="Secrets",
    kinds=(GKE,),
)
def gke_boot_disk_without_own_key(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.bootDiskKmsKey", empty="")
        if not found.value:
            yield found.review("make the pool with a key of your own")
