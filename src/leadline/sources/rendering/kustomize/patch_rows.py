"""Which row of a kustomization's ``patches`` sets a field of an object that was built.

Rows hold a JSON patch (RFC 6902), in a file or in their own text, or a strategic merge patch in their own text; files of the
latter kind are ``patches``' matter. Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from leadline.kube.field_path import Steps, format_path, parse_path, value_at
from leadline.model.resource import Origin, Resource, resource_of
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.kustomize.patches import is_patch_of, kustomizations, same_field
from leadline.sources.rendering.plan.file_owner import relative_path
from leadline.sources.yaml.parser import parse_documents

_PATCH_BYTES = 1 << 20
_LISTS = ("patches", "patchesJson6902")
_MOST = 1_000
"""Rows of one kustomization, and operations of one row."""


_STARS = 3
"""Of one pattern; more would let it take a time that grows with their power."""


class Operation(Struct, frozen=True):
    """One that writes a value."""

    pointer: tuple[str, ...]
    value: Any
    document: int
    """Of the patch's text."""
    index: int
    """In its list."""


class PatchRow(Struct, frozen=True):
    """One row, and what it does."""

    file: str
    """The kustomization, or the file of the patch; absolute."""
    path: str
    """Of the patch's text in the kustomization; empty for a file."""
    body: dict[str, Any]
    """Of the kustomization."""
    target: Mapping[str, Any]
    operations: tuple[Operation, ...] = ()
    merged: tuple[tuple[int, dict[str, Any]], ...] = ()
    """Strategic merge patches, each with the number of its document."""


class RowSpot(Struct, frozen=True):
    """Where a row writes a field."""

    file: str
    """Absolute."""
    text: str
    """Path of the patch's text in the file; empty where the file is the patch."""
    document: int
    """Of the patch."""
    path: str
    """In that document."""


def patch_rows_of(origin: Origin) -> tuple[PatchRow, ...]:
    """Every row that may have changed what was built there; the last applied comes first."""
    folder = Path(origin.root).absolute() / origin.rendered_from
    return tuple(row for file in kustomizations(folder) for row in reversed(list(_rows(file))))


def patch_row_places(
    resource: Resource, path: str, files: FilePlaces, rows: Sequence[PatchRow]
) -> Iterator[str]:
    """``overlays/prod/kustomization.yaml:7`` of each row that wrote the field as it is now."""
    top = Path(resource.origin.root).absolute()
    try:
        steps = parse_path(resource.origin.inside + path)
    except ValueError:
        return
    for row in rows:
        if steps and _aims_at(row, resource) and _writes(row, resource, steps):
            where, line = relative_path(row.file, top), 1
            if row.path:
                holder = resource_of(row.body, Origin("file", where, root=str(top)))
                place = files.find(holder, row.path)
                line = place.line if place else 1
            yield f"{where}:{line}"


def _rows(file: str) -> Iterator[PatchRow]:
    for _, body in islice(_documents(file), 1):
        for name in _LISTS if isinstance(body, dict) else ():
            rows = body.get(name)
            for i, row in enumerate(islice(rows, _MOST) if isinstance(rows, list) else ()):
                if not isinstance(row, dict):
                    continue
                target = row["target"] if isinstance(row.get("target"), dict) else {}
                if isinstance(text := row.get("patch"), str):
                    documents = _bodies(text[:_PATCH_BYTES].encode())
                    merged = tuple((n, body) for n, body in documents if isinstance(body, dict))
                    yield PatchRow(file, f"{name}[{i}].patch", body, target, _operations(documents), merged)
                elif isinstance(path := row.get("path"), str) and "\0" not in path:
                    written = str(Path(file).parent / path)
                    if operations := _operations(list(_documents(written))):
                        yield PatchRow(written, "", body, target, operations)


def _documents(file: str) -> Iterator[tuple[int, Any]]:
    try:
        content = read_regular(file, _PATCH_BYTES)
    except OSError:
        return
    yield from _bodies(content)


def _bodies(content: bytes) -> list[tuple[int, Any]]:
    return [(document.index, document.body) for document in parse_documents(content)]


def _operations(documents: Sequence[tuple[int, Any]]) -> tuple[Operation, ...]:
    return tuple(
        Operation(_pointer(one["path"]), one.get("value"), number, index)
        for number, operations in documents
        if isinstance(operations, list)
        for index, one in enumerate(islice(operations, _MOST))
        if isinstance(one, dict) and one.get("op") in ("add", "replace") and isinstance(one.get("path"), str)
    )


def _pointer(text: str) -> tuple[str, ...]:
    """The steps of a JSON pointer (RFC 6901)."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def _aims_at(row: PatchRow, resource: Resource) -> bool:
    """By kind and name, which are patterns; a target's other words are taken to fit, since the value says the rest."""
    kind, name = row.target.get("kind"), row.target.get("name")
    if kind is None and name is None:
        return any(is_patch_of(body, resource) for _, body in row.merged)
    return _fits(kind, resource.kind) and _fits(name, resource.name, is_changed=True)


def _fits(pattern: Any, text: str, *, is_changed: bool = False) -> bool:
    """``is_changed``: a prefix and a suffix may have been added since."""
    if not isinstance(pattern, str) or not pattern:
        return True
    if len(pattern) > len(text) + 64 or pattern.count("*") > _STARS:
        return False
    plain = re.escape(pattern).replace(r"\.\*", ".*").replace(r"\|", "|")
    around = (r"(.*[-.])?", r"([-.].*)?") if is_changed else ("", "")
    return re.fullmatch(f"{around[0]}({plain}){around[1]}", text) is not None


def _writes(row: PatchRow, resource: Resource, steps: Steps) -> bool:
    return any(not lacking for _, _, lacking in _written(row, resource, steps))


def row_spots(resource: Resource, path: str, rows: Sequence[PatchRow], *, may_add: bool) -> Iterator[RowSpot]:
    """Where rows write the field as it is now; with ``may_add`` also where they write what it is to be added to."""
    steps = parse_path(path)
    for wants_all in (True, False) if may_add else (True,):
        for row in rows:
            if not steps or not _aims_at(row, resource):
                continue
            for document, inside, lacking in _written(row, resource, steps):
                if wants_all is not lacking:
                    yield RowSpot(row.file, row.path, document, format_path(inside))


def _written(row: PatchRow, resource: Resource, steps: Steps) -> Iterator[tuple[int, Steps, bool]]:
    """Document and path of each place where the row writes the field, and whether its parent alone is there."""
    now = value_at(resource.body, steps)
    for one in row.operations:
        if len(one.pointer) > len(steps) or not all(map(_is_step, one.pointer, steps)):
            continue
        rest = steps[len(one.pointer) :]
        inside = (one.index, "value", *rest)
        if now is not None and value_at(one.value, rest) == now:
            yield one.document, inside, False
        elif now is None and rest and isinstance(one.value, dict):
            yield one.document, inside, True
    for document, body in row.merged:
        found = same_field(body, resource.body, steps)
        if len(found) == len(steps) and value_at(body, found) == now:
            yield document, found, False


def _is_step(written: str, step: Any) -> bool:
    """``-`` is the end of a list, which was some index."""
    return written == str(step) or (written == "-" and isinstance(step, int))
