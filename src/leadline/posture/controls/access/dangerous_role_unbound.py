"""A role lets its holder become another account or take the cluster over, and no binding of it was read.

No subject in what was read holds the role. It is there to be bound, by a manifest elsewhere or by a user who
may bind it, and who reviews that binding sees its name alone. The rules are those that are asked of a bound
role: reading Secrets, making pods, running commands, impersonation, binding and escalating, tokens,
certificates, webhooks, kubelets, volumes. Roles that Kubernetes brings along are left out.

Fix: take the rules out, name the objects with ``resourceNames``, or delete the role if nothing binds it.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [secrets], verbs: [list]}

Cannot see: bindings that were not read; roles that take this one over by aggregation.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from leadline.posture.checks.rbac_queries import (
    CREATE_VOLUMES,
    RBAC_KINDS,
    TAKEOVER,
    is_built_in,
    rules_allowing,
)
from leadline.posture.control import Inventory, Resource, Review, Violations, control, mapping, text

GROUP = "rbac.authorization.k8s.io"
BINDINGS = (f"RoleBinding.{GROUP}", f"ClusterRoleBinding.{GROUP}")
Key = tuple[str, str, str]


@control(
    "L-0024",
    "Dangerous roles are bound where they are read",
    problem="Dangerous role, no binding read",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    kinds=(f"Role.{GROUP}", f"ClusterRole.{GROUP}"),
    reads=RBAC_KINDS,
)
def dangerous_role_unbound(role: Resource, inventory: Inventory) -> Violations:
    if is_built_in(role) or key_of(role) in inventory.once("bound roles", lambda: bound_roles(inventory)):
        return
    seen: set[str] = set()
    for match in rules_allowing(role, (*TAKEOVER, *CREATE_VOLUMES)):
        for path in match.paths:
            if path not in seen:
                seen.add(path)
                yield Review(path)


def key_of(role: Resource) -> Key:
    return role.kind, role.namespace or "default" if role.kind == "Role" else "", role.name


def bound_roles(inventory: Inventory) -> frozenset[Key]:
    return frozenset(
        (kind, (binding.namespace or "default") if kind == "Role" else "", text(reference.get("name")))
        for bindings in BINDINGS
        for binding in inventory.of(bindings)
        for reference in [mapping(binding.body.get("roleRef"))]
        for kind in [text(reference.get("kind"))]
    )
