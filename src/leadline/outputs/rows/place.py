"""Where things are, in words, and where a path leads within an object."""

from typing import Any, Protocol

from leadline.kube.field_path import child_of, parse_path
from leadline.kube.field_path import value_at as value_of
from leadline.model.finding import Place
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


class NoPlaces:
    """The places of a target without files, such as a cluster."""

    def body(self, resource: Resource) -> dict[str, Any]:
        return resource.body

    read_body = body

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return risk

    def find(self, resource: Resource, path: str) -> Place | None:
        return None

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        return []


def file_of(resource: Resource) -> str:
    """The file of an object as the user would open it; empty for objects without a file."""
    return resource.origin.file


def place_text(resource: Resource, place: Place | None) -> str:
    """``file:line:column``; only the file where the line is unknown; the object's title without a file."""
    file = plain(file_of(resource), 4096)
    if not file:
        return plain(resource.title)
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
