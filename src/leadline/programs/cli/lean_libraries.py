"""Imports click, msgspec and ``pathlib`` without modules that they name at their top and no command of ours has them use.

They take 13 of the 143 ms of processor time of a scan of one file (medians of 25 pairs, 1.10 times with them). Whatever uses one of
them later finds it as it is: only the moment of its import changes.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

LIBRARIES = ("pathlib", "click", "msgspec")


class LateModule(ModuleType):
    """Imports the module that it is called after when something is first asked of it that it was not given."""

    def __init__(self, name: str, **given: object) -> None:
        super().__init__(name)
        vars(self).update(given)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            # What Python itself asks of a module; its own are set.
            raise AttributeError(name)
        return getattr(self.real_module(), name)

    def real_module(self) -> ModuleType:
        """The module that it replaces, imported."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


_DIFFLIB, _INSPECT = LateModule("difflib"), LateModule("inspect")
# Compiles patterns for every system; ``uuid`` and zstandard ask for a name alone.
_PLATFORM = LateModule("platform", system=lambda: os.uname().sysname)
if sys.implementation.name == "cpython":
    vars(_PLATFORM)["python_implementation"] = lambda: "CPython"
_UNUSED = ("calendar", "ipaddress", "random")
STAYING = (_DIFFLIB, _INSPECT, _PLATFORM, *map(LateModule, _UNUSED))
"""What others ask for later: click looks for words like each short flag before it takes it for one; orjson brings ``dataclasses``,
which need ``inspect`` where a class has no text; ``urllib.parse`` wants addresses in brackets alone checked, ``email`` makes dates and ids of messages."""
_PLAIN = b"/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-~"
_LEAST_LIKENESS = 0.6
"""As ``difflib`` has it."""


def import_libraries() -> None:
    """Each of these is needed by every command; what they bring for others is not."""
    stand_ins = {
        # Brings the tables of ``locale``; click has no translations, so that there are none to look for.
        "gettext": LateModule("gettext", gettext=str, ngettext=_counted),
        # Describes types; ``msgspec`` itself does without.
        "msgspec.inspect": LateModule("msgspec.inspect"),
        "textwrap": LateModule("textwrap"),
        # It may be there for other libraries; msgspec takes what ``typing`` has without it.
        "typing_extensions": None,
        # ``pathlib`` writes file URLs with it.
        "urllib.parse": LateModule("urllib.parse", quote_from_bytes=_quoted),
    }
    vars(_INSPECT)["cleandoc"] = _cleandoc
    vars(_DIFFLIB)["get_close_matches"] = _close_matches
    for module in STAYING:
        sys.modules.setdefault(module.__name__, module)
    with in_place_of(stand_ins):
        for name in LIBRARIES:
            import_module(name)


def _quoted(path: bytes) -> str:
    """As ``urllib.parse.quote_from_bytes``, which most paths do not need."""
    if not path.translate(None, _PLAIN):
        return path.decode()
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(path)


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
        if 2 * min(len(word), len(one)) < cutoff * (len(word) + len(one)):
            return False
        shared = sum(min(word.count(letter), one.count(letter)) for letter in letters)
        return 2 * shared >= cutoff * (len(word) + len(one))

    if not any(map(may_be_like, offered)):
        return []
    found: list[str] = _DIFFLIB.real_module().get_close_matches(word, offered, n, cutoff)
    return found


def _counted(one: str, several: str, number: int) -> str:
    return one if number == 1 else several


@contextmanager
def in_place_of(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
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
