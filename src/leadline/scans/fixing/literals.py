"""Credentials in the environment of containers, and the Secrets that take their place."""

from typing import Any

from msgspec import Struct

from leadline.kube.field_path import parse_path, value_at
from leadline.model.control import Remove, Set
from leadline.model.finding import Finding
from leadline.model.resource import Resource

_LONGEST_NAME = 200


class SecretKey(Struct, frozen=True):
    """One key of a Secret that is to be there before pods start."""

    namespace: str
    name: str
    key: str

    @property
    def risk(self) -> str:
        return f"its pods do not start before Secret {self.name} holds {self.key}"


def secret_key_of(finding: Finding, resource: Resource) -> SecretKey | None:
    """What would hold the value of the variable that ``finding`` is about; ``None`` where it is about none with a plain value."""
    variable = _variable_of(finding, resource)
    if variable is None:
        return None
    return SecretKey(resource.namespace, f"{resource.name[:_LONGEST_NAME]}-credentials", variable["name"])


def as_reference(finding: Finding, resource: Resource) -> Set | None:
    """The edit that replaces the value by a reference to the Secret."""
    key = secret_key_of(finding, resource)
    if key is None or not isinstance(finding.violation, Remove):
        return None
    reference = {"secretKeyRef": {"name": key.name, "key": key.key}}
    violation = finding.violation
    return Set(violation.path, {"name": key.key, "valueFrom": reference}, on=violation.on)


def _variable_of(finding: Finding, resource: Resource) -> dict[str, Any] | None:
    steps = parse_path(finding.path)
    if not isinstance(finding.violation, Remove) or steps[-2:-1] != ("env",):
        return None
    variable = value_at(resource.body, steps)
    is_plain = isinstance(variable, dict) and isinstance(variable.get("value"), str)
    return variable if is_plain and isinstance(variable.get("name"), str) else None
