"""Keeps secrets out of everything that leaves: places are named, values never.

Hidden are the values of Secrets and ConfigMaps, of environment variables, of credentials inside
addresses, and whatever is shaped like a key or token.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

HIDDEN = "XXXXXX"
"""What stands in place of a value; the ecosystem's readers know these six letters."""

_DATA = frozenset({"data", "stringData", "binaryData"})
_HOLDERS = ("Secret", "ConfigMap")
_DROPPED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_DEEPEST = 120
_SHORTEST = 6
"""Shorter secrets are not searched for in lines of source: they would blot out innocent words."""

_SHAPES = (
    r"(?P<address>(?<=://)[^/\s:@'\"]*:[^/\s@'\"]+(?=@))"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[0-9A-Za-z]{30,}"
    r"|\bglpat-[0-9A-Za-z_-]{20,}"
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}"
    r"|\bsk_(?:live|test)_[0-9A-Za-z]{8,}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|(?<![\w-])eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"
)
_SHAPE_MARKS = ("://", "-----BEGIN", "AKIA", "ASIA", "gh", "glpat-", "xox", "sk_", "AIza", "eyJ")
_NAMED = (
    r"(?i:(?P<name>(?:passw(?:or)?d|passphrase|secret|token|credentials?"
    r"|(?:api|access|private|secret|encryption)[-_.]?key)['\"]?\s*[:=]\s*['\"]?)"
    r"(?!true\b|false\b|null\b|~|[{\[>|&*]|['\"]?\s*$)[^\s'\",}]+)"
)
_NAME_MARKS = ("passw", "passphrase", "secret", "token", "credential", "key")
_ENV_VALUE = r"(?P<name>\bvalue['\"]?:\s+)(?![{\[]).*?(?=\s*[,}]|$)"
_PAIR = r"(?P<name>^\s*(?:- )?[^\s:#]+:)\s+\S.*$"
_OPEN_KEYS = r"^\s*(?:- )?(apiVersion|kind|metadata|name|namespace|type|immutable|labels|annotations):"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: together they would cost a scan that redacts nothing some milliseconds."""
    return re.compile(pattern, re.DOTALL)


def redacted_text(text: str) -> str:
    """``text`` with credentials in addresses, keys, tokens and ``password=…`` hidden."""
    if _has_any(text, _SHAPE_MARKS):
        text = _pattern(_SHAPES).sub(HIDDEN, text)
    if (":" in text or "=" in text) and _has_any(text.lower(), _NAME_MARKS):
        text = _pattern(_NAMED).sub(rf"\g<name>{HIDDEN}", text)
    return text


def _has_any(text: str, marks: tuple[str, ...]) -> bool:
    """Asked of every text of a report: ``any`` over a generator takes three times as long."""
    for mark in marks:  # noqa: SIM110
        if mark in text:
            return True
    return False


def redacted_object(body: dict[str, Any]) -> dict[str, Any]:
    """A copy of an object that is safe to publish.

    ``status``, ``metadata.managedFields`` and the last applied configuration are left out: they repeat
    the object. Values are replaced, names and references stay.
    """
    copy = {str(k): v for k, v in body.items() if k != "status"}
    if body.get("kind") in _HOLDERS:
        for field in _DATA & copy.keys():
            values = copy[field]
            copy[field] = dict.fromkeys(map(str, values), HIDDEN) if isinstance(values, dict) else HIDDEN
    metadata = copy.get("metadata")
    if isinstance(metadata, dict):
        kept = {k: v for k, v in metadata.items() if k != "managedFields"}
        notes = kept.get("annotations")
        if isinstance(notes, dict) and _DROPPED_ANNOTATION in notes:
            kept["annotations"] = {k: v for k, v in notes.items() if k != _DROPPED_ANNOTATION}
        copy["metadata"] = kept
    return {k: _copied(v, k, 1) for k, v in copy.items()}


def _copied(value: Any, key: str, depth: int) -> Any:
    if isinstance(value, str):
        return redacted_text(value) if len(value) >= _SHORTEST else value
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {str(k): _copied(v, str(k), depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        if key == "env":
            value = [_without_value(item) for item in value]
        return [_copied(item, "", depth + 1) for item in value]
    return value


def _without_value(variable: Any) -> Any:
    return {**variable, "value": HIDDEN} if isinstance(variable, dict) and "value" in variable else variable


def secrets_of(body: dict[str, Any]) -> Iterator[str]:
    """Every line of every value that ``redacted_object`` hides for where it stands; blanks around it stripped."""
    if body.get("kind") in _HOLDERS:
        for field in _DATA & body.keys():
            values = body[field]
            for value in values.values() if isinstance(values, dict) else (values,):
                yield from _lines(value)
    todo: list[tuple[Any, int]] = [(body, 0)]
    while todo:
        value, depth = todo.pop()
        if depth > _DEEPEST:
            continue
        if isinstance(value, dict):
            for variable in value.get("env") or () if isinstance(value.get("env"), list) else ():
                if isinstance(variable, dict):
                    yield from _lines(variable.get("value"))
            todo += [(v, depth + 1) for v in value.values() if isinstance(v, dict | list)]
        elif isinstance(value, list):
            todo += [(v, depth + 1) for v in value if isinstance(v, dict | list)]


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST)


def redacted_lines(lines: Iterable[str], body: dict[str, Any]) -> list[str]:
    """Lines of the file that ``body`` was read from, with their secrets hidden."""
    secrets = sorted(set(secrets_of(body)), key=len, reverse=True)
    holds_secrets = body.get("kind") in _HOLDERS
    return [_redacted_line(line, secrets, holds_secrets) for line in lines]


def _redacted_line(line: str, secrets: list[str], holds_secrets: bool) -> str:
    for secret in secrets:
        if secret in line:
            line = line.replace(secret, HIDDEN)
    line = redacted_text(_pattern(_ENV_VALUE).sub(rf"\g<name>{HIDDEN}", line))
    if not holds_secrets or _pattern(_OPEN_KEYS).match(line) or not line.strip():
        return line
    if _pattern(_PAIR).match(line):
        return _pattern(_PAIR).sub(rf"\g<name> {HIDDEN}", line)
    return line if line.rstrip().endswith(":") else " " * (len(line) - len(line.lstrip())) + HIDDEN
