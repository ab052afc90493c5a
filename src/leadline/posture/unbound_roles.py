"""Roles that nothing that was read gives to anyone: they wait for a binding, and are asked what that would give."""

from collections.abc import Hashable, Iterator
from itertools import islice

from leadline.kube.rbac import BuiltInRoles, RoleKey, UnboundRole, gathered, is_built_in
from leadline.kube.role_rules import OwnRules, labels_of
from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.join_indexes import AGGREGATIONS, BOUND_ROLES

MAX_RECEIVERS = 1_000
"""Aggregated roles looked at for one role: more would make a file of them cost its square."""
_EVERYWHERE = "everywhere"
_IN_NAMESPACES = "in namespaces"


def unbound(role: Resource, inventory: Inventory) -> UnboundRole | None:
    """``role`` as what it would allow; ``None`` where a subject receives it, and for Kubernetes' own roles.

    A binding counts by what its subjects receive: without subjects that is nothing, and through a RoleBinding nothing
    outside of its namespace, so that such rules wait on. A role that an aggregated one takes over is bound with that.
    Where that one is bound by nothing either, it is asked with these rules among its own; where it is ``view``,
    ``edit`` or ``admin``, what it allows without them is known.
    """
    if is_built_in(role):
        return None
    received = {*_received(role, inventory)}
    known: list[OwnRules] = []
    for receiver in _receivers(role, inventory) if role.kind == "ClusterRole" else ():
        built_in = _BUILT_IN.get(_key(receiver))
        if built_in is not None:
            known.append(built_in)
        elif not is_built_in(receiver):
            return None
        received.update(_received(receiver, inventory))
    if _EVERYWHERE in received or (_IN_NAMESPACES in received and role.kind == "Role"):
        return None
    is_received = _IN_NAMESPACES in received
    return UnboundRole(
        gathered(OwnRules(role), inventory).rules, known, is_received_in_namespaces=is_received
    )


_BUILT_IN = BuiltInRoles()


def _key(role: Resource) -> RoleKey:
    return role.kind, "" if role.kind == "ClusterRole" else role.namespace, role.name


def _received(role: Resource, inventory: Inventory) -> Iterator[str]:
    """Where any subject receives what ``role`` allows."""
    key = _key(role)
    given = inventory.once(f"given to a subject: {key}", lambda: frozenset(_given(key, inventory)))
    for place in (_EVERYWHERE, _IN_NAMESPACES):
        # A binding may resolve to another role of the name, which says nothing about this one.
        if (place, id(role)) in given or (given and (place, OwnRules(role).rule_keys) in given):
            yield place


def _given(key: RoleKey, inventory: Inventory) -> Iterator[tuple[str, Hashable]]:
    kind, namespace, name = key
    spaces = ("",) if kind == "ClusterRole" else inventory.spaces(namespace)
    for binding in inventory.find(BOUND_ROLES, *((kind, space, name) for space in spaces)):
        for grant in inventory.bound_by(binding).grants[:1]:
            place = _EVERYWHERE if grant.is_cluster_wide else _IN_NAMESPACES
            yield place, id(grant.role)
            yield place, OwnRules(grant.role).rule_keys


def _receivers(role: Resource, inventory: Inventory) -> Iterator[Resource]:
    """The aggregated roles that take ``role`` over, through others too."""
    seen, queue = {role.name}, [role]
    while queue:
        for receiver in _direct(queue.pop(), inventory):
            if receiver.name not in seen:
                seen.add(receiver.name)
                queue.append(receiver)
                yield receiver


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
