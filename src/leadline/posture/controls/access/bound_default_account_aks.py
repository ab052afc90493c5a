"""A role is bound to the ``default`` service account, so every unnamed pod of the namespace holds it.

``default`` is rarely a choice: it is what a pod gets that names no account. Rights that are
bound to it reach pods that were never meant to have them, and with workload identity the same mistake
reaches Azure.

Fix: make a service account for the program that needs the role, and bind the role to it.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: defaults-edit, namespace: shop}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
    subjects:
    - {kind: ServiceAccount, name: default, namespace: shop}

Cannot see: identities of Azure that are federated with the account outside the cluster.

See: https://learn.microsoft.com/azure/aks/workload-identity-overview
"""

from leadline.posture.control import Remove, Resource, Violations, control, mapping, mappings


@control(
    "C-0239",
    "Prefer using dedicated AKS Service Accounts",
    problem="Role for a default account (AKS)",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Access control",
    kinds=("RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io"),
    cloud="AKS",
)
def bound_default_account_aks(resource: Resource) -> Violations:
    labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
    if labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return
    for index, subject in mappings(resource.body.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
            yield Remove(f"subjects[{index}]")
