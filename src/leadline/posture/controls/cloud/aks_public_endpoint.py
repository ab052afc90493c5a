"""The API server of the AKS cluster is public.

It can be scanned and attacked by everyone, and all traffic of the nodes to it leaves your network.

Fix: create the cluster as a private one.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    apiServerAccessProfile: {"enablePrivateCluster": false}

Cannot see: a public name that a private cluster may have as well.

See: https://learn.microsoft.com/en-us/azure/aks/private-clusters
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0252",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
)
def aks_public_endpoint(cluster: Resource) -> Violations:
    profile = said(cluster, "apiServerAccessProfile")
    if profile.value is None:
        yield profile.review("make the cluster a private one")
        return
    private = said(cluster, "apiServerAccessProfile.enablePrivateCluster")
    if private.value is not True:
        yield private.review("make the cluster a private one")
