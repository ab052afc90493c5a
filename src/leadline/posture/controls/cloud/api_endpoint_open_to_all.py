"""The API server can be reached from every address of the internet.

A stolen credential then works from anywhere, and each hole in the server is one request away.

Fix: list the networks that may connect, or make the endpoint private.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    cluster: {"name": "shop", "resourcesVpcConfig": {"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]}}

Cannot see: firewalls in front; how wide a listed network is.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.checks.cloud_clusters import ANYWHERE, said
from leadline.posture.control import Resource, Violations, control, sequence
from leadline.posture.fact_kinds import EKS, GKE


@control(
    "C-0227",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    kinds=(
        EKS,
        GKE,
    ),
)
def api_endpoint_open_to_all(cluster: Resource) -> Violations:
    if "cluster" not in cluster.body:
        enabled = said(cluster, "masterAuthorizedNetworksConfig.enabled", empty=False)
        if enabled.value is not True:
            yield enabled.review("enable authorised networks, and list those that may connect")
        return
    if said(cluster, "cluster.resourcesVpcConfig.endpointPublicAccess").value is False:
        return
    ranges = said(cluster, "cluster.resourcesVpcConfig.publicAccessCidrs")
    if not ranges.value or any(one in ANYWHERE for one in sequence(ranges.value)):
        yield ranges.review("list the networks that may connect, or close the public endpoint")
