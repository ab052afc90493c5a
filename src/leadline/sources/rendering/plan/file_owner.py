"""Who judges which file: each belongs to exactly one of a Helm chart, a kustomization, or neither (plain).

The outer owner goes first: a chart within a chart's ``charts/`` is the parent's, a kustomization within a
chart's ``templates/`` is the chart's, and a base belongs to the overlays that build upon it.
"""

import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Literal

from msgspec import Struct

from leadline.sources.boundary import Boundary, boundary_of
from leadline.sources.manifests.files import ARCHIVE_ENDINGS, is_filled_by_tools
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.plan.kustomization import FILE_NAMES, Kustomization, read_kustomization

OwnerKind = Literal["plain", "helm", "kustomize"]

# https://helm.sh/docs/topics/charts/#the-chart-file-structure
_CHART_FOLDERS = frozenset({"templates", "crds", "charts"})
_CHART_FILES = frozenset(
    {
        "Chart.yaml",
        "Chart.lock",
        "values.yaml",
        "values.schema.json",
        "requirements.yaml",
        "requirements.lock",
    }
)
_ARCHIVE_MEMBERS = 20
_ARCHIVE_BYTES = 4 << 20
"""Unpacked, of the beginning of an archive: Helm writes ``Chart.yaml`` first."""


class Owner(Struct, frozen=True):
    kind: OwnerKind = "plain"
    of: str = ""
    """The chart (folder or archive) or the kustomization's folder, relative to the root; empty for plain."""


PLAIN = Owner()


class Root(Struct, frozen=True):
    """A kustomization that no other builds upon."""

    kustomization: Kustomization
    parts: tuple[Kustomization, ...]
    """Itself, and all within the scanned root that it builds upon."""


class Ownership(Struct, frozen=True):
    """The plan for one root. Paths have forward slashes and are relative to ``root``; ``""`` is the root itself."""

    root: str
    """Absolute."""
    charts: tuple[str, ...]
    """Folders and archives to render, in the order of their paths."""
    roots: tuple[Root, ...]
    """Kustomizations to build, in the order of their paths."""
    lone_components: tuple[Kustomization, ...]
    """Components that no kustomization uses; there is nothing to build."""
    owners: Mapping[str, Owner]
    """By file; what is absent is plain."""
    boundary: Boundary
    """What may be read of it."""

    def owner_of(self, path: str) -> Owner:
        return self.owners.get(path, PLAIN)

    def absolute(self, path: str) -> str:
        return os.path.normpath(Path(self.root, path))


def plan_ownership(root: Path, is_excluded: Callable[[str], bool] | None = None) -> Ownership:
    """The owner of every file at or below ``root``, a folder, a chart archive or a kustomization file.

    ``is_excluded`` gets a path relative to ``root``, folders with a slash at their end.
    Symbolic links are not followed.
    """
    top = root if root.is_dir() else root.parent
    top = Path(os.path.normpath(top.absolute()))
    files = sorted(_files(top, is_excluded)) if root.is_dir() else [root.name]
    charts, owners = _chart_owners(top, files)
    found = [
        read_kustomization(top / path)
        for path in files
        if path.rpartition("/")[2] in FILE_NAMES and path not in owners
    ]
    graph = _Graph(found)
    roots = [Root(kustomization, graph.parts_of(kustomization)) for kustomization in graph.roots()]
    known = set(files)
    # A component that nothing uses takes in what is below it alone: elsewhere it would hide what others apply.
    claims = [
        (path, lone)
        for lone in graph.lone_components
        for path in (lone.file, *lone.patches)
        if Path(path).is_relative_to(lone.folder)
    ]
    claims += [(path, root.kustomization) for root in roots for path in _files_of(root)]
    for path, kustomization in claims:
        relative = relative_path(path, top)
        if relative in known:
            owners.setdefault(relative, Owner("kustomize", relative_path(kustomization.folder, top)))
    # An archive or a file that the user named by a link is meant to be read.
    boundary = boundary_of(top if root.is_dir() else root.resolve().parent)
    return Ownership(str(top), tuple(charts), tuple(roots), tuple(graph.lone_components), owners, boundary)


