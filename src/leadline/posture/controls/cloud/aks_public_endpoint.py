"""The API server of the AKS cluster is public.

It can be scanned and attacked by everyone, and all traffic of the nodes to it leaves your network.

Fix: create the cluster as a private one.

See: https://learn.microsoft.com/en-us/azure/aks/private-clusters
"""

from leadline.posture.control import not_built

AKS_PUBLIC_ENDPOINT = not_built(
    "C-0252",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
