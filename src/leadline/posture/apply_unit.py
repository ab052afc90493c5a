"""What is applied together: the worlds of a target, and where in a world an object is.

Each rendering of a chart or a kustomization is a world of its own, a cluster is one, and the loose manifests of a
target are one. No object of one world joins with an object of another: no overlay excuses or accuses the next.
Objects of loose manifests that write no namespace go wherever their folder is applied to, so they join within it only.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TypeVar

from leadline.model.resource import Origin, joined

T = TypeVar("T")
DEFAULT_NAMESPACE = "default"
Unit = tuple[str, str]
"""Root, and the folder or what was rendered: what is there is applied together."""
World = tuple[str, str, str]
"""Kind of origin, root or context, what was rendered; the last two are empty for loose manifests."""
Spaces = tuple[str, ...]
"""Namespaces under which an object is filed or looked for; those of one folder start with a zero byte."""


def unit_of(origin: Origin) -> Unit:
    return origin.root, origin.rendering or origin.path.rpartition("/")[0]


def world_of(origin: Origin) -> World:
    if origin.kind == "file" and not origin.rendered_from:
        return "file", "", ""
    if origin.kind == "cluster":
        return "cluster", origin.cluster, ""
    return "rendered", origin.root, origin.rendering


def folder_of(origin: Origin) -> str:
    """The folder of a loose manifest, with a slash at the end; empty for everything else."""
    return _folder(origin.root, origin.path) if origin.kind == "file" and not origin.rendered_from else ""


@lru_cache(4096)
def _folder(root: str, path: str) -> str:
    return joined(root, path).rpartition("/")[0] + "/"


def filed_under(folder: str, namespace: str) -> Spaces:
    """Where an object that writes ``namespace`` (or none) is filed."""
    if not folder:
        return (namespace or DEFAULT_NAMESPACE,)
    if not namespace:
        return (_unwritten(folder),)
    return (namespace, _written(folder)) if namespace == DEFAULT_NAMESPACE else (namespace,)


def looked_for(folder: str, namespace: str, *, is_written: bool) -> Spaces:
    """Where an object of ``folder`` finds those of ``namespace``; ``is_written`` says whether it writes its own."""
    if not folder or namespace not in ("", DEFAULT_NAMESPACE):
        return (namespace or DEFAULT_NAMESPACE,)
    return (DEFAULT_NAMESPACE if is_written else _written(folder), _unwritten(folder))


def _unwritten(folder: str) -> str:
    return f"\0{folder}"


def _written(folder: str) -> str:
    """The objects of a folder that write ``default`` themselves."""
    return f"\0\0{folder}"


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
