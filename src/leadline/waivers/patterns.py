"""Globs and regular expressions of waivers, as functions that decide on a text in bounded time.

Python's regular expressions go back on their tracks, so an expression that could make that slow is refused: repeated
groups, references, looking around, and more than three repetitions without a bound.
"""

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache

from leadline.model.waiver import Writing

LONGEST_PATTERN = 512
LONGEST_TEXT = 512
"""Of what is compared. Names of objects and images are shorter; a longer text matches no expression."""
MOST_REPEATS = 3
_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?P<special>\?(?!:))?|(?P<close>\))|(?P<count>\{[0-9]*,?[0-9]*\})|(?P<star>[*+])|(?P<other>.)",
    re.DOTALL,
)
_SCALAR_REPEATS = 1_000

Test = Callable[[str], bool]


class PatternError(ValueError):
    """The pattern cannot be used; its text says why."""


@lru_cache(maxsize=8192)
def compiled(pattern: str, writing: Writing, *, ignore_case: bool = False) -> Test:
    """Whether a text matches ``pattern``.

    Raises: ``PatternError``.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern is longer than {LONGEST_PATTERN} characters")
    flags = re.IGNORECASE if ignore_case else 0
    if writing in ("glob", "exact"):
        if writing == "exact" or not set("*?[") & set(pattern):
            wanted = pattern.casefold() if ignore_case else pattern
            return lambda text: (text.casefold() if ignore_case else text) == wanted
        # What fnmatch makes of stars cannot go back behind the one before.
        match = re.compile(fnmatch.translate(pattern), flags).match
        return lambda text: match(text[:4096]) is not None
    _check(pattern)
    try:
        expression = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"{pattern[:80]} is not a valid regular expression") from error
    test = expression.fullmatch if writing == "regex" else expression.search
    return lambda text: len(text) <= LONGEST_TEXT and test(text) is not None


def _check(pattern: str) -> None:
    repeats = 0
    closed = False
    for token in _TOKEN.finditer(pattern.removeprefix("(?i)")):
        is_repeat = bool(token["star"] or token["count"])
        if token["special"] or (token["escaped"] or "").isdecimal():
            raise PatternError(f"{pattern[:80]} has a part that is not supported")
        if is_repeat and closed:
            raise PatternError(f"{pattern[:80]} repeats a group, which could take for ever")
        repeats += is_repeat
        if repeats > MOST_REPEATS:
            raise PatternError(f"{pattern[:80]} has more than {MOST_REPEATS} repetitions")
        if token["count"] and any(int(n) > _SCALAR_REPEATS for n in re.findall(r"[0-9]+", token[0])):
            raise PatternError(f"{pattern[:80]} repeats too often")
        closed = token["close"] is not None
