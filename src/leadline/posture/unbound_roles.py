"""Roles that nothing that was read gives to anyone: they wait for a binding, and are asked what that would give."""

from collections.abc import Iterator
from itertools import chain, islice

from leadline.kube.rbac import BuiltInRoles, RoleKey, UnboundRole, gathered, is_built_in
from leadline.kube.role_rules import OwnRules, labels_of
from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.join_indexes import AGGREGATIONS, BOUND_ROLES

MAX_RECEIVERS = 1_000
"""Aggregated roles looked at for one role: more would make a file of them cost its square."""


def unbound(role: Resource, inventory: Inventory) -> UnboundRole | None:
    """``role`` as what it would allow; ``None`` where a binding was read, and for Kubernetes' own roles.

    A role that an aggregated one takes over is bound with that. Where that one is bound by nothing either, it is asked
    with these rules among its own; where it is ``view``, ``edit`` or ``admin``, what it allows without them is known.
    """
    if is_built_in(role):
        return None
    receivers = _receivers(role, inventory) if role.kind == "ClusterRole" else ()
    known: list[OwnRules] = []
    for key in chain((_key(role),), receivers):
        if _is_bound(key, inventory):
            return None
        if key[2] != role.name or key[0] != role.kind:
            built_in = _BUILT_IN.get(key)
            if built_in is None:
                return None
            known.append(built_in)
    return UnboundRole(gathered(OwnRules(role), inventory).rules, known)


_BUILT_IN = BuiltInRoles()


def _key(role: Resource) -> RoleKey:
    return role.kind, "" if role.kind == "ClusterRole" else role.namespace, role.name


def _is_bound(key: RoleKey, inventory: Inventory) -> bool:
    kind, namespace, name = key
    spaces = ("",) if kind == "ClusterRole" else inventory.spaces(namespace)
    return inventory.has(BOUND_ROLES, *((kind, space, name) for space in spaces))


def _receivers(role: Resource, inventory: Inventory) -> Iterator[RoleKey]:
    """The aggregated roles that take ``role`` over, through others too."""
    seen, queue = {role.name}, [role]
    while queue:
        for receiver in _direct(queue.pop(), inventory):
            if receiver.name not in seen:
                seen.add(receiver.name)
                queue.append(receiver)
                yield "ClusterRole", "", receiver.name


def _direct(role: Resource, inventory: Inventory) -> Iterator[Resource]:
    labels = {str(key): str(value) for key, value in labels_of(role).items()}
    keys = [(inventory.everywhere, pair) for pair in (*labels.items(), None)]
    read = inventory.find(AGGREGATIONS, *keys)
    rows = (row for row in read if row[0](labels))
    yield from (receiver for _, receiver in islice(rows, MAX_RECEIVERS))
    for name in ("view", "edit", "admin"):
        if labels.get(f"rbac.authorization.k8s.io/aggregate-to-{name}") == "true":
            built_in = _BUILT_IN.get(("ClusterRole", "", name))
            if built_in is not None:
                yield built_in.role
