"""Requests and limits of CPU and memory: whether they are set, and within which bounds."""

from collections.abc import Iterable, Mapping
from typing import Any

from leadline.kube.quantity import parse_quantity
from leadline.model.control import YOUR_VALUE, Review, Set, Violations
from leadline.posture.subject import Container, mapping

Bounds = tuple[str, ...]
"""Quantities, each of which holds."""


def has_limit(container: Container, resource: str) -> bool:
    """Whether the use of ``resource`` (``cpu``, ``memory``) is limited, for the container or its pod."""
    return any(_is_some(mapping(place.get("limits")).get(resource)) for place in _resources_of(container))


def has_request(container: Container, resource: str) -> bool:
    """Whether the container requests ``resource`` (``cpu``, ``memory``): by itself, through its pod, or by its limit.

    The API server takes a limit for the request that is not written
    (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
    """
    return has_limit(container, resource) or any(
        _is_some(mapping(place.get("requests")).get(resource)) for place in _resources_of(container)
    )


def _resources_of(container: Container) -> tuple[Mapping[str, Any], ...]:
    return container.resources, mapping(container.workload.pod.get("resources"))


def _is_some(quantity: Any) -> bool:
    """Whether an amount is written: to the kubelet a limit of zero is none, and a request of zero asks for nothing."""
    return quantity is not None and parse_quantity(quantity) != 0


def bounds_of(
    container: Container, resource: str, *, limits: tuple[Bounds, Bounds], requests: tuple[Bounds, Bounds]
) -> Violations:
    """Limit and request of ``cpu`` or ``memory`` that are missing, or outside the (least, most) agreed on."""
    pod = mapping(container.workload.pod.get("resources"))
    for field, (least, most) in (("limits", limits), ("requests", requests)):
        value = mapping(container.resources.get(field)).get(resource)
        is_implied = field == "requests" and has_request(container, resource)
        if _is_some(value):
            if outside(value, least, most):
                yield Review(f"resources.{field}.{resource}")
        elif not _is_some(mapping(pod.get(field)).get(resource)) and not is_implied:
            yield Set(f"resources.{field}.{resource}", YOUR_VALUE)


def outside(value: Any, least: Iterable[str], most: Iterable[str]) -> bool:
    """Whether a quantity is above one of ``most`` or below one of ``least``; what is no quantity is outside."""
    amount = parse_quantity(value)
    if amount is None:
        return True
    floors, ceilings = map(parse_quantity, least), map(parse_quantity, most)
    return any(c is not None and amount > c for c in ceilings) or any(
        f is not None and amount < f for f in floors
    )
