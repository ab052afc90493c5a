"""Judgements that several controls share."""

from collections.abc import Iterable
from typing import Any

from leadline.kube.quantity import parse_quantity
from leadline.model.control import Review, Set, Violations
from leadline.model.resource import Resource

YOUR_NAMESPACE = "YOUR_NAMESPACE"


def default_namespace(resource: Resource) -> Violations:
    """Where an object lives in ``default`` or names no namespace, which comes to the same."""
    if resource.namespace == "default":
        yield Review("metadata.namespace", on=resource)
    elif not resource.namespace:
        yield Set("metadata.namespace", YOUR_NAMESPACE, on=resource)


def outside(value: Any, least: Iterable[str], most: Iterable[str]) -> bool:
    """Whether a quantity is above one of ``most`` or below one of ``least``; what is no quantity is outside."""
    amount = parse_quantity(value)
    if amount is None:
        return True
    floors, ceilings = map(parse_quantity, least), map(parse_quantity, most)
    return any(c is not None and amount > c for c in ceilings) or any(
        f is not None and amount < f for f in floors
    )
