"""The AKS cluster does not ask Azure for authorisation.

Rights are then kept in two places, and leavers keep those in the cluster.

Fix: enable Azure RBAC for Kubernetes authorisation.

Example::

    apiVersion: management.azure.com/v1
    kind: ClusterDescribe
    metadata: {name: shop}
    aadProfile: {"managed": true, "enableAzureRbac": false}

Cannot see: local accounts that remain beside it.

See: https://learn.microsoft.com/en-us/azure/aks/manage-azure-rbac
"""

from leadline.posture.checks.cloud_clusters import said
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import AKS


@control(
    "C-0241",
    "Use Azure RBAC for Kubernetes Authorization.",
    problem="Azure RBAC is off",
    consequence="cluster takeover",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    kinds=(AKS,),
)
def aks_without_azure_rbac(cluster: Resource) -> Violations:
    profile = said(cluster, "aadProfile")
    if profile.value is None:
        yield profile.review("enable Microsoft Entra integration with Azure RBAC")
        return
    enabled = said(cluster, "aadProfile.enableAzureRBAC")
    if enabled.value is not True:
        yield enabled.review("enable Azure RBAC")
