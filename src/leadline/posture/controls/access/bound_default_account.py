"""A role is bound to the ``default`` service account, so every pod of the namespace that names no account holds it.

Rights that are bound to it reach pods that were never meant to have them, those that are added later too.

Fix: make a service account for the program that needs the role, and bind the role to it.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [pods], verbs: [list]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
    subjects:
    - {kind: ServiceAccount, name: default, namespace: shop}

Cannot see: what the role allows.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.control import Remove, Resource, Violations, control, mapping, mappings

GROUP = "rbac.authorization.k8s.io"


@control(
    "L-0027",
    "No role is bound to a default service account",
    problem="Role for a default service account",
    consequence="secrets",
    score=5.0,
    category="Access control",
    kinds=(f"RoleBinding.{GROUP}", f"ClusterRoleBinding.{GROUP}"),
)
def bound_default_account(binding: Resource) -> Violations:
    labels = mapping(mapping(binding.body.get("metadata")).get("labels"))
    if labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return
    for i, subject in mappings(binding.body.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
            yield Remove(f"subjects[{i}]")
