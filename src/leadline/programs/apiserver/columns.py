"""What ``kubectl get`` shows of each kind. Cells are worked out when an object is written, not when it is listed."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

Body = dict[str, Any]
Cell = Callable[[Body], Any]
PREFIX = "kubescape.io/"


class Column(Struct, frozen=True):
    """``type`` is OpenAPI's, or ``date``: shown as the time that has passed since. Priority 1 needs ``-o wide``."""

    title: str
    type: str
    cell: Cell
    description: str
    priority: int = 0


def at(body: Any, *path: str) -> Any:
    """``None`` where there is nothing at ``path``."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _value(*path: str) -> Cell:
    return lambda body: at(body, *path)


def _annotation(name: str) -> Cell:
    return _value("metadata", "annotations", PREFIX + name)


def _label(name: str) -> Cell:
    return _value("metadata", "labels", PREFIX + name)


def _length(*path: str) -> Cell:
    return lambda body: _size(at(body, *path))


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _number(*path: str) -> Cell:
    return lambda body: value if isinstance(value := at(body, *path), int) else 0


def _matched(severity: str) -> Cell:
    """Empty where nothing was matched: no number is not none."""
    return lambda body: (
        (at(body, "status", "vulnerabilities", "found", severity) or 0)
        if at(body, "status", "isMatched")
        else None
    )


def _failed(body: Body) -> int:
    controls = at(body, "spec", "controls")
    values = controls.values() if isinstance(controls, dict) else ()
    return sum(at(control, "status", "status") == "failed" for control in values)


def _matches(severity: str) -> Cell:
    def count(body: Body) -> int:
        matches = at(body, "spec", "payload", "matches")
        return sum(
            str(at(match, "vulnerability", "severity")).lower() == severity
            for match in (matches if isinstance(matches, list) else ())
        )

    return count


def _containers(body: Body) -> int:
    names = ("containers", "initContainers", "ephemeralContainers")
    return sum(_size(at(body, "spec", name)) for name in names)


CONFIGURATION_SEVERITIES = ("critical", "high", "medium", "low", "unknown")
IMAGE_SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")
_SHOWN = 4
"""The first severities; the others are shown with ``-o wide``."""


def _severities(names: tuple[str, ...], cell: Callable[[str], Cell], what: str) -> tuple[Column, ...]:
    return tuple(
        Column(name.title(), "integer", cell(name), f"{what} of {name} severity", int(number >= _SHOWN))
        for number, name in enumerate(names)
    )


_SCANNED = Column("Scanned", "date", _annotation("timestamp"), "how long ago it was scanned")
_KIND = Column("Kind", "string", _label("workload-kind"), "kind of the scanned object", 1)
_IMAGE = Column("Image", "string", _annotation("image-tag"), "the image")
_FAILED_CONTROLS = _severities(
    CONFIGURATION_SEVERITIES, lambda s: _number("spec", "severities", s), "failed controls"
)
CONFIGURATION_SUMMARY = (
    *_FAILED_CONTROLS,
    Column("Controls", "integer", _length("spec", "controls"), "controls that were checked", 1),
    _KIND,
    _SCANNED,
)
NAMESPACE_CONFIGURATION = (
    *_FAILED_CONTROLS,
    Column("Objects", "integer", _length("spec", "summaryRef"), "objects that were scanned"),
)
CONFIGURATION_SCAN = (
    Column("Failed", "integer", _failed, "controls that failed"),
    Column("Controls", "integer", _length("spec", "controls"), "controls that were checked"),
    _KIND,
    _SCANNED,
)
_ALL = _severities(IMAGE_SEVERITIES, lambda s: _number("spec", "severities", s, "all"), "vulnerabilities")
_RELEVANT = tuple(
    Column(
        f"{name.title()}-In-Use",
        "integer",
        _number("spec", "severities", name, "relevant"),
        f"vulnerabilities of {name} severity in packages that are in use",
        1,
    )
    for name in IMAGE_SEVERITIES
)
VULNERABILITY_COUNTS = (*_ALL, _IMAGE, _SCANNED, *_RELEVANT)
NAMESPACE_VULNERABILITIES = (
    *_ALL,
    Column("Containers", "integer", _length("spec", "vulnerabilitiesRef"), "containers that were scanned"),
)
VULNERABILITIES = (
    *_severities(IMAGE_SEVERITIES, _matches, "vulnerabilities"),
    _IMAGE,
    Column(
        "Scanned", "date", _value("spec", "metadata", "report", "createdAt"), "how long ago it was scanned"
    ),
    Column(
        "Database",
        "string",
        _value("spec", "metadata", "tool", "databaseVersion"),
        "vulnerability database",
        1,
    ),
)
SBOM = (
    Column("Packages", "integer", _length("spec", "syft", "artifacts"), "packages in the image"),
    Column("Distro", "string", _value("spec", "syft", "distro", "prettyName"), "the distribution"),
    _IMAGE,
    Column("Status", "string", _annotation("status"), "whether the image could be read"),
    Column("Tool", "string", _value("spec", "metadata", "tool", "version"), "version of the tool", 1),
)
OPEN_VEX = (
    Column("Statements", "integer", _length("spec", "statements"), "statements about vulnerabilities"),
    Column("Author", "string", _value("spec", "author"), "who states it", 1),
)
PROFILE = (
    Column("Status", "string", _annotation("status"), "how far learning is"),
    Column("Completion", "string", _annotation("completion"), "whether it was seen from the start"),
    Column("Workload", "string", _label("workload-name"), "the workload"),
    Column("Containers", "integer", _containers, "containers seen", 1),
)
NETWORK_POLICY = (
    Column("Ingress", "integer", _length("spec", "spec", "ingress"), "rules for incoming traffic"),
    Column("Egress", "integer", _length("spec", "spec", "egress"), "rules for outgoing traffic"),
    Column("Workload", "string", _label("workload-name"), "the workload"),
)
KNOWN_SERVERS = (Column("Entries", "integer", _length("spec"), "address ranges"),)
COLLAPSE = (
    Column("Opens", "integer", _value("spec", "openDynamicThreshold"), "threshold for files"),
    Column("Endpoints", "integer", _value("spec", "endpointDynamicThreshold"), "threshold for endpoints"),
)
SECCOMP = (Column("Containers", "integer", _containers, "containers with a profile"),)
SCAN_RUN = (
    Column("Target", "string", _value("spec", "target", "name"), "what was scanned"),
    Column("Phase", "string", _value("status", "phase"), "Pending, Running, Succeeded or Failed"),
    Column("Objects", "integer", _number("status", "coverage", "objects"), "objects that were read"),
    Column("Unread", "integer", _number("status", "coverage", "unread"), "what could not be read"),
    *_severities(CONFIGURATION_SEVERITIES, lambda s: _number("status", "findings", s), "findings"),
    Column("Finished", "date", _value("status", "finishedAt"), "how long ago it ended"),
)
IMAGE_SCAN = (
    Column("Image", "string", _value("status", "image"), "what it is called"),
    Column(
        "Phase",
        "string",
        _value("status", "phase"),
        "Pending, Running, Done, Unauthorized, TooLarge or Failed",
    ),
    *_severities(CONFIGURATION_SEVERITIES[:2], _matched, "vulnerabilities"),
    Column("Workloads", "integer", _number("spec", "workloads"), "containers that run it"),
    Column("Reason", "string", _value("status", "reason"), "why there is no result, or no newer one"),
    Column("Scanned", "date", _value("status", "scannedAt"), "how long ago it was scanned"),
    Column("Tries", "integer", _number("status", "tries"), "failures in a row", 1),
    Column("Next", "string", _value("status", "nextTry"), "when it is tried again", 1),
    Column("Database", "string", _value("status", "databaseBuiltAt"), "when the database was built", 1),
    Column("Hint", "string", _value("status", "hint"), "what to do about it", 1),
)

SCAN_SCHEDULE = (
    Column("Schedule", "string", _value("spec", "schedule"), "five fields of cron"),
    Column("Subject", "string", _value("spec", "subject"), "posture or images"),
    Column("Last", "date", _value("status", "lastScheduleAt"), "how long ago the last scan was due"),
    Column("Next", "string", _value("status", "nextScheduleAt"), "when the next scan is due"),
    Column("Message", "string", _value("status", "message"), "why nothing is due"),
)


def _fix(body: Body) -> str:
    """The first path with what to do there."""
    path: Body = next(iter(at(body, "spec", "paths") or ()), {})
    if path.get("fixPath"):
        return f"set {path['fixPath']} to {path['fixPathValue']}"
    return str(path.get("fixCommand") or path.get("failedPath") or "")


def _object(body: Body) -> str:
    kind, name = at(body, "spec", "object", "kind"), at(body, "spec", "object", "name")
    return f"{kind}/{name}" if kind else ""


FINDING = (
    Column("Severity", "string", _value("spec", "severity"), "of the control"),
    Column("Control", "string", _value("spec", "control"), "id of the control"),
    Column("Title", "string", _value("spec", "title"), "what is wrong"),
    Column("Object", "string", _object, "the object that fails"),
    Column("Fix", "string", _fix, "the first of its edits", 1),
)
