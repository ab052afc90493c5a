"""A role is bound to callers who never signed in.

``system:anonymous`` and ``system:unauthenticated`` represent everyone who can reach the API server. What is
bound to them needs no stolen password.

Two bindings are part of Kubernetes and pass as long as their roles are what they were:
``system:public-info-viewer``, which shows health and version, and kubeadm's read access to the one
ConfigMap that joining nodes need.

Fix: take the subject out of the binding; give the program that needs access a service account.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: open-door}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:unauthenticated"}

Cannot see: whether the API server turns anonymous requests away, see C-0113; rules of roles that are
not part of the target.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
"""

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.control import (
    Inventory,
    Remove,
    Resource,
    Violations,
    control,
    mapping,
    mappings,
    sequence,
    text,
)

NOT_SIGNED_IN = frozenset({"system:anonymous", "system:unauthenticated"})
READ_FILE_FOR_JOINING = {
    "apiGroups": [""],
    "resourceNames": ["cluster-info"],
    "resources": ["configmaps"],
    "verbs": ["get"],
}


@control(
    "C-0262",
    "Anonymous user has RoleBinding",
    problem="Role for anonymous callers",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    category="Control plane / Supply chain",
    kinds=("RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io"),
    reads=RBAC_KINDS,
)
def anonymous_binding(binding: Resource, inventory: Inventory) -> Violations:
    open_to_all = [
        i for i, s in mappings(binding.body.get("subjects")) if text(s.get("name")) in NOT_SIGNED_IN
    ]
    if open_to_all and not is_part_of_kubernetes(binding, inventory):
        for index in open_to_all:
            yield Remove(f"subjects[{index}]")


def is_part_of_kubernetes(binding: Resource, inventory: Inventory) -> bool:
    """Whether it is one of the two bindings above; the role counts as unchanged where it was not read."""
    role = text(mapping(binding.body.get("roleRef")).get("name"))
    if binding.kind == "ClusterRoleBinding" and binding.name == role == "system:public-info-viewer":
        found = inventory.get("ClusterRole.rbac.authorization.k8s.io", "", role)
        if found is not None:
            inventory.rest_on(found)
        return found is None or grants_only_public_facts(
            rule for _, rule in mappings(found.body.get("rules"))
        )
    if (binding.namespace, binding.name, role) == (
        "kube-public",
        *("kubeadm:bootstrap-signer-clusterinfo",) * 2,
    ):
        found = inventory.get("Role.rbac.authorization.k8s.io", "kube-public", role)
        if found is not None:
            inventory.rest_on(found)
        return found is None or sequence(found.body.get("rules")) == [READ_FILE_FOR_JOINING]
    return False
