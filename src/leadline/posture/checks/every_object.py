"""Conditions that every object of a kind has to meet."""

from collections.abc import Callable

from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory


def all_meet(inventory: Inventory, kind: str, condition: Callable[[Resource], bool]) -> bool:
    """Whether every object of ``kind`` meets ``condition``; worked out once per scan."""
    question = f"{condition.__module__}: every {kind}"
    return inventory.once(question, lambda: all(condition(resource) for resource in inventory.of(kind)))
