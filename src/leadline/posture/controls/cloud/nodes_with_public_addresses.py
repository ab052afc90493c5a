"""EKS nodes have public addresses.

Each node is then a machine on the internet, with every port that anything opens on it.

Fix: put the node groups into private subnets.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: DescribeSubnets
    metadata: {name: shop}
    Subnets: [{"SubnetId": "subnet-1", "MapPublicIpOnLaunch": false}, {"SubnetId": "subnet-2", "MapPublicIpOnLaunch": true}]

Cannot see: launch templates that ask for an address by themselves; node pools of GKE that differ from their cluster.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.checks.cloud_clusters import each, said, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import EKS_SUBNETS, GKE


@control(
    "C-0229",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (EKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(
        EKS_SUBNETS,
        GKE,
    ),
)
def nodes_with_public_addresses(cluster: Resource) -> Violations:
    if "Subnets" not in cluster.body:
        private = said(cluster, "privateClusterConfig.enablePrivateNodes", empty=False)
        if private.value is not True:
            yield private.review("make the nodes private")
        return
    for subnet, place in each(cluster, "Subnets"):
        public = within(subnet, place, "MapPublicIpOnLaunch")
        if public.value is not False:
            yield public.review("put the nodes into subnets that give no public address")
