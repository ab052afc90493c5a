"""Which objects a list or watch is about: a kind, a namespace, a name, label and field requirements."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from leadline.errors import UsageError

Operator = Literal["in", "notin", "exists", "absent"]
MAX_SELECTOR_LENGTH = 8192
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_AMONG = re.compile(r"\s*(\S+)\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUAL = re.compile(r"\s*([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)\s*")
_PARTS = re.compile(r"[^,(]*(?:\([^()]*\))?[^,(]*(?:,|$)")
FIELDS = frozenset({"metadata.name", "metadata.namespace"})


class Key(Struct, frozen=True, order=True):
    """Where an object is; ``namespace`` is empty for kinds without one."""

    plural: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.plural} {place}{self.name}"


class Requirement(Struct, frozen=True):
    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes has it: ``notin`` holds where the label is absent."""
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "absent":
                return f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{next(iter(self.values))}"
        return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"


class Selection(Struct, frozen=True):
    """Empty means all. Bodies are read only where they are wanted."""

    plural: str = ""
    namespace: str = ""
    name: str = ""
    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()
    with_body: bool = True

    def covers(self, key: Key) -> bool:
        """By everything besides labels."""
        if self.plural not in ("", key.plural) or self.namespace not in ("", key.namespace):
            return False
        if self.name not in ("", key.name):
            return False
        if not self.fields:
            return True
        fields = {"metadata.name": key.name, "metadata.namespace": key.namespace}
        return all(requirement.matches(fields) for requirement in self.fields)

    def matches_labels(self, metadata: bytes) -> bool:
        return not self.labels or self.accepts(labels_of(metadata))

    def accepts(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.labels)


class _Labels(Struct):
    labels: dict[str, str] | None = None


_decode_labels = msgspec.json.Decoder(_Labels).decode


def labels_of(metadata: bytes) -> Mapping[str, str]:
    """The labels within the JSON of an object's metadata."""
    return _decode_labels(metadata).labels or {}


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """``a=b,c!=d,e in (f,g),h,!i``.

    Raises: ``UsageError``. Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
    """
    requirements = []
    for part in _split(text):
        requirement = _requirement(part)
        bad_value = next((v for v in requirement.values if not _LABEL_VALUE.fullmatch(v)), None)
        if not _LABEL_KEY.fullmatch(requirement.key) or bad_value is not None:
            raise UsageError(f"unable to parse the label selector: {part.strip()!r}")
        requirements.append(requirement)
    return tuple(requirements)


def parse_fields(text: str) -> tuple[Requirement, ...]:
    """``metadata.name=a,metadata.namespace!=b``; objects can be selected by no other field.

    Raises: ``UsageError``.
    """
    requirements = []
    for part in text.split(","):
        if not part.strip():
            continue
        found = re.fullmatch(r"\s*([^=!]+?)\s*(==|=|!=)(.*)", part)
        if found is None or found[1] not in FIELDS:
            raise UsageError(f"field label not supported: {part.strip()}")
        operator: Operator = "notin" if found[2] == "!=" else "in"
        requirements.append(Requirement(found[1], operator, frozenset({found[3].strip()})))
    return tuple(requirements)


def _split(text: str) -> list[str]:
    if len(text) > MAX_SELECTOR_LENGTH:
        raise UsageError(f"the selector is longer than {MAX_SELECTOR_LENGTH} characters")
    if not text.strip():
        return []
    parts = [found[0].removesuffix(",") for found in _PARTS.finditer(text) if found[0]]
    if (
        "".join(_PARTS.findall(text)) != text
        or any(not part.strip() for part in parts)
        or text.rstrip().endswith(",")
    ):
        raise UsageError(f"unable to parse the label selector: {text!r}")
    return parts


def _requirement(part: str) -> Requirement:
    if found := _AMONG.fullmatch(part):
        values = frozenset(value.strip() for value in found[3].split(","))
        return Requirement(found[1], "in" if found[2] == "in" else "notin", values)
    if found := _EQUAL.fullmatch(part):
        return Requirement(found[1], "notin" if found[2] == "!=" else "in", frozenset({found[3]}))
    word = part.strip()
    if word.startswith("!"):
        return Requirement(word[1:].strip(), "absent")
    return Requirement(word, "exists")
