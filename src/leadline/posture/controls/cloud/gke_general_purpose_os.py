"""A GKE node pool runs an operating system that is not made for containers alone.

A general system brings shells and services that no pod needs; each is something to patch.

Fix: use the image type COS_CONTAINERD.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"imageType": "COS_CONTAINERD"}}, {"name": "b", "config": {"imageType": "UBUNTU_CONTAINERD"}}]

Cannot see: what an image of your own leaves out.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/node-images
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0101",
    "Container-Optimized OS is used for nodes",
    problem="General-purpose OS on the nodes (GKE)",
    consequence="other",
    score=2.0,
    category="Workload",
    kinds=(GKE,),
)
def gke_general_purpose_os(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.imageType", empty="")
        if not str(found.value).startswith("COS"):
            yield found.review("make the pool with the image COS_CONTAINERD")
