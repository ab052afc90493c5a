"""EKS nodes have public addresses.

Each node is then a machine on the internet, with every port that anything opens on it.

Fix: put the node groups into private subnets.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.control import not_built

NODES_WITH_PUBLIC_ADDRESSES = not_built(
    "C-0229",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (EKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
