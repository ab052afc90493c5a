"""Imports click, msgspec and ``urllib.parse`` without modules that they name at their top and no command of ours has them use.

These are a third of the start of a command.
"""

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from leadline.late_modules import LateModule, in_place_of

LIBRARIES = ("urllib.parse", "click", "msgspec")
"""``pathlib`` asks for the first."""

_DIFFLIB, _INSPECT = LateModule("difflib"), LateModule("inspect")
_LEAST_LIKENESS = 0.6
"""As ``difflib`` has it."""


def import_libraries() -> None:
    """Each of these is needed by every command; what they bring for others is not."""
    stand_ins = {
        # Brings the tables of ``locale``; click has no translations, so that there are none to look for.
        "gettext": LateModule("gettext", gettext=str, ngettext=_counted),
        # Brings the parsers of Python's syntax.
        "inspect": _INSPECT,
        "ipaddress": LateModule("ipaddress"),
        # Compiles patterns for every system; ``uuid`` asks for its name alone.
        "platform": LateModule("platform", system=lambda: os.uname().sysname),
        "textwrap": LateModule("textwrap"),
        # It may be there for other libraries; msgspec takes what ``typing`` has without it.
        "typing_extensions": None,
    }
    vars(_INSPECT)["cleandoc"] = _cleandoc
    vars(_DIFFLIB)["get_close_matches"] = _close_matches
    # click looks for words like each short flag before it takes it for one, so that this one stays.
    sys.modules.setdefault("difflib", _DIFFLIB)
    with in_place_of(stand_ins):
        for name in LIBRARIES:
            import_module(name)


def _cleandoc(text: str) -> str:
    """As ``inspect.cleandoc``, which one line does not need."""
    if "\n" in text:
        return str(_INSPECT.real_module().cleandoc(text))
    return text.expandtabs().lstrip()


def _close_matches(word: str, words: Iterable[str], n: int = 3, cutoff: float = _LEAST_LIKENESS) -> list[str]:
    """As ``difflib.get_close_matches``, which need not look where too few letters are shared: ``-q`` is like no long flag."""
    offered = list(words)
    letters = set(word)

    def may_be_like(one: str) -> bool:
        shared = sum(min(word.count(letter), one.count(letter)) for letter in letters)
        return 2 * shared >= cutoff * (len(word) + len(one))

    if not any(map(may_be_like, offered)):
        return []
    found: list[str] = _DIFFLIB.real_module().get_close_matches(word, offered, n, cutoff)
    return found


def _counted(one: str, several: str, number: int) -> str:
    return one if number == 1 else several
