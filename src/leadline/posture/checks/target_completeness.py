"""Whether something that an object names, and that was not read, would have been read if it existed.

A folder of manifests is seldom all that a cluster holds: an Ingress may stand alone, an operator may make the
pods of a Service. What is missing is a fault only in a whole cluster, or where its like is beside the
object: in the same file or folder, chart or kustomization, and in the same namespace; where its siblings there name what was
read elsewhere; or where the user says that what
was read is all there is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from leadline.kube.kinds import BUILT_IN
from leadline.model.control import NotJudged
from leadline.model.resource import Resource
from leadline.posture.apply_unit import DEFAULT_NAMESPACE, unit_of
from leadline.posture.index import EVERY_KIND, WORKLOADS, Filed, Index, kind_name
from leadline.posture.inventory import Inventory
from leadline.posture.subject import mapping

Place = tuple[str, str, str]
"""Root, folder or what was rendered, namespace."""
BUILT_IN_GROUPS = frozenset(kind.group for kind in BUILT_IN.values())
NODE_NAMESPACE = "kube-system"
"""Here installers put what no manifest of a project holds: the control plane, DNS, the proxy."""


Resolves = Callable[[Resource, Inventory], bool]
"""Whether anything that an object names is there."""


def expect(
    resource: Resource,
    kinds: Iterable[str],
    inventory: Inventory,
    namespace: str = "",
    *,
    name: str = "",
    resolves: Resolves | None = None,
) -> None:
    """Raises ``NotJudged`` where nothing of ``kinds`` is beside ``resource``, or an operator may make ``name``.

    They may be in another folder where ``resolves`` says so of the object or of its like in the same folder: what
    is named from there is part of what was read.
    """
    if inventory.is_whole:
        return
    place = _place(resource, namespace or resource.namespace)
    kinds = tuple(kinds)
    if any(inventory.has(_beside(kind), place) for kind in kinds) or (
        resolves is not None
        and _place(resource, resource.namespace) in _resolved(resource, inventory, resolves)
    ):
        if _may_be_made((name,), place, inventory):
            raise NotJudged("what it names may be made by an operator from a custom resource")
        return
    named = " or ".join("workload" if k == WORKLOADS else k.partition(".")[0] for k in kinds)
    raise NotJudged(f"no {named} was read beside it; it may be elsewhere in the cluster")


def _resolved(resource: Resource, inventory: Inventory, resolves: Resolves) -> frozenset[Place]:
    """The places around ``resource`` with an object of its kind that names something which was read."""
    kind = kind_name(resource)
    return inventory.once(
        f"names something that was read: {kind}, {resolves.__module__}",
        lambda: frozenset(
            _place(one, one.namespace)
            for one in inventory.of(kind)
            if resolves(one, inventory.seen_from(one))
        ),
    )


def expect_cluster(inventory: Inventory) -> None:
    """Raises ``NotJudged`` for files: the control lists what a cluster holds, for its operator to go through."""
    if not inventory.is_whole:
        raise NotJudged("a list for a person to review, made of whole clusters only")


def expect_pods(resource: Resource, pairs: Mapping[Any, Any], inventory: Inventory) -> None:
    """Raises ``NotJudged`` where pods with the labels ``pairs`` may be made by what was not read."""
    if inventory.is_whole:
        return
    if resource.namespace == NODE_NAMESPACE:
        raise NotJudged(f"what runs in {NODE_NAMESPACE} comes with the cluster, which was not read")
    expect(resource, (WORKLOADS,), inventory)
    place = _place(resource, resource.namespace)
    if _may_be_made(map(str, pairs.values()), place, inventory):
        raise NotJudged("its pods may be made by an operator from a custom resource")
    words = (resource.name, *map(str, pairs))
    if pairs and not inventory.has(_POD_WORDS, *((*place, word) for word in words)):
        raise NotJudged("no pod that was read here has such a label, so its pods come from elsewhere")


def expect_no_operator(account: Resource, inventory: Inventory) -> None:
    """Raises ``NotJudged`` where a custom resource names the service account, or an operator comes with it."""
    if inventory.is_whole:
        return
    if inventory.has(_ACCOUNTS_NAMED, (*_place(account, account.namespace), account.name)):
        raise NotJudged("a custom resource names it, so that its operator makes the pods")
    if inventory.has(_DEFINITIONS, inventory.everywhere):
        raise NotJudged("an operator that comes with it may make pods that use it")


def _accounts_named(filed: Filed) -> Iterator[tuple[tuple[str, ...], None]]:
    """Custom resources that name an account in their spec, or one level below."""
    resource = filed.resource
    spec = mapping(resource.body.get("spec")) if _makes_pods(resource) else {}
    for holder in (spec, *map(mapping, spec.values())):
        for field in ("serviceAccountName", "serviceAccount"):
            if isinstance(name := holder.get(field), str):
                yield (*_place(resource, resource.namespace), name), None


_ACCOUNTS_NAMED: Index[None] = Index((EVERY_KIND,), _accounts_named)
_DEFINITIONS: Index[None] = Index(
    (EVERY_KIND,),
    lambda filed: [(filed.everywhere, None)] if filed.resource.kind == "CustomResourceDefinition" else [],
)
"""Every object is asked for its kind, so that no cluster has to list definitions for it."""


@cache
def _beside(kind: str) -> Index[None]:
    """The places that hold an object of ``kind``; bounded by the number of kinds that controls ask for."""
    return Index((kind,), lambda filed: ((_place(filed.resource, filed.resource.namespace), None),))


def _may_be_made(names: Iterable[str], place: Place, inventory: Inventory) -> bool:
    """Whether one of ``names`` describes a custom resource: its kind, a label, its name or what begins with that.

    An operator calls what it makes for ``shop`` ``shop-cache``.
    """
    lowered = [name.lower() for name in names if name]
    called = inventory.find(_MAKERS, place)
    return inventory.has(_MADE, *((*place, name) for name in lowered)) or any(
        name.startswith(f"{maker}-") for maker in called for name in lowered
    )


def _makers(filed: Filed) -> Iterator[tuple[Place, str]]:
    """How custom resources are called."""
    if _makes_pods(filed.resource):
        yield _place(filed.resource, filed.resource.namespace), filed.resource.name.lower()


def _made(filed: Filed) -> Iterator[tuple[tuple[str, ...], None]]:
    """What describes custom resources, labels included, since operators pass them on."""
    resource = filed.resource
    if _makes_pods(resource):
        place = _place(resource, resource.namespace)
        labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
        for word in (
            resource.kind.lower(),
            resource.name.lower(),
            *(str(v).lower() for v in labels.values()),
        ):
            yield (*place, word), None


def _makes_pods(resource: Resource) -> bool:
    """Whether it is a custom resource that says more than how pods that are there are reached or watched."""
    return not (
        resource.group in BUILT_IN_GROUPS
        or resource.group.endswith(_GROUPS_WITHOUT_PODS)
        or resource.kind.endswith(_KINDS_WITHOUT_PODS)
    )


_GROUPS_WITHOUT_PODS = (
    "istio.io",
    "cilium.io",
    "projectcalico.org",
    "cert-manager.io",
    "external-secrets.io",
)
_KINDS_WITHOUT_PODS = ("Route", "Monitor", "PrometheusRule", "Policy", "Middleware")


def _pod_words(filed: Filed) -> Iterator[tuple[tuple[str, ...], None]]:
    """What workloads are called, and the keys of their pods' labels."""
    for workload in filed.workloads:
        place = _place(filed.resource, workload.namespace)
        for word in (filed.resource.name, *map(str, workload.labels)):
            yield (*place, word), None


def _place(resource: Resource, namespace: str) -> Place:
    return *unit_of(resource.origin), namespace or DEFAULT_NAMESPACE


_MAKERS: Index[str] = Index((EVERY_KIND,), _makers)
_MADE: Index[None] = Index((EVERY_KIND,), _made)
_POD_WORDS: Index[None] = Index((WORKLOADS,), _pod_words)
