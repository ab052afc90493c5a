"""Licences of a package as formats write them: one SPDX expression, with names of our own for what SPDX has none."""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from msgspec import Struct

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.]+")
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_OWN_PREFIX = "LicenseRef-"


class Declared(Struct, frozen=True):
    """What a package declares."""

    expression: str = ""
    """Of SPDX; empty where nothing is declared."""
    references: tuple[tuple[str, str], ...] = ()
    """``LicenseRef-…`` used in it, each with the text as written."""
    has_only_spdx: bool = True
    """Whether every licence is one that SPDX knows."""


@lru_cache(maxsize=4096)
def declared(licenses: tuple[str, ...]) -> Declared:
    """All of ``licenses`` together: they all apply."""
    parts: list[str] = []
    references: dict[str, str] = {}
    has_only_spdx = True
    for written in licenses:
        if not written.strip():
            continue
        expression = _expression(written)
        if not expression:
            has_only_spdx = False
            expression = _reference(written)
            references[expression] = written
        else:
            references.update((name, name) for name in _REFERENCE.findall(expression))
        parts.append(expression)
    parts = list(dict.fromkeys(parts))
    if len(parts) > 1:
        parts = [f"({part})" if " OR " in part else part for part in parts]
    return Declared(" AND ".join(parts), tuple(references.items()), has_only_spdx)


def is_license_id(text: str) -> bool:
    """Whether ``text`` is the id of one licence on SPDX's list."""
    return " " not in text and not text.startswith(_OWN_PREFIX) and bool(_expression(text))


def _reference(written: str) -> str:
    digest = sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name = _NOT_IN_NAMES.sub("-", written)[:40].strip("-")
    return f"{_OWN_PREFIX}{name}-{digest}" if name else f"{_OWN_PREFIX}{digest}"


@lru_cache(maxsize=4096)
def _expression(written: str) -> str:
    """``written`` as SPDX spells it; empty where it is no expression of known licences."""
    from boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError  # type: ignore[import-untyped]

    if not _is_well_formed(written):
        return ""
    try:
        return str(_licensing().parse(written, validate=True, strict=True).render())
    except (ParseError, ExpressionError):
        return ""


def _is_well_formed(written: str) -> bool:
    """Whether names and operators take turns: the library raises errors of many kinds where they do not."""
    words: Iterable[str] = written.replace("(", " ( ").replace(")", " ) ").split()
    depth, is_name_next = 0, True
    for word in words:
        if word in ("AND", "OR", "WITH", ")"):
            if is_name_next:
                return False
            depth -= word == ")"
            is_name_next = word != ")"
        else:
            if not is_name_next:
                return False
            depth += word == "("
            is_name_next = word == "("
        if not 0 <= depth <= 20:
            return False
    return not is_name_next and depth == 0


@lru_cache(maxsize=1)
def _licensing():  # type: ignore[no-untyped-def]  # the library has no types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
