"""Imports click, msgspec and ``urllib.parse`` without modules that they name at their top and no command of ours has them use.

They ask for modules of Python's own, and for one of another library, that take longer to import than they take
themselves: a third of the start of a command. Each is stood in for while they are imported, and found as it is by whatever asks
for it later: nothing but the moment of its import changes.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

LIBRARIES = ("urllib.parse", "click", "msgspec")
"""``pathlib`` asks for the first."""


class _Later(ModuleType):
    """Stands in for a module that a library uses within functions alone, and imports it at its first use."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            # What Python itself asks of a module; its own are set.
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_libraries() -> None:
    """Each of these is needed by every command; what they bring for others is not."""
    inspect, gettext, platform = _Later("inspect"), _Later("gettext"), _Later("platform")
    vars(inspect)["cleandoc"] = _cleandoc
    # click brings no translations, so that there are none to look for.
    vars(gettext).update(gettext=str, ngettext=_counted)
    # All that ``uuid`` asks for.
    vars(platform)["system"] = lambda: os.uname().sysname
    stand_ins = {
        "gettext": gettext,  # brings the tables of ``locale``
        "inspect": inspect,  # brings the parsers of Python's syntax
        "ipaddress": _Later("ipaddress"),
        "platform": platform,  # compiles patterns for every system
        "textwrap": _Later("textwrap"),
        # It may be there for other libraries; msgspec takes what ``typing`` has without it.
        "typing_extensions": None,
    }
    with _in_place_of(stand_ins):
        for name in LIBRARIES:
            import_module(name)


@contextmanager
def _in_place_of(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """``modules`` are found by those names meanwhile; ``None`` for such as are not to be found. What is imported already stays."""
    stand_ins = {name: module for name, module in modules.items() if name not in sys.modules}
    # Python's documentation of ``sys.modules`` gives ``None`` this meaning; stubs do not.
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _cleandoc(text: str) -> str:
    """As ``inspect.cleandoc``, which one line does not need."""
    if "\n" in text:
        return str(import_module("inspect").cleandoc(text))
    return text.expandtabs().lstrip()


def _counted(one: str, several: str, number: int) -> str:
    return one if number == 1 else several
