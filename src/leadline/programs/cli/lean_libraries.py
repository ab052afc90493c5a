"""Imports click, msgspec and ``urllib.parse`` without modules that they name at their top and no command of ours has them use.

These are a third of the start of a command.
"""

import os
from importlib import import_module

from leadline.late_modules import LateModule, in_place_of

LIBRARIES = ("urllib.parse", "click", "msgspec")
"""``pathlib`` asks for the first."""


def import_libraries() -> None:
    """Each of these is needed by every command; what they bring for others is not."""
    stand_ins = {
        # Brings the tables of ``locale``; click has no translations, so that there are none to look for.
        "gettext": LateModule("gettext", gettext=str, ngettext=_counted),
        # Brings the parsers of Python's syntax.
        "inspect": LateModule("inspect", cleandoc=_cleandoc),
        "ipaddress": LateModule("ipaddress"),
        # Compiles patterns for every system; ``uuid`` asks for its name alone.
        "platform": LateModule("platform", system=lambda: os.uname().sysname),
        "textwrap": LateModule("textwrap"),
        # It may be there for other libraries; msgspec takes what ``typing`` has without it.
        "typing_extensions": None,
    }
    with in_place_of(stand_ins):
        for name in LIBRARIES:
            import_module(name)


def _cleandoc(text: str) -> str:
    """As ``inspect.cleandoc``, which one line does not need."""
    if "\n" in text:
        return str(import_module("inspect").cleandoc(text))
    return text.expandtabs().lstrip()


def _counted(one: str, several: str, number: int) -> str:
    return one if number == 1 else several
