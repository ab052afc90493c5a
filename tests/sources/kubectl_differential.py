"""Holds what is read of many files against what kubectl reads of them."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from leadline.sources.manifests.reader import read_manifests
from sources.kubectl_library import Library
from sources.kubectl_reading import as_json, read_with_kubectl, without_probe
from sources.manifest_shapes import Shapes


def write_shapes(folder: Path, seed: int, count: int) -> None:
    for number, (ending, content) in enumerate(islice(Shapes(seed), count)):
        (folder / f"f{number:06}{ending}").write_bytes(content)


def silent_files(folder: Path, at_once: int = 500) -> list[Path]:
    """Files of which kubectl reads an object that is neither read here, as kubectl reads it, nor named as unread."""
    files, ours = _read(folder)
    groups = [files[at : at + at_once] for at in range(0, len(files), at_once)]
    return [path for group in groups for path in _silent(group, ours)]


def silent_files_by_library(folder: Path, library: Library) -> list[Path]:
    """The same by the library that kubectl is made of, a file at a time: hundreds of times faster."""
    files, ours = _read(folder)
    return [
        path
        for path, objects in zip(files, library.read(files), strict=True)
        if Counter(comparable(body) for body in objects if has_name(body)) - ours.get(path.name, Counter())
    ]


def _read(folder: Path) -> tuple[list[Path], dict[str, Counter[str]]]:
    """Files that are not named as unread, and what was read of each."""
    found = read_manifests([str(folder)])
    named = {unread.where for unread in found.unread}
    ours: dict[str, Counter[str]] = {}
    for resource in found.resources:
        if resource.origin.path not in named:
            ours.setdefault(resource.origin.path, Counter())[comparable(resource.body)] += 1
    return [path for path in sorted(folder.iterdir()) if path.name not in named], ours


def _silent(files: Sequence[Path], ours: dict[str, Counter[str]]) -> list[Path]:
    """Halves what shows a difference until it is one file."""
    theirs = Counter(comparable(body) for body in read_with_kubectl(*files)[0] if has_name(body))
    if not theirs - sum((ours.get(path.name, Counter()) for path in files), Counter()):
        return []
    if len(files) == 1:
        return list(files)
    middle = len(files) // 2
    return _silent(files[:middle], ours) + _silent(files[middle:], ours)


def comparable(body: dict[str, Any]) -> str:
    """Labels are left out: the command that makes kubectl show what it reads writes them anew."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return as_json(without_probe(body))
    return as_json(without_probe(body | {"metadata": {k: v for k, v in metadata.items() if k != "labels"}}))


def has_name(body: dict[str, Any]) -> bool:
    """Without one kubectl sends nothing."""
    metadata = body.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("name") or metadata.get("generateName"))
