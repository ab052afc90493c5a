"""The GKE cluster has every alpha feature of Kubernetes enabled.

Alpha features come without support and fixes; the cluster is not upgraded and ends after 30 days.

Fix: use a cluster without alpha features for everything that matters.

Example::

    apiVersion: container.googleapis.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    enableKubernetesAlpha: true

Cannot see: single features enabled by other means.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/alpha-clusters
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import GKE


@control(
    "L-0081",
    "Cluster is no alpha cluster",
    problem="Alpha cluster (GKE)",
    consequence="other",
    score=4.0,
    category="Control plane",
    kinds=(GKE,),
)
def gke_alpha_cluster(cluster: Resource) -> Violations:
    found = said(cluster, "enableKubernetesAlpha")
    if found.value is not False:
        yield found.review("make a cluster without alpha features")
