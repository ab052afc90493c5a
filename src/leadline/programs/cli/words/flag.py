"""A flag of a command, once: click's command and the short way past click are both made of such tables."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct


class Flag(Struct, frozen=True):
    names: tuple[str, ...]
    """As written; the last one, without dashes, is the name of the request's field."""
    kind: Literal["switch", "text", "texts", "number"]
    help: str
    metavar: str = ""
    default: Any = None

    @property
    def field(self) -> str:
        return self.names[-1].lstrip("-").replace("-", "_")


def plain_words(
    arguments: Sequence[str], table: Sequence[Flag]
) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """Words and flags of a command line that is plainly right; ``None`` leaves it to click.

    Importing click costs more than a bare start of Python, so it is kept for help, errors and rare spellings.
    """
    flags: dict[str, Any] = {flag.field: _start(flag) for flag in table}
    by_name = {name: flag for flag in table for name in flag.names}
    words: list[str] = []
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        if word == "-" or not word.startswith("-"):
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        flag = by_name.get(name)
        if flag is None or (equals and (flag.kind == "switch" or not name.startswith("--"))):
            return None
        if flag.kind == "switch":
            flags[flag.field] = True
            continue
        if not equals:
            if not rest or (rest[-1].startswith("-") and rest[-1] != "-"):
                return None
            value = rest.pop()
        if not _take(flags, flag, value):
            return None
    return tuple(words), flags


def _start(flag: Flag) -> Any:
    return {"switch": False, "texts": ()}.get(flag.kind, flag.default)


def _take(flags: dict[str, Any], flag: Flag, value: str) -> bool:
    """Whether the value could be taken."""
    if flag.kind == "number":
        try:
            flags[flag.field] = float(value)
        except ValueError:
            return False
    elif flag.kind == "texts":
        flags[flag.field] = (*flags[flag.field], value)
    else:
        flags[flag.field] = value
    return True
