"""Where things are and what they are called, in words, and where a path leads within an object."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from leadline.kube.field_path import child_of, parse_path
from leadline.kube.field_path import value_at as value_of
from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport
from leadline.model.resource import Resource, joined
from leadline.model.risk import WorkloadRisk
from leadline.outputs.text.plain import plain


class Places(Protocol):
    """Where things are in the files they came from; reads each file again, once, when first asked."""

    def find(self, resource: Resource, path: str) -> Place | None:
        """The place of ``path`` in ``resource``; its deepest parent that exists; ``None`` for objects without a file."""

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        """Lines ``first`` to ``last`` (from 1, inclusive) of the file of ``resource``, without their ends."""


class ShownPlaces(Places, Protocol):
    """As they may be shown: no line and no body holds a secret."""

    def body(self, resource: Resource) -> dict[str, Any]:
        """The body of ``resource``, which a report holds itself once it is sealed, and only then."""

    def read_body(self, resource: Resource) -> dict[str, Any]:
        """The same as it was read, to judge by and never to show: nothing is hidden in it."""

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        """``risk``, worked out of ``read_body``, as it may be shown."""


def file_of(resource: Resource) -> str:
    """The file of an object as the user would open it; empty for objects without a file."""
    return resource.origin.file


def place_text(resource: Resource, place: Place | None) -> str:
    """``file:line:column``; only the file where the line is unknown; the object's title without a file."""
    file = file_of(resource)
    if not file:
        return plain(resource.title)
    file = plain(file, 4096)
    return f"{file}:{place.line}:{place.column}" if place else file


def steering(resource: Resource, place: Place | None) -> str:
    """``steered by image.tag in values.yaml``, ``steered by overlays/prod/cpu.yaml:7``; empty where nothing steers."""
    if place is None or not place.steered_by:
        return ""
    if resource.origin.kind == "helm":
        files = " or ".join((*reversed(resource.origin.values), "values.yaml"))
        return f"steered by {plain(place.steered_by)} in {plain(files)}"
    return f"steered by {plain(joined(resource.origin.root, place.steered_by), 4096)}"


def missing_part(body: dict[str, Any], path: str) -> tuple[str | int, ...]:
    """The steps of ``path`` that ``body`` does not have, outermost first: ``("securityContext", "runAsUser")``.

    A path that cannot be read counts as one step.
    """
    try:
        steps = parse_path(path)
    except ValueError:
        return (path,)
    here: Any = body
    for depth, step in enumerate(steps):
        here = child_of(here, step)
        if here is None:
            return steps[depth:]
    return ()


def value_at(body: dict[str, Any], path: str) -> Any:
    """What is at ``path``; ``None`` where nothing is."""
    try:
        return value_of(body, path)
    except ValueError:
        return None


def stable_path(body: dict[str, Any], path: str) -> str:
    """``path`` with the names of containers, volumes and the like in place of their positions in a list."""
    try:
        steps = parse_path(path)
    except ValueError:
        return path
    here: Any = body
    parts: list[str] = []
    for step in steps:
        siblings, here = here, child_of(here, step)
        name = here.get("name") if isinstance(here, dict) and isinstance(step, int) else None
        if isinstance(name, str):
            before = [s.get("name") for s in siblings[:step] if isinstance(s, dict)].count(name)
            parts.append(f"{name}#{before}" if before else name)
        else:
            parts.append(str(step))
    return "/".join(parts)


_HELD = 64
"""Spots whose lines are known at a time."""


