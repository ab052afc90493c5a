"""What a kustomization file refers to, read without building it.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_SIZE_BYTES = 1 << 20
_REMOTE = re.compile(
    r"://|^[\w.-]+@[\w.-]+:|^git::|[?&](ref|version)=|^(www\.)?(github|gitlab|bitbucket)\.\w+/"
)
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
    remotes: tuple[str, ...] = ()
    inflates_charts: bool = False
    problem: str = ""
    """Why it could not be read; the other fields are empty then."""


def read_kustomization(path: Path) -> Kustomization:
    """The kustomization in ``path``; never raises for what the file holds."""
    folder = os.path.normpath(path.parent)
    try:
        with path.open("rb") as file:
            raw = file.read(_SIZE_BYTES + 1)
        if len(raw) > _SIZE_BYTES:
            return Kustomization(folder, str(path), problem="larger than 1 MiB")
        body = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError, RecursionError, ValueError) as error:
        return Kustomization(folder, str(path), problem=" ".join(str(error).split()))
    if not isinstance(body, dict):
        return Kustomization(folder, str(path), problem="" if body is None else "not a mapping")
    return _kustomization(folder, path, body)


def _kustomization(folder: str, path: Path, body: dict[str, Any]) -> Kustomization:
    folders: list[str] = []
    resources: list[str] = []
    remotes: list[str] = []
    for entry in (*_texts(body, "resources"), *_texts(body, "bases"), *_texts(body, "components")):
        local = _local(folder, entry)
        if _REMOTE.search(entry) and not Path(local).exists():
            remotes.append(entry)
        elif Path(local).is_dir():
            folders.append(local)
        else:
            resources.append(local)
    entries = [entry for entry in _patch_files(body) if "\n" not in entry]
    patches = [_local(folder, entry) for entry in entries]
    remotes += [entry for entry in entries if entry.startswith(("https://", "http://"))]
    return Kustomization(
        folder,
        str(path),
        body["kind"] if isinstance(body.get("kind"), str) else "Kustomization",
        tuple(folders),
        tuple(resources),
        tuple(file for file in patches if Path(file).is_file()),
        tuple(remotes),
        bool(body.get("helmCharts") or body.get("helmChartInflationGenerator")),
    )


def _patch_files(body: dict[str, Any]) -> Iterator[str]:
    for name in (*_FILE_LISTS, *_PLUGIN_LISTS):
        yield from _texts(body, name)
    for name in _PATCH_LISTS:
        for row in _rows(body, name):
            yield from (row[key] for key in ("path",) if isinstance(row.get(key), str))
    for name in _GENERATORS:
        for row in _rows(body, name):
            entries = [*_texts(row, "files"), *_texts(row, "envs")]
            entries += [row["env"]] if isinstance(row.get("env"), str) else []
            yield from (entry.partition("=")[2] or entry for entry in entries)
    for row in _rows(body, "helmCharts"):
        entries = [*_texts(row, "additionalValuesFiles")]
        entries += [row["valuesFile"]] if isinstance(row.get("valuesFile"), str) else []
        yield from entries
    openapi = body.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield openapi["path"]


def _local(folder: str, entry: str) -> str:
    return os.path.normpath(Path(folder, entry))


def _texts(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name)
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _rows(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
