"""The EKS cluster has a public endpoint, or no private one.

Traffic between nodes and API server leaves your network, and anyone can try to connect.

Fix: enable the private endpoint and disable the public one.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    cluster: {"name": "shop", "resourcesVpcConfig": {"endpointPublicAccess": true, "endpointPrivateAccess": true}}

Cannot see: endpoints by DNS names of GKE; networks that are joined to yours.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import EKS, GKE


@control(
    "C-0228",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(
        EKS,
        GKE,
    ),
)
def public_api_endpoint(cluster: Resource) -> Violations:
    if "cluster" not in cluster.body:
        private = said(cluster, "privateClusterConfig.enablePrivateEndpoint", empty=False)
        if private.value is not True:
            yield private.review("make the endpoint private")
        return
    private = said(cluster, "cluster.resourcesVpcConfig.endpointPrivateAccess")
    public = said(cluster, "cluster.resourcesVpcConfig.endpointPublicAccess")
    if private.value is not True:
        yield private.review("enable the private endpoint")
    if public.value is not False:
        yield public.review("disable the public endpoint")
