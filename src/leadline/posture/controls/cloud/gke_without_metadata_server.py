"""Pods on GKE nodes ask the metadata service of the machine itself.

It hands out the token of the node, with all its rights, to any pod.

Fix: enable Workload Identity Federation, which answers in its place.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    nodePools: [{"name": "a", "config": {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}}, {"name": "b", "config": {"workloadMetadataConfig": {"mode": "GCE_METADATA"}}}]

Cannot see: pods on the network of their node.

See: https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0071",
    "GKE metadata server is enabled",
    problem="Node metadata open to pods (GKE)",
    consequence="secrets",
    score=6.0,
    category="Workload",
    kinds=(GKE,),
)
def gke_without_metadata_server(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.workloadMetadataConfig.mode", empty="")
        if found.value != "GKE_METADATA":
            yield found.review("enable workload identity for the pool")
