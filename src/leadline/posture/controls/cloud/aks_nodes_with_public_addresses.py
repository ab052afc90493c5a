"""AKS nodes are reachable from the internet.

Every port that opens on a node is then open to all.

Fix: create node pools without public addresses, in a private cluster.

See: https://learn.microsoft.com/en-us/azure/aks/private-clusters
"""

from leadline.posture.control import not_built

AKS_NODES_WITH_PUBLIC_ADDRESSES = not_built(
    "C-0248",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
