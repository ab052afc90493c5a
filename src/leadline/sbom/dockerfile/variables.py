"""Variables of a build: what ``$NAME`` in an instruction is replaced by, as far as a text says it.

Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

import re
from collections.abc import Iterator, Mapping

from leadline.sbom.dockerfile.instructions import Instruction

Variables = Mapping[str, str | None]
"""``None`` for one that is set when it is built, and has no default."""
_VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<sign>:?[-+?])(?P<word>[^{}]*))?\})"
)
_PAIR = re.compile(r"(?<!\S)(?P<name>[^\s=]+)=(?P<value>(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\])*)")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'([^']*)'|\\(.)")
_LONGEST = 4096
"""Characters that variables may come to in one text: one may hold another many times over."""


def replaced(text: str, known: Variables) -> str | None:
    """``text`` with its variables; ``None`` where one has no value here, or they come to more than ``_LONGEST``."""
    is_known, left = True, _LONGEST

    def value(found: re.Match[str]) -> str:
        nonlocal is_known, left
        name = found["plain"] or found["name"]
        if not name:
            return "$"
        held, word = known.get(name), found["word"] or ""
        match (found["sign"] or "")[-1:]:
            case "-" if not held:
                held = word
            case "+":
                held = word if held else ""
        left -= len(held or "")
        is_known = is_known and held is not None and left >= 0
        return (held or "") if is_known else ""

    made = _VARIABLE.sub(value, text)
    # One within another is left to builders.
    return made if is_known and "${" not in made else None


def names_without_value(text: str, known: Variables) -> str:
    """The first variable of ``text`` that has no value here."""
    found = (one["plain"] or one["name"] for one in _VARIABLE.finditer(text))
    return next((name for name in found if name and known.get(name) is None), "")


def pairs_of(one: Instruction) -> Iterator[tuple[str, str | None]]:
    """The names and values of an ``ENV``, ``ARG`` or ``LABEL``, unquoted; ``None`` for an ``ARG`` without a default."""
    first = one.text.split(None, 1)
    if one.name != "ARG" and first and "=" not in first[0]:
        # The old form: one name, and all of the rest.
        yield first[0], first[1] if len(first) > 1 else ""
        return
    at = 0
    for found in _PAIR.finditer(one.text):
        if one.name == "ARG":
            yield from ((name, None) for name in one.text[at : found.start()].split())
        yield _unquoted(found["name"]), _unquoted(found["value"])
        at = found.end()
    if one.name == "ARG":
        yield from ((name, None) for name in one.text[at:].split() if "=" not in name)


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or found[2] or found[3] or "", text)
