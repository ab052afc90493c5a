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
    """One item of each identity, in order: that of the unit of ``beside``, or the first."""
    unit = unit_of(beside)
    chosen: dict[Hashable, T] = {}
    near: set[Hashable] = set()
    for item in items:
        key = identity(item)
        if key in near:
            continue
        if unit_of(origin_of(item)) == unit:
            near.add(key)
            chosen[key] = item
        else:
            chosen.setdefault(key, item)
    return items if len(chosen) == len(items) else tuple(chosen.values())
