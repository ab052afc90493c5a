"""What a kustomization file refers to, read without building it.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from leadline.sources.regular_file import read_regular
from leadline.untyped import mappings, texts

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_SIZE_BYTES = 1 << 20
_REMOTE = re.compile(
    r"^[\w.-]+@[\w.-]+:|^git::|[?&](ref|version)=|^(www\.)?(github|gitlab|bitbucket)\.\w+/", re.IGNORECASE
)
_ADDRESS = re.compile(r"://|^https?:/", re.IGNORECASE)
"""What Kustomize fetches before it looks whether there is a folder of that name."""
_STRINGS_LOOKED_AT = 100_000
_PATCH_LISTS = ("patches", "patchesJson6902", "replacements")
_FILE_LISTS = ("patchesStrategicMerge", "crds", "configurations")
_PLUGIN_LISTS = ("generators", "transformers", "validators")
_GENERATORS = ("configMapGenerator", "secretGenerator")


class Kustomization(Struct, frozen=True):
    """One kustomization file. Paths are absolute and normal; nothing says that they exist."""

    folder: str
    file: str
    kind: str = "Kustomization"
    folders: tuple[str, ...] = ()
    """Bases and components: other kustomizations that this one builds upon."""
    resources: tuple[str, ...] = ()
    """Files whose objects it takes in."""
    patches: tuple[str, ...] = ()
    """Files that change or make objects and are none themselves: patches, generator inputs, settings."""
    targets: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Patch files that choose their objects by more than their own names, and what they choose by."""
    remotes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """Every text that may be one, wherever it is."""
    inflates_charts: bool = False
    problem: str = ""
    """Why it could not be read; the other fields are empty then."""


def read_kustomization(path: Path) -> Kustomization:
    """The kustomization in ``path``; never raises for what the file holds."""
    folder = os.path.normpath(path.parent)
    try:
        raw = read_regular(path, _SIZE_BYTES + 1)
        if len(raw) > _SIZE_BYTES:
            return Kustomization(folder, str(path), problem="larger than 1 MiB")
        body = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        return Kustomization(folder, str(path), problem=" ".join(str(error).split()))
    if not isinstance(body, dict):
        return Kustomization(folder, str(path), problem="" if body is None else "not a mapping")
    return _kustomization(folder, path, body)


def _kustomization(folder: str, path: Path, body: dict[str, Any]) -> Kustomization:
    folders: list[str] = []
    resources: list[str] = []
    remotes: list[str] = []
    for entry in (*texts(body.get("resources")), *texts(body.get("bases")), *texts(body.get("components"))):
        local = _local(folder, entry)
        if _ADDRESS.search(entry) or (_REMOTE.search(entry) and not Path(local).exists()):
            remotes.append(entry)
        elif Path(local).is_dir():
            folders.append(local)
        else:
            resources.append(local)
    entries = [entry for entry in _patch_files(body) if "\n" not in entry and "\0" not in entry]
    patches = [_local(folder, entry) for entry in entries]
    remotes += [entry for entry in entries if _ADDRESS.search(entry)]
    return Kustomization(
        folder,
        str(path),
        body["kind"] if isinstance(body.get("kind"), str) else "Kustomization",
        tuple(folders),
        tuple(resources),
        tuple(file for file in patches if Path(file).is_file()),
        tuple(_targets(folder, body)),
        tuple(remotes),
        tuple(text for text in _all_texts(body) if _ADDRESS.search(text)),
        bool(body.get("helmCharts") or body.get("helmChartInflationGenerator")),
    )


def _targets(folder: str, body: dict[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in _PATCH_LISTS[:2]:
        for row in mappings(body.get(name)):
            if (
                isinstance(row.get("path"), str)
                and isinstance(row.get("target"), dict)
                and "\0" not in row["path"]
            ):
                yield _local(folder, row["path"]), row["target"]


def _patch_files(body: dict[str, Any]) -> Iterator[str]:
    for name in (*_FILE_LISTS, *_PLUGIN_LISTS):
        yield from texts(body.get(name))
    for name in _PATCH_LISTS:
        for row in mappings(body.get(name)):
            yield from (row[key] for key in ("path",) if isinstance(row.get(key), str))
    for name in _GENERATORS:
        for row in mappings(body.get(name)):
            for entry in texts(row.get("files")):
                path = entry.partition("=")[2] or entry
                yield entry if _ADDRESS.search(entry) and not _ADDRESS.search(path) else path
            yield from texts(row.get("envs"))
            yield from [row["env"]] if isinstance(row.get("env"), str) else []
    for row in mappings(body.get("helmCharts")):
        entries = [*texts(row.get("additionalValuesFiles"))]
        entries += [row["valuesFile"]] if isinstance(row.get("valuesFile"), str) else []
        yield from entries
    openapi = body.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield openapi["path"]


def has_address(path: str) -> bool:
    """Whether a file that Kustomize reads as settings names an address; one that cannot be read counts as if."""
    try:
        content = read_regular(path, _SIZE_BYTES + 1)
    except OSError:
        return Path(path).exists()
    return len(content) > _SIZE_BYTES or b"://" in content or b"http" in content.lower()


def _all_texts(body: Any) -> Iterator[str]:
    waiting = [body]
    for _ in range(_STRINGS_LOOKED_AT):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
    yield "://"


def _local(folder: str, entry: str) -> str:
    return os.path.normpath(Path(folder, entry))
