"""Where the objects of a scan come from: the one place that chooses among the sources."""

import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import msgspec
from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.finding import Unread
from leadline.model.report import Target, TargetKind
from leadline.model.resource import Resource
from leadline.outputs.place import Places, joined
from leadline.programs.cli.scanning.request import Request

STDIN = "-"


class Reading(Struct, frozen=True):
    """What was read of the target, and what was not."""

    target: Target
    resources: tuple[Resource, ...]
    places: Places
    unread: tuple[Unread, ...] = ()
    """With paths as the user would open them."""
    notes: tuple[str, ...] = ()
    """Oddities worth a line on stderr."""
    not_kubernetes: int = 0
    files: int = 0
    is_whole: bool = False
    """Whether the target is a whole cluster."""


def read(request: Request) -> Reading:
    """Reads what the request names.

    Raises: ``SourceError`` where it cannot be read at all, ``UsageError`` where it makes no sense.
    """
    if not request.targets:
        raise UsageError(
            "scan needs a file, a folder or '-'",
            hint="for example: leadline scan deploy/ or helm template . | leadline scan -",
        )
    return _files(request)


def _files(request: Request) -> Reading:
    from leadline.sources.manifests import read_manifests
    from leadline.sources.positions import FilePlaces
    from leadline.sources.yaml_documents import LIMITS

    text = sys.stdin.buffer.read(LIMITS.size_bytes + 1) if STDIN in request.targets else b""
    found = read_manifests(request.targets, ignore=request.exclude_path, stdin=BytesIO(text))
    notes = tuple(
        f"{joined(found.root, twice.path)}:{twice.line}: {twice.key} is written twice; the last one counts"
        for twice in found.duplicates
    )
    return Reading(
        Target(
            _kind(request.targets),
            " ".join(request.targets),
            root=str(Path(found.root).absolute()) if found.root else "",
        ),
        found.resources,
        FilePlaces(text),
        tuple(_as_opened(found.root, found.unread)),
        notes,
        found.not_kubernetes,
        found.files,
    )


def _kind(targets: tuple[str, ...]) -> TargetKind:
    if targets == (STDIN,):
        return "stdin"
    return "file" if len(targets) == 1 and Path(targets[0]).is_file() else "directory"


def _as_opened(root: str, unread: Iterable[Unread]) -> Iterable[Unread]:
    for part in unread:
        yield msgspec.structs.replace(part, where=joined(root, part.where))
