"""Imports click and msgspec without modules that they name at their top and that no command of ours has them use.

Both ask for modules of Python's own, and for one of another library, that take longer to import than they take
themselves: a third of the start of a command. Each is stood in for while they are imported, and found as it is by whatever asks
for it later: nothing but the moment of its import changes.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


class _Later(ModuleType):
    """Stands in for a module that a library uses within functions alone, and imports it at its first use."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            # What Python itself asks of a module; its own are set.
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_click() -> None:
    """``inspect`` brings the parsers of Python's syntax, ``gettext`` the tables of ``locale``."""
    inspect, gettext = _Later("inspect"), _Later("gettext")
    vars(inspect)["cleandoc"] = _cleandoc
    # click brings no translations, so that there are none to look for.
    vars(gettext).update(gettext=str, ngettext=_counted)
    with _in_place_of({"inspect": inspect, "gettext": gettext, "platform": _platform()}):
        import click  # noqa: F401


def import_msgspec() -> None:
    """``typing_extensions`` may be there, for other libraries; without it msgspec takes what ``typing`` has."""
    with _in_place_of({"typing_extensions": None, "textwrap": _Later("textwrap"), "platform": _platform()}):
        import msgspec  # noqa: F401


def _platform() -> ModuleType:
    """What ``uuid`` asks for: the name of the system alone."""
    platform = _Later("platform")
    vars(platform)["system"] = lambda: os.uname().sysname
    return platform


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
