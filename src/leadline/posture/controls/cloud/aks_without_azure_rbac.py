"""The AKS cluster does not ask Azure for authorisation.

Rights are then kept in two places, and leavers keep those in the cluster.

Fix: enable Azure RBAC for Kubernetes authorisation.

See: https://learn.microsoft.com/en-us/azure/aks/manage-azure-rbac
"""

from leadline.posture.control import not_built

AKS_WITHOUT_AZURE_RBAC = not_built(
    "C-0241",
    "Use Azure RBAC for Kubernetes Authorization.",
    problem="Azure RBAC is off",
    consequence="cluster takeover",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    needs="the cloud provider's description of the cluster",
    cloud="AKS",
)
