"""Requests and limits of CPU and memory: whether they are set, and within which bounds.

A LimitRange fills in what a container leaves out, and beside a ResourceQuota on a resource the API server refuses pods
that leave it out (https://kubernetes.io/docs/concepts/policy/limit-range/,
https://kubernetes.io/docs/concepts/policy/resource-quotas/).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from leadline.kube.quantity import parse_quantity
from leadline.model.control import YOUR_VALUE, Review, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, mapping, mappings

Bounds = tuple[str, ...]
"""Quantities, each of which holds."""
BOUND_KINDS = ("LimitRange", "ResourceQuota")
"""Kinds that set bounds for all containers of their namespace."""


def has_bounds(kind: str, namespace: str, inventory: Inventory) -> bool:
    """Whether an object of ``kind``, one of ``BOUND_KINDS``, sets any bound in ``namespace``."""
    return inventory.has(_BOUNDED, *((kind, space) for space in inventory.spaces(namespace)))


def takes_resources(container: Container) -> bool:
    """Whether resources can be written for it: not for a debugging container."""
    return not container.is_ephemeral


def has_limit(container: Container, resource: str, inventory: Inventory) -> bool:
    """Whether the use of ``resource`` (``cpu``, ``memory``) is limited, for the container, its pod or its namespace."""
    return _is_written(container, "limits", resource) or _is_of_namespace(
        container, f"limits.{resource}", inventory
    )


def has_request(container: Container, resource: str, inventory: Inventory) -> bool:
    """Whether the container requests ``resource`` (``cpu``, ``memory``): itself, or through its pod, limit or namespace.

    The API server takes a limit for the request that is not written
    (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
    """
    return (
        _is_written(container, "requests", resource)
        or has_limit(container, resource, inventory)
        or _is_of_namespace(container, f"requests.{resource}", inventory)
    )


def _is_written(container: Container, field: str, resource: str) -> bool:
    if _is_some(mapping(container.resources.get(field)).get(resource)):
        return True
    of_pod = container.workload.pod.get("resources")
    return of_pod is not None and _is_some(mapping(mapping(of_pod).get(field)).get(resource))


def _is_some(quantity: Any) -> bool:
    """Whether an amount is written: to the kubelet a limit of zero is none, and a request of zero asks for nothing."""
    return quantity is not None and parse_quantity(quantity) != 0


def _is_of_namespace(container: Container, bound: str, inventory: Inventory) -> bool:
    """Whether its namespace gives it ``limits.cpu``, ``requests.memory`` or the like where it leaves that out."""
    spaces = inventory.spaces(container.workload.resource.namespace)
    found = inventory.find(_BOUNDS, *[(space, bound) for space in spaces])
    if found:
        inventory.rest_on(found[0])
    return bool(found)


def _bounds(filed: Filed) -> Iterator[tuple[tuple[str, str], Resource]]:
    spec = mapping(filed.resource.body.get("spec"))
    for bound in _of_quota(spec) if filed.resource.kind == "ResourceQuota" else _of_limit_range(spec):
        for space in filed.spaces:
            yield (space, bound), filed.resource


def _bounded(filed: Filed) -> Iterator[tuple[tuple[str, str], None]]:
    spec = mapping(filed.resource.body.get("spec"))
    # Both may be empty, and then refuse nothing and fill in nothing.
    ranges = [range for _, item in mappings(spec.get("limits")) for range in map(mapping, item.values())]
    if any(map(mapping, (spec.get("hard"), *ranges))):
        yield from (((filed.resource.kind, space), None) for space in filed.spaces)


def _of_limit_range(spec: Mapping[str, Any]) -> Iterator[str]:
    for _, item in mappings(spec.get("limits")):
        if item.get("type") == "Container":
            yield from _filled_in(item)


def _of_quota(spec: Mapping[str, Any]) -> Iterator[str]:
    if not spec.get("scopes") and not spec.get("scopeSelector"):  # else it holds for some of the pods
        hard = mapping(spec.get("hard"))
        yield from map(str, hard)
        yield from (f"requests.{name}" for name in ("cpu", "memory") if name in hard)


def _filled_in(item: Mapping[str, Any]) -> Iterable[str]:
    """A greatest value replaces the default limit, a least one the default request."""
    for fields, kind in ((("default", "max"), "limits"), (("defaultRequest", "min"), "requests")):
        for field in fields:
            yield from (f"{kind}.{name}" for name in mapping(item.get(field)))


def bounds_of(
    container: Container,
    resource: str,
    inventory: Inventory,
    *,
    limits: tuple[Bounds, Bounds],
    requests: tuple[Bounds, Bounds],
) -> Violations:
    """Limit and request of ``cpu`` or ``memory`` that are missing, or outside the (least, most) agreed on."""
    for field, (least, most) in (("limits", limits), ("requests", requests)):
        value = mapping(container.resources.get(field)).get(resource)
        if value is not None and (amount := parse_quantity(value)) != 0:
            if _is_outside(amount, least, most):
                yield Review(f"resources.{field}.{resource}")
        elif not (has_limit if field == "limits" else has_request)(container, resource, inventory):
            yield Set(f"resources.{field}.{resource}", YOUR_VALUE)


def outside(value: Any, least: Iterable[str], most: Iterable[str]) -> bool:
    """Whether a quantity is above one of ``most`` or below one of ``least``; what is not a quantity is outside."""
    return _is_outside(parse_quantity(value), tuple(least), tuple(most))


def _is_outside(amount: int | None, least: Bounds, most: Bounds) -> bool:
    if amount is None:
        return True
    floor, ceiling = _range(least, most)
    return (floor is not None and amount < floor) or (ceiling is not None and amount > ceiling)


@lru_cache(maxsize=64)
def _range(least: Bounds, most: Bounds) -> tuple[int | None, int | None]:
    """The greatest of ``least`` and the least of ``most``; ``None`` for none. What is not a quantity is not a bound."""
    floors = [amount for amount in map(parse_quantity, least) if amount is not None]
    ceilings = [amount for amount in map(parse_quantity, most) if amount is not None]
    return max(floors, default=None), min(ceilings, default=None)


_BOUNDS: Index[Resource] = Index(BOUND_KINDS, _bounds)
_BOUNDED: Index[None] = Index(BOUND_KINDS, _bounded)
