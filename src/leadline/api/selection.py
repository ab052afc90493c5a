"""Which objects a list or watch is about: a kind, a namespace, a name, label and field requirements."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from leadline.errors import UsageError

Operator = Literal["in", "notin", "exists", "absent"]
MAX_SELECTOR_LENGTH = 8192
_SHOWN = 200
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
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
        """By everything in addition to labels."""
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
            raise _unparsable(part)
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
        key, operator, value = _compared(part)
        if not operator or key not in FIELDS:
            raise UsageError(f"field label not supported: {part.strip()[:_SHOWN]}")
        requirements.append(Requirement(key, operator, frozenset({value})))
    return tuple(requirements)


def _split(text: str) -> list[str]:
    """At the commas that are outside of parentheses. By hand: expressions that do this backtrack for minutes."""
    if len(text) > MAX_SELECTOR_LENGTH:
        raise UsageError(f"the selector is longer than {MAX_SELECTOR_LENGTH} characters")
    if not text.strip():
        return []
    parts, start, is_within = [], 0, False
    for at, character in enumerate(text):
        if character in "()":
            if is_within == (character == "("):
                raise _unparsable(text)
            is_within = not is_within
        elif character == "," and not is_within:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    if is_within or any(not part.strip() for part in parts):
        raise _unparsable(text)
    return parts


def _requirement(part: str) -> Requirement:
    if "(" in part:
        head, _, tail = part.partition("(")
        words = head.split()
        if len(words) != 2 or words[1] not in ("in", "notin") or not tail.rstrip().endswith(")"):
            raise _unparsable(part)
        values = frozenset(value.strip() for value in tail.rstrip()[:-1].split(","))
        return Requirement(words[0], "in" if words[1] == "in" else "notin", values)
    key, operator, value = _compared(part)
    if operator:
        return Requirement(key, operator, frozenset({value}))
    word = part.strip()
    if word.startswith("!"):
        return Requirement(word[1:].strip(), "absent")
    return Requirement(word, "exists")


def _compared(part: str) -> tuple[str, Operator | None, str]:
    """Key, operator and value of ``a=b``, ``a==b`` and ``a!=b``; no operator where there is none."""
    key, equal, value = part.partition("=")
    if not equal:
        return part.strip(), None, ""
    if key.endswith("!"):
        return key[:-1].strip(), "notin", value.strip()
    return key.strip(), "in", value.removeprefix("=").strip()


def _unparsable(text: str) -> UsageError:
    return UsageError(f"unable to parse the label selector: {text.strip()[:_SHOWN]!r}")
