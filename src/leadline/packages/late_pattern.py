"""Regular expressions that are compiled when they are first used.

A scan of an image loads every reader and uses a few. Compiling the patterns of all of them is a sixth of what a small image costs.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import AnyStr, Generic, cast

_COMPILE = re.compile
"""Where ``compiled_late`` has put itself in its place, a module that is imported may ask a pattern at once."""
_METHODS = ("finditer", "findall", "fullmatch", "match", "search", "split", "sub", "subn")


def late_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As ``re.compile``; a mistake in ``pattern`` shows at the first use. Functions of ``re`` do not take it."""
    return cast("re.Pattern[AnyStr]", _Late(pattern, flags))


@contextmanager
def compiled_late() -> Iterator[None]:
    """Modules that are imported meanwhile get every pattern that they compile as ``late_pattern`` gives it."""
    compile = re.compile
    re.compile = late_pattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = compile


class _Late(Generic[AnyStr]):
    def __init__(self, pattern: AnyStr, flags: int) -> None:
        self._given: tuple[AnyStr, int] = pattern, flags

    def __getattr__(self, name: str) -> object:
        """Asked for what is not there yet; from then on methods are those of the pattern itself."""
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = _COMPILE(*self._given)
        vars(self).update({method: getattr(compiled, method) for method in _METHODS})
        return getattr(compiled, name)
