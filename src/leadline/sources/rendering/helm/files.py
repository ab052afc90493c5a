"""The files of a chart: what its metadata says, which file the engine's name for a template means, and its text."""

import os
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leadline.sources.boundary import boundary_of
from leadline.sources.regular_file import open_regular, read_regular
from leadline.sources.yaml.parser import parse_documents

_METADATA_BYTES = 1 << 20
_TEMPLATE_BYTES = 1 << 20
_ARCHIVE_MEMBERS = 5_000
_RANDOM = re.compile(
    r"(?:rand(?<!\wrand)(?:Alpha|AlphaNum|Ascii|Bytes|Int|Numeric)|shuffle(?<!\wshuffle)|uuidv4(?<!\wuuidv4))\b"
)
"""Functions of templates (https://masterminds.github.io/sprig/) that names are made with. What begins with letters is found sooner."""
_RANDOM_SIGNS = ("rand", "shuffle", "uuidv4")
_VERSIONED = re.compile(r"-v?\d")


class ChartFiles:
    """The files of one chart and of those within it.

    A file within an archive is named as if the archive were a folder: ``charts/redis-17.0.0.tgz/templates/…``.
    """

    def __init__(self, top: Path, chart: str, borrowed: Mapping[str, str]) -> None:
        self._top = top
        self._chart = chart
        self._borrowed = borrowed
        self._folders: dict[tuple[str, str], str] = {}

    def path_of(self, engine_path: str) -> str:
        """``NAME/charts/SUB/templates/FILE`` as a path relative to the scanned root."""
        folder = self._chart
        rest = engine_path.partition("/")[2]
        while rest.startswith("charts/") and rest.count("/") >= 2:
            _, name, rest = rest.split("/", 2)
            folder = self._subchart(folder, name)
        return f"{folder}/{rest}" if folder else rest

    def _subchart(self, folder: str, name: str) -> str:
        key = (folder, name)
        if key not in self._folders:
            self._folders[key] = self._find(folder, name)
        return self._folders[key]

    def _find(self, folder: str, name: str) -> str:
        charts = f"{folder}/charts" if folder else "charts"
        real = next((d["name"] for d in dependencies(self._top / folder) if d.get("alias") == name), name)
        for wanted in (name, real):
            if (self._top / charts / wanted / "Chart.yaml").is_file():
                return f"{charts}/{wanted}"
        for entry in _names(self._top / charts):
            if is_archive_of(real, entry):
                return f"{charts}/{entry}"
        return self._borrowed.get(real, f"{charts}/{name}")


def is_archive_of(name: str, entry: str) -> bool:
    """Whether a file is called as the packed chart ``name`` is: ``redis-17.0.0.tgz``."""
    return entry.startswith(name) and entry.endswith(".tgz") and bool(_VERSIONED.match(entry, len(name)))


def chart_metadata(folder: Path) -> dict[str, Any]:
    """The content of ``Chart.yaml``; empty where it cannot be read, which is for the engine to say."""
    return _mapping(folder / "Chart.yaml")


def dependencies(folder: Path) -> list[dict[str, str]]:
    """The dependencies that the chart in ``folder`` declares: name, version, repository, alias, as far as given."""
    rows = chart_metadata(folder).get("dependencies") or _mapping(folder / "requirements.yaml").get(
        "dependencies"
    )
    if not isinstance(rows, list):
        return []
    found = [
        {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
        for row in rows
        if isinstance(row, dict)
    ]
    return [row for row in found if row.get("name")]


def read_template(root: str, path: str) -> str:
    """The text of a template, be it in a folder or in an archive; empty where it cannot be read."""
    whole = Path(root, path)
    try:
        if not boundary_of(root or ".").holds(whole):
            return ""
        if whole.is_file():
            return read_regular(whole, _TEMPLATE_BYTES).decode("utf-8", "replace")
        archive = next(
            (parent for parent in whole.parents if parent.suffix == ".tgz" and parent.is_file()), None
        )
        return _member(archive, os.path.relpath(whole, archive)) if archive else ""
    except (OSError, tarfile.TarError, EOFError, ValueError):
        return ""


def makes_random_texts(root: str, paths: Iterable[str], known: Mapping[str, bool]) -> bool:
    """Whether templates at ``paths``, or partials beside them, call what gives another text at each rendering.

    Those in archives are not looked into: each look would read the archive from its beginning. ``known``: what is known of
    some templates already.
    """
    outside = {path: is_random for path, is_random in known.items() if ".tgz/" not in path}
    templates = [path for path in paths if path in outside or Path(root, path).is_file()]
    for path in (*partials_beside(root, templates), *templates):
        if outside[path] if path in outside else is_random(read_template(root, path)):
            return True
    return False


def is_random(template: str) -> bool:
    """Whether it calls what gives another text at each rendering."""
    return any(word in template for word in _RANDOM_SIGNS) and bool(_RANDOM.search(template))


def partials_beside(root: str, paths: Iterable[str]) -> list[str]:
    """The files of partials in the folders of the templates at ``paths``."""
    folders = dict.fromkeys(path.rpartition("/")[0] for path in paths)
    return [
        f"{folder}/{name}" for folder in folders for name in _names(Path(root, folder)) if name[:1] == "_"
    ]


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = read_regular(path, _METADATA_BYTES)
    except OSError:
        return {}
    body = next((document.body for document in parse_documents(content)), None)
    return body if isinstance(body, dict) else {}


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _member(archive: Path, name: str) -> str:
    with open_regular(archive) as packed, tarfile.open(fileobj=packed, mode="r:gz") as members:
        for _ in range(_ARCHIVE_MEMBERS):
            member = members.next()
            if member is None:
                return ""
            if member.isfile() and member.name.partition("/")[2] == name.replace(os.sep, "/"):
                file = members.extractfile(member)
                return file.read(_TEMPLATE_BYTES).decode("utf-8", "replace") if file else ""
    return ""
