"""The exact forms that clients rely on: what may be null, what never is.

Bodies have passed their kind's check: a field has its type, or is null.
"""

from typing import Any

Body = dict[str, Any]
_PATH = ("failedPath", "fixPath", "fixPathValue", "fixCommand")


def nothing(_: Body) -> None:
    pass


def configuration_scan(body: Body) -> None:
    """``controls`` is an object and every part of a path a text, never null."""
    spec = _fields(body, "spec")
    controls = spec["controls"] = spec.get("controls") or {}
    for control in controls.values():
        for rule in (control or {}).get("rules") or ():
            for path in (rule or {}).get("paths") or ():
                for name in _PATH if path is not None else ():
                    if path.get(name) is None:
                        path[name] = ""


def configuration_summary(body: Body) -> None:
    spec = _fields(body, "spec")
    spec["controls"] = spec.get("controls") or {}


def vulnerability_manifest(body: Body) -> None:
    """No scores and no fixed versions are null: clients take an empty list of versions for a fix."""
    payload = _fields(_fields(body, "spec"), "payload")
    for match in [*_each(payload.get("matches")), *_each(payload.get("ignoredMatches"))]:
        vulnerability = match.get("vulnerability")
        if isinstance(vulnerability, dict):
            fix = vulnerability.get("fix")
            if isinstance(fix, dict) and not fix.get("versions"):
                fix["versions"] = None
        for described in [vulnerability, *_each(match.get("relatedVulnerabilities"))]:
            if isinstance(described, dict) and not described.get("cvss"):
                described["cvss"] = None


def _fields(body: Body, name: str) -> Body:
    value = body.get(name)
    if not isinstance(value, dict):
        value = body[name] = {}
    return value


def _each(value: Any) -> list[Body]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
