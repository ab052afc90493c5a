"""Rights that everybody has."""

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.kube.rbac import RBAC_KINDS
from leadline.posture import control_examples as examples
from leadline.posture.checks.rbac_queries import TAKEOVER
from leadline.posture.control import (
    Grant,
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
EVERYONE = frozenset({"system:authenticated", "system:unauthenticated"})


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
    example=examples.binding(
        "name: open-door",
        "view",
        'apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:unauthenticated"',
    ),
    see="https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
)
def anonymous_binding(binding: Resource, inventory: Inventory) -> Violations:
    """A role is bound to callers who never signed in.

    ``system:anonymous`` and ``system:unauthenticated`` represent everyone who can reach the API server. What is
    bound to them needs no stolen password.

    Two bindings are part of Kubernetes and pass as long as their roles are what they were:
    ``system:public-info-viewer``, which shows health and version, and kubeadm's read access to the one
    ConfigMap that joining nodes need.

    Fix: take the subject out of the binding; give the program that needs access a service account.

    Cannot see: whether the API server turns anonymous requests away, see C-0113; rules of roles that are
    not part of the target.
    """
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


def is_everyone(grant: Grant) -> bool:
    return grant.name in EVERYONE and grant.kind == "Group"


@control(
    "C-0265",
    "system:authenticated user has elevated roles",
    problem="Role for everyone who can sign in",
    consequence="cluster takeover",
    score=9.0,
    reference_score=7.0,
    category="Control plane / Supply chain",
    applies=is_everyone,
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings",
)
def elevated_authenticated_users(grant: Grant) -> Violations:
    """Everyone who can sign in, or everyone at all, holds a role.

    ``system:authenticated`` is not a team: it holds every service account of every pod, and on some clouds
    anyone with an account of the provider. ``system:unauthenticated`` holds callers who never signed in. A role
    that lets them read secrets, start pods, run commands or change roles makes each of them a possible
    administrator; rules of this kind are shown. The bindings that Kubernetes makes at its start, for discovery, health
    and questions about oneself, pass.

    Fix: bind the role to the group or account that needs it, and take the group out of the binding.

    Example::

        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: secret-readers}
        rules:
        - apiGroups: [""]
          resources: [secrets]
          verbs: [list]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: all-read}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secret-readers}
        subjects:
        - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}

    Cannot see: who can sign in; roles that are not part of the target.
    """
    dangerous = list(grant.may_any(TAKEOVER))
    yield from dangerous
    if not dangerous:
        yield from grant.review_binding()


def is_every_account(grant: Grant) -> bool:
    return grant.kind == "Group" and grant.name.partition(":")[2].split(":")[0] == "serviceaccounts"


@control(
    "L-0046",
    "No role is given to every service account",
    problem="Role for every service account",
    consequence="cluster takeover",
    score=6.0,
    category="Access control",
    applies=is_every_account,
    example=examples.binding(
        "name: b", "view", 'apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts"'
    ),
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#service-account-permissions",
)
def role_for_every_account(grant: Grant) -> Violations:
    """A role is given to every service account, of the whole cluster or of a namespace.

    Each pod has one, also those that are added tomorrow and never asked for a right; a hole in any of them then has these
    rights.

    Fix: bind the role to the accounts that need it, by name.

    Cannot see: which accounts use the rights.
    """
    if not grants_only_public_facts(grant.rules.all):
        yield from grant.review_binding()
