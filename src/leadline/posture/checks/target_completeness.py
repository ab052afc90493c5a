"""Whether something that an object names, and that was not read, would have been read if it existed.

A folder of manifests is seldom all that a cluster holds: an Ingress may stand alone, an operator may make the
pods of a Service. What is missing is a fault only in a whole cluster, or where its like stands beside the
object: in the same file or folder, chart or kustomization, and in the same namespace. Who asks for one control by name
gets its verdict in any case.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from leadline.kube.kinds import BUILT_IN
from leadline.model.control import NotJudged
from leadline.model.resource import Resource
from leadline.posture.apply_unit import unit_of
from leadline.posture.inventory import DEFAULT_NAMESPACE, WORKLOADS, Inventory
from leadline.posture.subject import mapping

Place = tuple[str, str, str]
"""Root, folder or what was rendered, namespace."""
BUILT_IN_GROUPS = frozenset(kind.group for kind in BUILT_IN.values())
NODE_NAMESPACE = "kube-system"
"""Here installers put what no manifest of a project holds: the control plane, DNS, the proxy."""


def expect(
    resource: Resource, kinds: Iterable[str], inventory: Inventory, namespace: str = "", *, name: str = ""
) -> None:
    """Raises ``NotJudged`` where nothing of ``kinds`` stands beside ``resource``, or an operator may make ``name``."""
    if inventory.is_whole or inventory.is_asked:
        return
    place = _place(resource, namespace or resource.namespace)
    kinds = tuple(kinds)
    if any(place in _places_of(kind, inventory) for kind in kinds):
        if _may_be_made((name,), place, inventory):
            raise NotJudged("what it names may be made by an operator from a custom resource")
        return
    named = " or ".join("workload" if k == WORKLOADS else k.partition(".")[0] for k in kinds)
    raise NotJudged(f"no {named} stands beside what names one, and the target is no whole cluster")


def expect_cluster(inventory: Inventory) -> None:
    """Raises ``NotJudged`` for files: the control lists what a cluster holds, for its operator to go through."""
    if not (inventory.is_whole or inventory.is_asked):
        raise NotJudged("it lists what a whole cluster holds, for a person to go through")


def expect_pods(resource: Resource, pairs: Mapping[Any, Any], inventory: Inventory) -> None:
    """Raises ``NotJudged`` where pods with the labels ``pairs`` may be made by what was not read."""
    if inventory.is_whole or inventory.is_asked:
        return
    if resource.namespace == NODE_NAMESPACE:
        raise NotJudged(f"what runs in {NODE_NAMESPACE} comes with the cluster, which was not read")
    expect(resource, (WORKLOADS,), inventory)
    place = _place(resource, resource.namespace)
    if _may_be_made(map(str, pairs.values()), place, inventory):
        raise NotJudged("its pods may be made by an operator from a custom resource")
    known = inventory.once("surroundings: known", lambda: _names_of_pods(inventory)).get(place, set())
    if pairs and resource.name not in known and known.isdisjoint(map(str, pairs)):
        raise NotJudged("no pod beside it has such a label at all, so its pods come from elsewhere")


def _places_of(kind: str, inventory: Inventory) -> set[Place]:
    def places() -> set[Place]:
        found = (w.resource for w in inventory.workloads) if kind == WORKLOADS else inventory.of(kind)
        return {_place(resource, resource.namespace) for resource in found}

    return inventory.once(f"surroundings: {kind}", places)


def _may_be_made(names: Iterable[str], place: Place, inventory: Inventory) -> bool:
    """Whether one of ``names`` tells of a custom resource: its kind, a label, its name or what begins with that.

    An operator calls what it makes for ``shop`` ``shop-cache``.
    """
    made, makers = inventory.once("surroundings: made", lambda: _makers(inventory))
    told, called = made.get(place, set()), makers.get(place, set())
    lowered = [name.lower() for name in names if name]
    return any(name in told or any(name.startswith(f"{maker}-") for maker in called) for name in lowered)


Words = dict[Place, set[str]]


def _makers(inventory: Inventory) -> tuple[Words, Words]:
    """What tells of custom resources, labels included, since operators pass them on; and how those are called."""
    told: Words = {}
    called: Words = {}
    for resource in inventory.resources:
        if resource.group in BUILT_IN_GROUPS or _makes_nothing(resource):
            continue
        place, name = _place(resource, resource.namespace), resource.name.lower()
        labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
        told.setdefault(place, set()).update(
            (resource.kind.lower(), name), (str(v).lower() for v in labels.values())
        )
        called.setdefault(place, set()).add(name)
    return told, called


def _makes_nothing(resource: Resource) -> bool:
    """Whether it only says how pods that are there are reached, watched or given their certificates."""
    return resource.group.endswith(_GROUPS_WITHOUT_PODS) or resource.kind.endswith(_KINDS_WITHOUT_PODS)


_GROUPS_WITHOUT_PODS = (
    "istio.io",
    "cilium.io",
    "projectcalico.org",
    "cert-manager.io",
    "external-secrets.io",
)
_KINDS_WITHOUT_PODS = ("Route", "Monitor", "PrometheusRule", "Policy", "Middleware")


def _names_of_pods(inventory: Inventory) -> dict[Place, set[str]]:
    """What workloads are called, and the keys of their pods' labels."""
    known: dict[Place, set[str]] = {}
    for workload in inventory.workloads:
        names = known.setdefault(_place(workload.resource, workload.namespace), set())
        names.update((workload.resource.name, *map(str, workload.labels)))
    return known


def _place(resource: Resource, namespace: str) -> Place:
    return *unit_of(resource.origin), namespace or DEFAULT_NAMESPACE
