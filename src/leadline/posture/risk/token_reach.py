"""What an attacker who holds the token of a workload may do with it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from leadline.kube.rbac import Grant
from leadline.posture.checks.rbac_queries import reaches_the_cluster
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload

_READ = frozenset({"get", "list", "watch"})
_WRITE = frozenset({"create", "update", "patch"})
_EVERYTHING = frozenset({"*"})
_CONTROLLERS = frozenset({"deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs"})
_ROLES = frozenset({"roles", "clusterroles"})
_RBAC = frozenset({"rbac.authorization.k8s.io"})
_NAMED = 3
"""Namespaces that are called by name."""

# verbs, resources, groups, what the token may do, what that is worth, whether it counts per namespace
_RIGHTS = (
    (_EVERYTHING, _EVERYTHING, _EVERYTHING, "may do everything", 10.0),
    (frozenset({"impersonate"}), frozenset({"users", "groups", "serviceaccounts"}), frozenset({""}), "may act as others", 9.5),
    (frozenset({"bind", "escalate"}), _ROLES, _RBAC, "may give itself any role", 9.5),
    (_WRITE, frozenset({"pods"}), frozenset({""}), "creates pods", 9.0),
    (_WRITE, _CONTROLLERS, frozenset({"apps", "batch"}), "creates workloads", 9.0),
    (_READ, frozenset({"secrets"}), frozenset({""}), "reads Secrets", 8.5),
    (frozenset({"create"}), frozenset({"pods/exec", "pods/attach"}), frozenset({""}), "runs commands in pods", 8.5),
    (frozenset({"create"}), frozenset({"serviceaccounts/token"}), frozenset({""}), "makes tokens of other accounts", 9.0),
    (_WRITE, frozenset({"configmaps"}), frozenset({""}), "writes ConfigMaps", 4.0),
)  # fmt: skip
_IN_ONE_NAMESPACE = 0.7
"""Of what a right is worth, where it is good for single namespaces alone."""


class TokenRight(Struct, frozen=True):
    text: str
    """``reads Secrets in shop``."""
    worth: float
    """0 to 10."""
    role: str
    """The id of the role that gives it."""


def token_rights(workload: Workload, inventory: Inventory) -> list[TokenRight]:
    """The dangerous rights of the token that is mounted, the most worth first; each once."""
    if not inventory.mounts_token(workload):
        return []
    grants = inventory.grants_of(workload)
    found = [right for question in _RIGHTS for right in _answer(question, grants)]
    return sorted(found, key=lambda right: -right.worth)


def _answer(
    question: tuple[frozenset[str], frozenset[str], frozenset[str], str, float],
    grants: Sequence[Grant],
) -> Iterator[TokenRight]:
    verbs, resources, groups, words, worth = question
    holding = [grant for grant in grants if grant.allowing(verbs, resources, groups)]
    whole = next((grant for grant in holding if grant.is_cluster_wide), None)
    if whole is not None:
        where = "" if "every" in words or "others" in words else " everywhere"
        yield TokenRight(f"{words}{where}", worth, whole.role.id)
    elif holding:
        names = sorted({grant.reaches for grant in holding})
        where = ", ".join(names) if len(names) <= _NAMED else f"{len(names):,} namespaces"
        # What runs in kube-system controls the cluster.
        part = 1.0 if any(map(reaches_the_cluster, holding)) else _IN_ONE_NAMESPACE
        yield TokenRight(f"{words} in {where}", worth * part, holding[0].role.id)
