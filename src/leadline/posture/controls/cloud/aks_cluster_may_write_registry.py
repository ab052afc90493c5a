"""The AKS cluster may write to its registry.

A broken-into node can replace the images of all others.

Fix: give the cluster the role ``AcrPull`` alone.

See: https://learn.microsoft.com/en-us/azure/aks/cluster-container-registry-integration
"""

from leadline.posture.control import not_built

AKS_CLUSTER_MAY_WRITE_REGISTRY = not_built(
    "C-0250",
    "Minimize cluster access to read-only for Azure Container Registry (ACR)",
    problem="Cluster may write to ACR",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
