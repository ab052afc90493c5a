"""The AKS cluster may write to its registry.

A broken-into node can replace the images of all others.

Fix: give the cluster the role ``AcrPull`` alone.

Example::

    apiVersion: management.azure.com/v1
    kind: ListEntitiesForPolicies
    metadata: {name: shop}
    assignments: [{"principalType": "ServicePrincipal", "roleDefinitionName": "AcrPush"}, {"principalType": "User", "roleDefinitionName": "AcrPush"}]

Cannot see: which of the programs is the cluster: one that builds images has to push; roles of your own.

See: https://learn.microsoft.com/en-us/azure/aks/cluster-container-registry-integration
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import ACR_ROLES

WRITING = (
    "AcrPush",
    "Contributor",
    "Owner",
    "Container Registry Repository Writer",
    "Container Registry Repository Contributor",
)


@control(
    "C-0250",
    "Minimize cluster access to read-only for Azure Container Registry (ACR)",
    problem="Cluster may write to ACR",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    kinds=(ACR_ROLES,),
)
def aks_cluster_may_write_registry(cluster: Resource) -> Violations:
    for assignment, place in each(cluster, "assignments"):
        role = within(assignment, place, "roleDefinitionName", empty="")
        is_program = within(assignment, place, "principalType", empty="").value == "ServicePrincipal"
        if is_program and role.value in WRITING:
            yield role.review("give the role AcrPull alone")
