"""Lines of source without the secrets of the object that they belong to."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from leadline.outputs.redaction.bodies import DATA, DEEPEST, HOLDERS, learn_secrets
from leadline.outputs.redaction.shapes import HIDDEN, SHORTEST, redacted_text
from leadline.outputs.redaction.values import SecretValues

_ENV_VALUE = r"(?P<name>\bvalue['\"]?:\s+)(?![{\[]).*?(?=\s*[,}]|$)"
_PAIR = r"(?P<name>^\s*(?:- )?[^\s:#]+:)\s+\S.*$"
_OPEN_KEYS = r"^\s*(?:- )?(apiVersion|kind|metadata|name|namespace|type|immutable|labels|annotations):"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


class LineHider:
    """Hides what lines of the file of one object must not show. Made once for an object, whose body it was read as."""

    def __init__(self, body: dict[str, Any], found: SecretValues | None = None) -> None:
        """``found`` are the secrets of the whole run; those of the object itself are found here."""
        own = SecretValues()
        learn_secrets(body, own, {})
        self._values = [own] if found is None else [own, found]
        self._held = frozenset(_held_lines(body))
        self._holds_secrets = body.get("kind") in HOLDERS

    def hide(self, line: str) -> str:
        if line.strip() in self._held:
            return " " * (len(line) - len(line.lstrip())) + HIDDEN
        for values in self._values:
            line = values.hide(line)
        line = redacted_text(_pattern(_ENV_VALUE).sub(rf"\g<name>{HIDDEN}", line))
        if not self._holds_secrets or _pattern(_OPEN_KEYS).match(line) or not line.strip():
            return line
        if _pattern(_PAIR).match(line):
            return _pattern(_PAIR).sub(rf"\g<name> {HIDDEN}", line)
        return line if line.rstrip().endswith(":") else " " * (len(line) - len(line.lstrip())) + HIDDEN


def _held_lines(body: dict[str, Any]) -> Iterator[str]:
    """Every line of the values of environments and of what Secrets and ConfigMaps hold, as block scalars write them."""
    if body.get("kind") in HOLDERS:
        for field in DATA & body.keys():
            values = body[field]
            for value in values.values() if isinstance(values, dict) else (values,):
                yield from _lines(value)
    todo: list[tuple[Any, int]] = [(body, 0)]
    while todo:
        value, depth = todo.pop()
        if depth > DEEPEST:
            continue
        if isinstance(value, dict):
            variables = value.get("env")
            for variable in variables if isinstance(variables, list) else ():
                if isinstance(variable, dict):
                    yield from _lines(variable.get("value"))
            todo += [(v, depth + 1) for v in value.values() if isinstance(v, dict | list)]
        elif isinstance(value, list):
            todo += [(v, depth + 1) for v in value if isinstance(v, dict | list)]


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST)
