"""What a person sees as one thing to do: edits of one volume, of one container's limits, of the policies of one namespace.

Verdicts, scores, baselines and machine formats stay with each control; these are rows for people alone.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from msgspec import Struct

from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.outputs.rows.place import FindingPlaces

_CONTAINER = re.compile(r".*\b(?:containers|initContainers|ephemeralContainers)\[\d+\]")
_VOLUME = re.compile(r"(.*)\.volumes\[(\d+)\]")
_MOUNT = re.compile(r"(.*)\.(?:containers|initContainers|ephemeralContainers)\[\d+\]\.volumeMounts\[\d+\]")
_RULE = re.compile(r"rules\[\d+\]")
_OF_BINDING = re.compile(r"(?:subjects\[|roleRef)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
Where = Callable[[Finding, PostureReport, FindingPlaces], Hashable]


class Cause(Struct, frozen=True):
    """Controls that ask for parts of one thing."""

    controls: frozenset[str]
    where: Where
    """What their edits have to share to be one row; ``None`` for a row of its own."""
    problem: str = ""
    """What the row is called where several of them ask; empty for the problem of its most severe control."""
    why: str = ""
    """Why that matters, without a full stop."""


def cause_of(controls: Sequence[str], finding: Finding, report: PostureReport) -> Cause | None:
    """By the control that says best what a row is about, which is the first, else by what its edit is a part of."""
    if not _EVERYTHING.controls.isdisjoint(controls):
        return _EVERYTHING
    found = _BY_CONTROL.get(controls[0])
    if found is not None or finding.action != "review":
        return found
    return _BY_KIND.get(report.resource(finding.on).kind)


def _container(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    found = _CONTAINER.match(finding.path)
    return (finding.on, found[0]) if found else None


def _object(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    return finding.on


def _failing(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """Edits of other objects that answer one finding."""
    return finding.resource


def _rule(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """One rule of a role: its groups, resources and verbs grant together."""
    found = _RULE.match(finding.path)
    return (finding.on, found[0]) if found else None


def _binding(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """A binding: its role and its subjects grant together."""
    return finding.on if _OF_BINDING.match(finding.path) else None


def _role_and_bindings(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """The role that allows everything, and what in its folder or its chart gives it to whom."""
    on = report.resource(finding.on)
    where = (on.origin.rendering, on.origin.path.rpartition("/")[0])
    if on.kind in _ROLES:
        return (on.kind, on.namespace if on.kind == "Role" else "", on.name, *where)
    reference = places.body(on).get("roleRef")
    if not isinstance(reference, dict):
        return None
    kind, name = reference.get("kind"), reference.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    return (kind, on.namespace if kind == "Role" else "", name, *where)


def _namespace(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """What is installed together: what one chart renders, and where files name no namespace, what lies in one folder."""
    failing = report.resource(finding.resource)
    folder = "" if failing.namespace else failing.origin.path.rpartition("/")[0]
    return (failing.namespace, failing.origin.rendering, folder)


def _volume(finding: Finding, report: PostureReport, places: FindingPlaces) -> Hashable:
    """A volume and its mounts, by the volume's name."""
    found = _VOLUME.match(finding.path) or _MOUNT.match(finding.path)
    if found is None:
        return None
    name = _at(places.body(report.resource(finding.on)), found[0])
    return (
        (finding.on, found[1], name["name"])
        if isinstance(name, dict) and isinstance(name.get("name"), str)
        else None
    )


def _at(body: Any, path: str) -> Any:
    for step in _STEP.finditer(path):
        try:
            body = body[int(step[2])] if step[2] else body[step[1]]
        except (KeyError, IndexError, TypeError):
            return None
    return body


CAUSES = (
    Cause(
        frozenset(("C-0268", "C-0269", "C-0270", "C-0271", "C-0004", "C-0009", "C-0050", "L-0033")),
        _container,
        "Requests or limits missing",
        "The container may take what others on its node need, or be evicted for them",
    ),
    Cause(
        frozenset(("C-0018", "C-0056")),
        _container,
        "No probes",
        "Kubernetes does not know whether the container works",
    ),
    Cause(
        frozenset(
            (
                "C-0013",
                "C-0016",
                "C-0017",
                "C-0055",
                "C-0210",
                "C-0211",
                "L-0004",
                "L-0019",
                "L-0020",
                "L-0021",
            )
        ),
        _container,
        "Container is not hardened",
        "What helps an attacker in the container is still allowed",
    ),
    Cause(frozenset(("C-0048", "C-0074", "L-0018")), _volume),
    Cause(
        frozenset(("C-0030", "C-0260")),
        _namespace,
        "No network policy for the pods",
        "An attacker in one pod reaches all others, and the internet",
    ),
    *(Cause(frozenset((id,)), _failing) for id in ("C-0255", "C-0257", "C-0258", "C-0261", "C-0267")),
    Cause(
        frozenset(("C-0076", "C-0077")),
        _object,
        "Labels missing",
        "Policies and people find objects by their labels",
    ),
)
_ROLES = frozenset({"Role", "ClusterRole"})
_EVERYTHING = Cause(
    frozenset({"C-0035", "C-0272"}),
    _role_and_bindings,
    "Role with every right",
    "Anyone who holds it may do everything where it is bound",
)
_BY_CONTROL = {control: cause for cause in CAUSES for control in cause.controls}
_ROLE, _BINDING = Cause(frozenset(), _rule), Cause(frozenset(), _binding)
_BY_KIND = {
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
}
