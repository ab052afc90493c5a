"""Which patch of a kustomization sets a field of an object that was built."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from leadline.kube.field_path import Step, Steps, child_of, format_path, parse_path, value_at
from leadline.model.resource import Origin, Resource, resource_of
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.plan.file_owner import relative_path
from leadline.sources.rendering.plan.kustomization import FILE_NAMES, Kustomization, read_kustomization
from leadline.sources.yaml.parser import parse_documents

_PATCH_BYTES = 1 << 20
_KUSTOMIZATIONS = 200


Patch = tuple[str, int, dict[str, Any]]
"""File, document within it, body."""


def patches_of(origin: Origin) -> tuple[Patch, ...]:
    """Every strategic merge patch that may have changed what was built there; the last applied comes first."""
    folder = Path(origin.root).absolute() / origin.rendered_from
    return tuple((file, index, body) for file in _patches(folder) for index, body in _bodies(file))


def patch_places(
    resource: Resource, path: str, files: FilePlaces, patches: Sequence[Patch] | None = None
) -> Iterator[str]:
    """``overlays/prod/patch.yaml:7`` of each patch that holds the field and the value it has now.

    ``patches`` are those of ``patches_of``, read again where they are not given.
    """
    origin = resource.origin
    top = Path(origin.root).absolute()
    try:
        steps = parse_path(origin.inside + path)
    except ValueError:
        return
    for patch, index, body in patches_of(origin) if patches is None else patches:
        if not is_patch_of(body, resource):
            continue
        inside = same_field(body, resource.body, steps)
        is_held = steps and len(inside) == len(steps)
        if is_held and value_at(body, inside) == value_at(resource.body, steps):
            where = relative_path(patch, top)
            place = files.find(
                resource_of(body, Origin("file", where, index, root=str(top))), format_path(inside)
            )
            if place and place.exact:
                yield f"{where}:{place.line}"


def kustomizations(folder: Path) -> Iterator[str]:
    """The kustomization in ``folder`` and those it builds upon, outermost first."""
    return (part.file for part in _kustomizations(folder))


def _patches(folder: Path) -> Iterator[str]:
    """Patch files of the kustomization in ``folder`` and of those it builds upon, outermost first."""
    for part in _kustomizations(folder):
        yield from reversed(part.patches)


def _kustomizations(folder: Path) -> Iterator[Kustomization]:
    waiting = [str(folder)]
    seen: set[str] = set()
    while waiting and len(seen) < _KUSTOMIZATIONS:
        here = waiting.pop(0)
        if here in seen:
            continue
        seen.add(here)
        file = next((path for name in FILE_NAMES if (path := Path(here, name)).is_file()), None)
        if file is not None:
            part = read_kustomization(file)
            yield part
            waiting += part.folders


def _bodies(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        content = read_regular(path, _PATCH_BYTES)
    except OSError:
        return
    for document in parse_documents(content):
        if isinstance(document.body, dict):
            yield document.index, document.body


def is_patch_of(patch: dict[str, Any], resource: Resource) -> bool:
    """Whether a strategic merge patch is for the object, by kind and name; a prefix and suffix may have been added since."""
    metadata = patch.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if patch.get("kind") != resource.kind or not isinstance(name, str) or not name:
        return False
    return re.search(rf"(^|[-.]){re.escape(name)}([-.]|$)", resource.name) is not None


def same_field(source: dict[str, Any], built: dict[str, Any], steps: Steps) -> tuple[Step, ...]:
    """As many of ``steps`` as ``source`` has, where items of lists are identified by their names: a merge reorders them."""
    here: Any = source
    there: Any = built
    found: list[Step] = []
    for step in steps:
        there = child_of(there, step)
        if isinstance(step, int) and isinstance(here, list):
            step = _index_of(there, here, step)
        here = None if step == -1 else child_of(here, step)
        if here is None:
            break
        found.append(step)
    return tuple(found)


def _index_of(item: Any, items: list[Any], index: int) -> int:
    name = item.get("name") if isinstance(item, dict) else None
    if name is None:
        return index
    return next((i for i, one in enumerate(items) if isinstance(one, dict) and one.get("name") == name), -1)
