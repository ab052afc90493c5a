"""Licences of a package as formats write them: one SPDX expression, with names of our own for what SPDX has none."""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.]+")
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_OWN_PREFIX = "LicenseRef-"
_JOINTS = frozenset(("AND", "OR", "WITH", ")"))


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
            own = _REFERENCE.findall(expression)
            has_only_spdx = has_only_spdx and not own
            references.update((name, name) for name in own)
        parts.append(expression)
    parts = list(dict.fromkeys(parts))
    if len(parts) > 1:
        parts = [f"({part})" if " OR " in part else part for part in parts]
    return Declared(" AND ".join(parts), tuple(references.items()), has_only_spdx)


def is_license_id(text: str) -> bool:
    """Whether ``text`` is the id of one licence on SPDX's list."""
    # The list has names that have since become a reference.
    return " " not in text and bool(known := _expression(text)) and not known.startswith(_OWN_PREFIX)


def _reference(written: str) -> str:
    digest = sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name = _NOT_IN_NAMES.sub("-", written)[:40].strip("-")
    return f"{_OWN_PREFIX}{name}-{digest}" if name else f"{_OWN_PREFIX}{digest}"


@lru_cache(maxsize=4096)
def _expression(written: str) -> str:
    """``written`` as SPDX spells it; empty where it is not an expression of known licences."""
    if not _is_well_formed(written):
        return ""
    plainly = _plainly(written)
    return _parsed(written) if plainly is None else plainly


def _plainly(written: str) -> str | None:
    """What needs no parser: names that are not known, and expressions in SPDX's own form; ``None`` for all else.

    The parser's library takes longer to import than the documents of most images take to write.
    """
    names = _names()
    words = _words(written)
    is_own = True
    for i, word in enumerate(words):
        if word in _JOINTS or word == "(":
            # An exception belongs to one licence, and is one itself.
            is_own = is_own and not (word == "(" and words[i - 1 : i] == ["WITH"])
            is_own = is_own and not (
                word == "WITH" and (words[i - 1] == ")" or words[i - 2 : i - 1] == ["WITH"])
            )
            continue
        name, kind = names.get(word.lower(), ("", ""))
        if not name and not word.startswith(_OWN_PREFIX):
            return ""
        is_exception = i > 0 and words[i - 1] == "WITH"
        if not is_exception and _REFERENCE.fullmatch(word):
            continue
        is_own = is_own and name == word and kind == ("exception" if is_exception else "")
    text = " ".join(words).replace("( ", "(").replace(" )", ")")
    return text if is_own and _is_unmixed(words) else None


def _is_unmixed(words: Iterable[str]) -> bool:
    """Whether each pair of brackets joins its parts by one operator, and another than around it."""
    levels: list[tuple[set[str], set[str]]] = [(set(), set())]
    """The operators of each open level, and those of the levels inside it."""
    for word in words:
        if word == "(":
            levels.append((set(), set()))
        elif word in ("AND", "OR"):
            levels[-1][0].add(word)
        elif word == ")":
            own, inside = levels.pop()
            if len(own) != 1 or own & inside:
                return False
            levels[-1][1].update(own)
    return (
        len(levels[0][0]) < 2 and not levels[0][0] & levels[0][1] and bool(levels[0][0] or not levels[0][1])
    )


def _words(written: str) -> list[str]:
    return written.replace("(", " ( ").replace(")", " ) ").split()


@lru_cache(maxsize=1)
def _names() -> dict[str, tuple[str, str]]:
    """Name and kind (``exception``, ``alias``, empty for a licence) of every name in SPDX's list, by its lower case."""
    lines = Path(__file__).with_name("spdx_names.txt").read_text("utf-8").splitlines()
    rows = (line.partition(" ") for line in lines)
    return {name.lower(): (name, kind) for name, _, kind in rows}


def _parsed(written: str) -> str:
    from boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError  # type: ignore[import-untyped]

    try:
        return str(_licensing().parse(written, validate=True, strict=True).render())
    except (ParseError, ExpressionError):
        return ""


def _is_well_formed(written: str) -> bool:
    """Whether names and operators take turns: the library raises errors of many kinds where they do not."""
    depth, is_name_next = 0, True
    for word in _words(written):
        if word in _JOINTS:
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
