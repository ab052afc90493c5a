"""Stands in for dependencies that a chart lacks, where the scanned tree holds the same chart.

``helm dependency build`` would fetch them; a scan does not. A ``file://`` dependency is taken from where it
points to, any other from a chart of the same name and major version.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from leadline.sources.boundary import Boundary
from leadline.sources.rendering.helm.files import chart_metadata, dependencies

_MAJOR = re.compile(r"\d+")
_DEPTH = 6


class Borrowed(Struct, frozen=True):
    """What is put into one chart."""

    parts: tuple[tuple[str, str], ...] = ()
    """Where in the chart (``charts/redis/charts/common``), and the absolute path of what belongs there."""
    charts: Mapping[str, str] = {}
    """The same by name, relative to the root."""


class Lenders:
    """The charts of a tree, by name."""

    def __init__(self, top: Path, charts: Iterable[str], boundary: Boundary) -> None:
        self._top = top
        self._boundary = boundary
        self._by_name: dict[str, list[tuple[str, str]]] = {}
        for chart in charts:
            metadata = chart_metadata(top / chart) if (top / chart).is_dir() else {}
            if isinstance(name := metadata.get("name"), str):
                self._by_name.setdefault(name, []).append((chart, str(metadata.get("version", ""))))

    def borrow(self, chart: str) -> Borrowed:
        """What ``chart`` lacks and the tree has, with what that lacks in turn."""
        parts: list[tuple[str, str]] = []
        charts: dict[str, str] = {}
        waiting = [(chart, "", 0)]
        while waiting:
            folder, inside, depth = waiting.pop()
            for row in dependencies(self._top / folder):
                name = row["name"]
                lender = "" if _has(self._top / folder, name) else self._lender(folder, row)
                if lender and lender != chart and depth < _DEPTH:
                    place = f"{inside}charts/{name}"
                    parts.append((place, str(self._top / lender)))
                    charts[name] = lender
                    waiting.append((lender, f"{place}/", depth + 1))
        return Borrowed(tuple(parts), charts)

    def _lender(self, chart: str, row: Mapping[str, str]) -> str:
        repository = row.get("repository", "")
        if repository.startswith("file://"):
            path = os.path.realpath(self._top / chart / repository.removeprefix("file://"))
            found = self._may_lend(path) and Path(path, "Chart.yaml").is_file()
            return os.path.relpath(path, self._boundary.top).replace(os.sep, "/") if found else ""
        wanted = _MAJOR.search(row.get("version", ""))
        for lender, version in self._by_name.get(row["name"], ()):
            major = _MAJOR.search(version)
            fits = wanted is None or (major is not None and major[0] == wanted[0])
            if fits and self._may_lend(self._top / lender):
                return lender
        return ""

    def _may_lend(self, folder: str | Path) -> bool:
        return self._boundary.refusal(folder) is None


def _has(chart: Path, name: str) -> bool:
    charts = chart / "charts"
    try:
        names = [entry.name for entry in charts.iterdir()]
    except OSError:
        return False
    return name in names or any(n.startswith(f"{name}-") and n.endswith(".tgz") for n in names)
