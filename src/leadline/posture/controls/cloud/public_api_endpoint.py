"""The EKS cluster has a public endpoint, or no private one.

Traffic between nodes and API server leaves your network, and anyone can try to connect.

Fix: enable the private endpoint and disable the public one.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.control import not_built

PUBLIC_API_ENDPOINT = not_built(
    "C-0228",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public (EKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
