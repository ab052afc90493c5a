"""Version constraints as Grype writes them: ``>= 1.0, < 2.0 || = 3.0``.

Terms joined by a comma or a space belong to one range, ``||`` separates ranges
(https://github.com/anchore/grype, ``grype/version``).
"""

import re
from collections.abc import Iterator

from leadline.model.vulnerability import VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed_formats.values import MOST_RANGES, version
from leadline.vulnerabilities.ordering import Ordering, Unorderable

_TERM = re.compile(r"(>=|<=|=|>|<)?[ \t]*([^\s,|<>=]+)[ \t,]*")
_EVERYTHING = frozenset(("", "none", "*"))
_FROM_THE_START = frozenset(("0", "0.0.0-0"))
LONGEST = 1 << 16


def ranges(constraint: str, fix: str, ordering: Ordering | None) -> Iterator[VersionRange | str]:
    """Each range; a version by itself where the constraint names that one alone.

    ``fix``: the release that fixes it, empty where there is none. ``ordering`` decides whether the fix comes after the last
    affected version; ``None`` leaves the range as it is.

    Raises:
        Unreadable: it has another form, or too many ranges.
    """
    written = constraint.strip()
    if written.lower() in _EVERYTHING:
        yield VersionRange()
        return
    parts = written.split("||")
    if len(parts) > MOST_RANGES or len(written) > LONGEST:
        raise Unreadable("too many ranges")
    for part in parts:
        yield _range(part.strip(), fix, ordering if len(parts) == 1 else None)


def starts(constraint: str) -> str:
    """``1.2`` of ``>= 1.2``; empty for any other form."""
    found = re.fullmatch(r">=\s*([^\s,|<>=]+)", constraint.strip())
    return version(found[1]) if found else ""


def _range(part: str, fix: str, ordering: Ordering | None) -> VersionRange | str:
    low = high = last = ""
    after = False
    terms = _terms(part)
    for sign, written in terms:
        named = version(written)
        if sign in ("=", ""):
            if len(terms) > 1:
                raise Unreadable(f"a constraint of another form: {part[:60]!r}")
            return named
        if sign in (">", ">="):
            low, after = named, sign == ">"
        elif sign == "<":
            high = named
        else:
            last = named
    if low in _FROM_THE_START:
        low, after = "", False
    if not high and last and fix and ordering is not None and _is_later(fix, last, ordering):
        high, last = version(fix), ""
    if high:
        return VersionRange(low, fixed=high, after=after, is_fix=high == fix)
    return VersionRange(low, last_affected=last, after=after)


def _terms(part: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(part):
        term = _TERM.match(part, at)
        if term is None:
            raise Unreadable(f"a constraint of another form: {part[:60]!r}")
        found.append((term[1] or "", term[2]))
        at = term.end()
    if not found:
        raise Unreadable("an empty range")
    return found


def _is_later(fix: str, last: str, ordering: Ordering) -> bool:
    try:
        return ordering.key(fix) > ordering.key(last)
    except Unorderable:
        return False