def _files_of(root: Root) -> Iterator[str]:
    for part in root.parts:
        yield part.file
        yield from part.patches
        yield from part.resources


def relative_path(path: str, top: Path) -> str:
    """``path`` relative to ``top`` with forward slashes; ``""`` for ``top`` itself."""
    relative = os.path.relpath(path, top).replace(os.sep, "/")
    return "" if relative == "." else relative


def _files(top: Path, is_excluded: Callable[[str], bool] | None) -> Iterator[str]:
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(top / folder))
        except OSError:
            continue
        for entry in entries:
            path = folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                if not is_filled_by_tools(entry.name) and not (is_excluded and is_excluded(path + "/")):
                    waiting.append(path + "/")
            elif not (is_excluded and is_excluded(path)):
                yield path


def _chart_owners(top: Path, files: list[str]) -> tuple[list[str], dict[str, Owner]]:
    folders = {path.rpartition("/")[0] for path in files if path.rpartition("/")[2] == "Chart.yaml"}
    owners: dict[str, Owner] = {}
    for path in files:
        chart = _chart_of(path, folders)
        if chart is not None:
            owners[path] = Owner("helm", chart)
    charts = [folder for folder in folders if owners[_joined(folder, "Chart.yaml")].of == folder]
    for path in files:
        if path.endswith(ARCHIVE_ENDINGS) and path not in owners and _is_chart_archive(top / path):
            charts.append(path)
            owners[path] = Owner("helm", path)
    return sorted(charts), owners


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _chart_of(path: str, folders: set[str]) -> str | None:
    """The outermost chart that takes ``path`` in."""
    parts = path.split("/")
    for depth in range(len(parts)):
        folder = "/".join(parts[:depth])
        if folder in folders and (
            parts[depth] in _CHART_FOLDERS if depth < len(parts) - 1 else parts[depth] in _CHART_FILES
        ):
            return folder
    return None


def _is_chart_archive(path: Path) -> bool:
    """Whether one of the first members is ``NAME/Chart.yaml``; archives are read, never unpacked."""
    try:
        content = read_regular(path, _ARCHIVE_BYTES)
        begin = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, _ARCHIVE_BYTES)
        with tarfile.open(fileobj=BytesIO(begin), mode="r:") as archive:
            for _ in range(_ARCHIVE_MEMBERS):
                member = archive.next()
                if member is None:
                    return False
                if member.name.count("/") == 1 and member.name.endswith("/Chart.yaml"):
                    return True
    except (OSError, tarfile.TarError, zlib.error, ValueError):
        return False
    return False


class _Graph:
    """Which kustomization builds upon which."""

    def __init__(self, found: list[Kustomization]) -> None:
        self._found = found
        self._by_folder = {k.folder: k for k in found}
        used = {folder for k in found for folder in k.folders if folder != k.folder}
        self._used = used
        self.lone_components = [k for k in found if k.kind == "Component" and k.folder not in used]

    def roots(self) -> list[Kustomization]:
        """Those that none builds upon, and one of each ring that builds upon itself."""
        roots = [k for k in self._found if k.folder not in self._used and k.kind != "Component"]
        reached = {folder for k in [*roots, *self.lone_components] for folder in self._reach(k)}
        for kustomization in self._found:
            if kustomization.folder not in reached:
                roots.append(kustomization)
                reached |= self._reach(kustomization)
        return sorted(roots, key=lambda k: k.file)

    def parts_of(self, kustomization: Kustomization) -> tuple[Kustomization, ...]:
        found = (self._by_folder.get(folder) for folder in sorted(self._reach(kustomization)))
        return tuple(part for part in found if part is not None)

    def _reach(self, start: Kustomization) -> set[str]:
        reached: set[str] = set()
        waiting = [start.folder]
        while waiting:
            folder = waiting.pop()
            if folder not in reached:
                reached.add(folder)
                part = self._by_folder.get(folder)
                waiting += part.folders if part else ()
        return reached
