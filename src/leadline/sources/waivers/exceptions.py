"""The ecosystem's JSON of exceptions: for objects (``postureExceptionPolicy``) and for images (``VulnerabilitiesIgnorePolicy``).

Values are regular expressions: for objects of the whole text, for images of any part of it. Labels are any other attribute.
A field that is not known is refused: it may be one that says less.
"""

from collections.abc import Collection, Iterator
from typing import Any

from leadline.model.waiver import Waiver, WaiverMatch
from leadline.sources.waivers.label_selectors import NotUsableError, selector_of

MOST_COMBINATIONS = 10_000
IMAGE_KIND = "VulnerabilitiesIgnorePolicy"
POLICY = "postureExceptionPolicy"
SAID = ("guid", "name", "attributes", "creationTime", "updatedTime", "createdBy", "reason")
"""Fields that say nothing about what is accepted."""
ENTRY = (*SAID, "policyType", "actions", "resources", "objectSelector", "posturePolicies", "expirationDate")
DESIGNATOR = ("designatorType", "attributes")
POSTURE_POLICY = ("frameworkName", "controlID", "controlName", "ruleName", "severityScore")
IMAGE_ENTRY = (
    "apiVersion",
    "kind",
    "metadata",
    "reason",
    "expirationDate",
    "targets",
    "vulnerabilities",
    "severities",
)
_ACTIONS = ("alertOnly", "disable")
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


def exception_of(entry: Any, name: str, source: str) -> Waiver:
    """Raises: ``NotUsableError``."""
    if not isinstance(entry, dict):
        raise NotUsableError("it is not an object")
    is_of_images = entry.get("kind") == IMAGE_KIND
    if entry.get("policyType", POLICY) != POLICY:
        raise NotUsableError(f"policyType {str(entry['policyType'])[:80]} is not known")
    _check_fields(entry, IMAGE_ENTRY if is_of_images else ENTRY, "")
    metadata = _table(entry, "metadata", "") if is_of_images else entry
    return Waiver(
        name=_text(metadata, "name", "") or name,
        matches=tuple(_image_matches(entry) if is_of_images else _matches(entry)),
        reason=_text(entry, "reason", ""),
        expires=_text(entry, "expirationDate", ""),
        kind="exception",
        source=source,
    )


def _matches(entry: dict[str, Any]) -> Iterator[WaiverMatch]:
    for action in _list(entry, "actions", ""):
        if action not in _ACTIONS:
            raise NotUsableError(f"actions: {str(action)[:80]} is not known")
    policies = _tables(entry, "posturePolicies", "") or [{}]
    designators = _tables(entry, "resources", "")
    if len(policies) * len(designators) > MOST_COMBINATIONS:
        raise NotUsableError(f"more than {MOST_COMBINATIONS:,} combinations of resources and policies")
    chosen = [_policy(policy, f"posturePolicies[{number}]") for number, policy in enumerate(policies)]
    selector = entry.get("objectSelector")
    selected = () if selector is None else selector_of(selector, "objectSelector")
    for number, designator in enumerate(designators):
        fields, labels = _designated(designator, f"resources[{number}]")
        if not fields and not labels:
            continue  # one without any attribute is about nothing
        for policy in chosen:
            yield WaiverMatch(
                sort="controls", labels=labels, object_labels=selected, writing="regex", **fields, **policy
            )


def _policy(policy: dict[str, Any], where: str) -> dict[str, Any]:
    _check_fields(policy, POSTURE_POLICY, where)
    control, title = _text(policy, "controlID", where), _text(policy, "controlName", where)
    if _text(policy, "ruleName", where):
        raise NotUsableError(f"{where}.ruleName: it names a rule (ruleName); name its control instead")
    if policy.get("severityScore"):
        raise NotUsableError(f"{where}.severityScore is not supported: name the controls")
    framework = _text(policy, "frameworkName", where)
    named = [one for one in (control, title) if one]
    return {
        "controls": tuple(named[:1]),
        "titles": tuple(named[1:]),
        "frameworks": (framework,) if framework else (),
    }


def _designated(designator: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, str]]:
    fields: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for key, value in _attributes(designator, where).items():
        field = _FIELDS.get(key.lower())
        if field is None:
            labels[key] = value
        elif value:
            if field in fields:
                raise NotUsableError(f"{where}.attributes: {key[:80]} is there twice")
            fields[field] = (value,)
    return fields, labels


def _image_matches(entry: dict[str, Any]) -> Iterator[WaiverMatch]:
    ids, severities = _texts(entry, "vulnerabilities"), _texts(entry, "severities")
    for number, designator in enumerate(_tables(entry, "targets", "")):
        where = f"targets[{number}]"
        attributes = _attributes(designator, where)
        _check_fields(attributes, _IMAGE_PARTS, f"{where}.attributes")
        parts = {part: value for part, value in attributes.items() if value}
        if ids:
            yield WaiverMatch(sort="vulnerabilities", vulnerabilities=ids, image_parts=parts)
        if severities:
            yield WaiverMatch(sort="vulnerabilities", severities=severities, image_parts=parts)


def _attributes(designator: dict[str, Any], where: str) -> dict[str, str]:
    _check_fields(designator, DESIGNATOR, where)
    sort = _text(designator, "designatorType", where) or "Attributes"
    if sort.lower() not in ("attributes", "attribute"):
        raise NotUsableError(f"{where}.designatorType: {sort[:80]} is not supported, only Attributes")
    attributes = _table(designator, "attributes", where)
    for key, value in attributes.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise NotUsableError(f"{where}.attributes: the attribute {str(key)[:80]} is not text")
    return attributes


def _check_fields(table: dict[str, Any], known: Collection[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise NotUsableError(f"{_place(where, str(name)[:80])} is not a known field")


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _text(table: dict[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise NotUsableError(f"{_place(where, name)} is not text")
    return value or ""


def _texts(table: dict[str, Any], name: str) -> tuple[str, ...]:
    found = _list(table, name, "")
    if not all(isinstance(one, str) and one for one in found):
        raise NotUsableError(f"{name}: one of them is not text")
    return tuple(found)


def _list(table: dict[str, Any], name: str, where: str) -> list[Any]:
    value = table.get(name)
    if value is not None and not isinstance(value, list):
        raise NotUsableError(f"{_place(where, name)} is not a list")
    return value or []


def _table(table: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    value = table.get(name)
    if value is not None and not isinstance(value, dict):
        raise NotUsableError(f"{_place(where, name)} is not an object")
    return value or {}


def _tables(table: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = _list(table, name, where)
    if not all(isinstance(one, dict) for one in found):
        raise NotUsableError(f"{_place(where, name)}: one of them is not an object")
    return found
