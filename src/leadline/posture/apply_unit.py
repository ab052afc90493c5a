"""Copies of one object in one repository: every overlay builds its own, and no cluster gets more than one of them."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from leadline.model.resource import Origin

T = TypeVar("T")
Unit = tuple[str, str]
"""Root, and the folder or what was rendered: what stands there is applied together."""


def unit_of(origin: Origin) -> Unit:
    return origin.root, origin.rendered_from or origin.path.rpartition("/")[0]


def nearest(
    items: Sequence[T], identity: Callable[[T], Hashable], origin_of: Callable[[T], Origin], beside: Origin
) -> Sequence[T]:
    """One item of each identity, in order: that of the file of ``beside``, else of its unit, or the first."""
    unit = unit_of(beside)
    chosen: dict[Hashable, T] = {}
    nearness: dict[Hashable, int] = {}
    for item in items:
        key, origin = identity(item), origin_of(item)
        near = (1 + (origin.path == beside.path)) if unit_of(origin) == unit else 0
        if near > nearness.get(key, -1):
            nearness[key] = near
            chosen[key] = item
    return items if len(chosen) == len(items) else tuple(chosen.values())