class FindingPlaces:
    """The places and source lines of the findings of one report."""

    def __init__(self, report: PostureReport, places: ShownPlaces) -> None:
        """``places`` is not asked for anything where the report is sealed."""
        self._report = report
        self._places = places
        self._is_sealed = report.is_sealed
        self._has_files = report.target.kind != "cluster"
        self._lines: OrderedDict[tuple[int, int], tuple[str, ...]] = OrderedDict()

    def holder(self, finding: Finding) -> Resource:
        """The object that the path of ``finding`` starts from."""
        return self._report.resource(finding.on)

    def body(self, resource: Resource) -> dict[str, Any]:
        """The body of an object of the report, as it may be shown."""
        return resource.body if self._is_sealed else self._places.body(resource)

    def read_body(self, resource: Resource) -> dict[str, Any]:
        """The same to judge by and never to show; what follows from it goes through ``shown_risk``."""
        return resource.body if self._is_sealed else self._places.read_body(resource)

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return risk if self._is_sealed else self._places.shown_risk(risk)

    def find(self, finding: Finding) -> Place | None:
        """Where the path leads, or its deepest parent that exists; ``None`` for objects without a file."""
        if self._is_sealed or not self._has_files:
            return finding.place
        return self._places.find(self.holder(finding), finding.path)

    def start(self, resource: Resource) -> Place | None:
        """Where an object begins that findings are related to."""
        return self._report.starts.get(resource.id) if self._is_sealed else self._places.find(resource, "")

    def lines(self, finding: Finding, place: Place) -> tuple[str, ...]:
        """The line of ``place``, which ``find`` gave, after the one before it; without secrets, safe to print."""
        if self._is_sealed:
            return finding.lines
        holder = self.holder(finding)
        spot = id(holder), place.line
        lines = self._lines.get(spot)
        if lines is None:
            # Objects of the report live as long as it does, so that none gets the place in memory of another.
            lines = tuple(self._places.lines(holder, max(1, place.line - 1), place.line))
            self._lines[spot] = lines
            if len(self._lines) > _HELD:
                self._lines.popitem(last=False)
        return lines


def titles_of(report: PostureReport) -> Callable[[Resource], str]:
    """Names each resource of ``report``: ``shop/Deployment/web``, or ``shop/Deployment/web (overlays/prod)``.

    The chart or overlay is named only where the same object came out of another one as well.
    """
    if report.charts + report.kustomizations < 1:
        return _plain_title
    sources: dict[str, set[str]] = {}
    for resource in report.resources:
        sources.setdefault(resource.title, set()).add(resource.origin.rendering)
    shared = {title for title, places in sources.items() if len(places) > 1}
    if not shared:
        return _plain_title

    def title(resource: Resource) -> str:
        source = resource.origin.rendering
        name = _plain_title(resource)
        return f"{name} ({plain(source)})" if source and resource.title in shared else name

    return title


def _plain_title(resource: Resource) -> str:
    return plain(resource.title)


@lru_cache(maxsize=4096)
def uri_of(file: str, folder: str, root: str = "") -> str:
    """``file`` relative to ``root`` where it lies below it, else as a ``file:`` address; percent-encoded.

    ``folder`` is the absolute one that ``file`` is relative to; it replaces an empty ``root``.
    """
    if file == "-":
        return "stdin"
    absolute, top = _absolute(file, folder), _slashes(root or folder)
    if absolute.startswith(f"{top}/"):
        return _quoted(absolute[len(top) + 1 :])
    return f"file://{'' if absolute.startswith('/') else '/'}{_quoted(absolute, keep=':')}"


@lru_cache(maxsize=4096)
def path_of(file: str, folder: str, root: str = "") -> str:
    """``file`` relative to ``root`` where it lies below it, else as it is, with forward slashes."""
    absolute, top = _absolute(file, folder), _slashes(root or folder)
    return absolute[len(top) + 1 :] if absolute.startswith(f"{top}/") else file.replace("\\", "/")


def _absolute(file: str, folder: str) -> str:
    file = file.replace("\\", "/")
    absolute = file if _is_absolute(file) else f"{_slashes(folder)}/{file}"
    parts: list[str] = []
    for part in absolute.split("/"):
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part not in (".", "..") and (part or not parts):
            parts.append(part)
    return "/".join(parts)


def _slashes(folder: str) -> str:
    return folder.replace("\\", "/").rstrip("/")


def _is_absolute(file: str) -> bool:
    return file.startswith("/") or (len(file) > 2 and file[0].isalpha() and file[1:3] == ":/")


def _quoted(path: str, keep: str = "") -> str:
    from urllib.parse import quote  # a scan of an image has no places

    return quote(path, safe="/" + keep, errors="replace")
