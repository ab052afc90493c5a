"""The ``default`` service account has rights, or its token is handed to pods that ask for nothing.

Every pod that names no account runs as ``default``. What is bound to it is given to all of them, and on
EKS a role of AWS that is tied to the account goes along. With accounts of their own, programs get only
what is theirs.

Fix: bind the role to a dedicated account, tie the AWS role to that one, and set
``automountServiceAccountToken: false`` on ``default``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: defaults-edit, namespace: shop}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
    subjects:
    - {kind: ServiceAccount, name: default, namespace: shop}

Cannot see: AWS roles that are associated with the account outside the cluster by EKS Pod Identity.

See: https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
"""

from leadline.posture.control import Remove, Resource, Set, Violations, control, mapping, mappings


@control(
    "C-0225",
    "Prefer using dedicated EKS Service Accounts",
    problem="Default account with a token (EKS)",
    consequence="secrets",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    kinds=(
        "RoleBinding.rbac.authorization.k8s.io",
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "ServiceAccount",
    ),
    cloud="EKS",
)
def default_account_in_use_eks(resource: Resource) -> Violations:
    if resource.kind == "ServiceAccount":
        if resource.name == "default" and resource.body.get("automountServiceAccountToken") is not False:
            yield Set("automountServiceAccountToken", False)
        return
    labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
    if labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return
    for index, subject in mappings(resource.body.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
            yield Remove(f"subjects[{index}]")
