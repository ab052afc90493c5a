"""Which patch of a kustomization sets a field of an object that was built."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leadline.kube.field_path import Step, child_of, format_path, parse_path
from leadline.model.resource import Origin, Resource, resource_of
from leadline.sources.kustomization import FILE_NAMES, read_kustomization
from leadline.sources.ownership import relative_path
from leadline.sources.positions import FilePlaces
from leadline.sources.yaml_documents import parse_documents

_PATCH_BYTES = 1 << 20
_KUSTOMIZATIONS = 200


def patch_places(resource: Resource, path: str, files: FilePlaces) -> Iterator[str]:
    """``overlays/prod/patch.yaml:7`` of each strategic merge patch that holds the field, the last applied first."""
    origin = resource.origin
    top = Path(origin.root).absolute()
    try:
        steps = parse_path(origin.inside + path)
    except ValueError:
        return
    for patch in _patches(top / origin.rendered_from):
        for index, body in _bodies(patch):
            if not _is_for(body, resource):
                continue
            inside = _same_field(body, resource.body, steps)
            if inside:
                where = relative_path(patch, top)
                place = files.find(resource_of(body, Origin("file", where, index, root=str(top))), inside)
                if place and place.exact:
                    yield f"{where}:{place.line}"


def _patches(folder: Path) -> Iterator[str]:
    """Patch files of the kustomization in ``folder`` and of those it builds upon, outermost first."""
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
            yield from reversed(part.patches)
            waiting += part.folders


def _bodies(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_PATCH_BYTES)
    except OSError:
        return
    for document in parse_documents(content):
        if isinstance(document.body, dict):
            yield document.index, document.body


def _is_for(patch: dict[str, Any], resource: Resource) -> bool:
    """By kind and name; a prefix and suffix may have been added since."""
    metadata = patch.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if patch.get("kind") != resource.kind or not isinstance(name, str) or not name:
        return False
    return bool(re.search(rf"(^|[-.]){re.escape(name)}([-.]|$)", resource.name)) or name in resource.name


def _same_field(patch: dict[str, Any], body: dict[str, Any], steps: tuple[Step, ...]) -> str:
    """``steps`` within ``patch``, where lists are joined by the names of their items; empty where it has none."""
    here: Any = patch
    there: Any = body
    found: list[Step] = []
    for step in steps:
        there = child_of(there, step)
        if isinstance(step, int) and isinstance(here, list):
            name = there.get("name") if isinstance(there, dict) else None
            step = next(
                (
                    i
                    for i, item in enumerate(here)
                    if name and isinstance(item, dict) and item.get("name") == name
                ),
                -1,
            )
            if step < 0:
                return ""
        here = child_of(here, step)
        if here is None:
            return ""
        found.append(step)
    return format_path(found)
