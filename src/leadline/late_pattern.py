"""Regular expressions that are compiled at their first use.

Compiling one takes as long as importing a small file, and of the hundreds that the program has a command uses few.
"""

import re
from typing import Any, AnyStr, cast


class _LatePattern:
    """Becomes the pattern's methods one by one, as they are asked for: after that a call costs no more than one of its own."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._asked = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._asked), name)
        setattr(self, name, found)
        return found


def late_pattern(pattern: AnyStr, flags: int = 0) -> "re.Pattern[AnyStr]":
    """As ``re.compile``; a mistake in the pattern is raised by the first use."""
    return cast("re.Pattern[AnyStr]", _LatePattern(pattern, flags))
