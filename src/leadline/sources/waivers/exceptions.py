"""The ecosystem's JSON of exceptions: for objects (``postureExceptionPolicy``) and for images (``VulnerabilitiesIgnorePolicy``).

Values are regular expressions: for objects of the whole text, for images of any part of it. Labels are any other attribute.
"""

from collections.abc import Iterator
from typing import Any

from leadline.model.waiver import Waiver, WaiverMatch

MOST_COMBINATIONS = 10_000
IMAGE_KIND = "VulnerabilitiesIgnorePolicy"
_FIELDS = {
    "cluster": "clusters",
    "namespace": "namespaces",
    "kind": "kinds",
    "name": "names",
    "resourceid": "ids",
    "path": "paths",
    "containername": "containers",
}
_IMAGE_PARTS = ("registry", "organization", "imageName", "imageTag")


class NotUsableError(ValueError):
    """The entry cannot be used; its text says why."""


def exception_of(entry: Any, name: str, source: str) -> Waiver:
    """Raises: ``NotUsableError``."""
    if not isinstance(entry, dict):
        raise NotUsableError("it is no object")
    if entry.get("kind") == IMAGE_KIND:
        metadata = _table(entry.get("metadata"))
        return Waiver(
            name=_text(metadata.get("name")) or name,
            matches=tuple(_image_matches(entry)),
            reason=_text(entry.get("reason")),
            expires=_text(entry.get("expirationDate")),
            kind="exception",
            source=source,
        )
    if entry.get("policyType", "postureExceptionPolicy") != "postureExceptionPolicy":
        raise NotUsableError(f"policyType {_text(entry['policyType'])[:80]} is not known")
    return Waiver(
        name=_text(entry.get("name")) or name,
        matches=tuple(_matches(entry)),
        reason=_text(entry.get("reason")),
        expires=_text(entry.get("expirationDate")),
        kind="exception",
        source=source,
    )


def _matches(entry: dict[str, Any]) -> Iterator[WaiverMatch]:
    policies = _tables(entry.get("posturePolicies")) or [{}]
    designators = _tables(entry.get("resources"))
    if len(policies) * len(designators) > MOST_COMBINATIONS:
        raise NotUsableError(f"more than {MOST_COMBINATIONS:,} combinations of resources and policies")
    for designator in designators:
        fields, labels = _designated(designator)
        if not fields and not labels:
            continue  # one without any attribute is about nothing
        for policy in policies:
            rules = _text(policy.get("ruleName"))
            control = _text(policy.get("controlID")) or _text(policy.get("controlName"))
            if rules and not control:
                raise NotUsableError("it names a rule (ruleName) and no control")
            yield WaiverMatch(
                sort="controls",
                controls=(control,) if control else (),
                labels=labels,
                writing="regex",
                **fields,
            )


def _designated(designator: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    fields: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for key, value in _table(designator.get("attributes")).items():
        if not isinstance(value, str):
            raise NotUsableError(f"the attribute {str(key)[:80]} is no text")
        field = _FIELDS.get(str(key).lower())
        if field is None:
            labels[str(key)] = value
        elif value:
            fields[field] = (value,)
    return fields, labels


def _image_matches(entry: dict[str, Any]) -> Iterator[WaiverMatch]:
    ids, severities = _texts(entry.get("vulnerabilities")), _texts(entry.get("severities"))
    for designator in _tables(entry.get("targets")):
        attributes = _table(designator.get("attributes"))
        parts = {part: _text(attributes.get(part)) for part in _IMAGE_PARTS}
        parts = {part: value for part, value in parts.items() if value}
        if ids:
            yield WaiverMatch(sort="vulnerabilities", vulnerabilities=ids, image_parts=parts)
        if severities:
            yield WaiverMatch(sort="vulnerabilities", severities=severities, image_parts=parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
