"""AKS nodes are reachable from the internet.

Every port that opens on a node is then open to all.

Fix: create node pools without public addresses, in a private cluster.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    agentPoolProfiles: [{"name": "a", "enableNodePublicIp": true}, {"name": "b", "enableNodePublicIp": false}]

Cannot see: load balancers and rules that lead to nodes.

See: https://learn.microsoft.com/en-us/azure/aks/private-clusters
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0248",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
)
def aks_nodes_with_public_addresses(cluster: Resource) -> Violations:
    for pool, place in each(cluster, "agentPoolProfiles"):
        public = within(pool, place, "enableNodePublicIP", empty=False)
        if public.value is True:
            yield public.review("make the pool without public addresses")
