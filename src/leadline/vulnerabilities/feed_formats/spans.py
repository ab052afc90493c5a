"""Sets of versions as package managers write them, and what remains of one when another is taken away.

Requirements of RubyGems (``~> 2.3.18, < 3``), of Composer (``>=1.0``, ``<1.2``) and ranges of npm
(``^1.2 || >=2 <2.3``) become spans between two versions, compared by the ordering of the ecosystem.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from leadline.model.vulnerability import VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed_formats.values import LONGEST_VERSION, version
from leadline.vulnerabilities.ordering import Ordering, Unorderable

MOST_SPANS = 200

_GEM = re.compile(r"(~>|>=|<=|!=|>|<|=)?\s*([0-9][0-9A-Za-z.+-]*)")
_NPM = re.compile(r"(\^|~>?|>=|<=|>|<|=)?\s*v?([0-9*xX][0-9A-Za-z.*+-]*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_WILD = frozenset(("*", "x", "X"))


class Span(Struct, frozen=True):
    """Versions from ``low`` to ``high``; an empty end is open."""

    low: str = ""
    high: str = ""
    without_low: bool = False
    with_high: bool = False


class Spans:
    """Sets of versions in one ordering."""

    def __init__(self, ordering: Ordering) -> None:
        self._ordering = ordering

    def key(self, written: str) -> bytes:
        """Raises ``Unreadable`` where the ecosystem has no such version."""
        try:
            return self._ordering.key(written)
        except Unorderable as error:
            raise Unreadable(f"no version: {written[:60]!r}") from error

    def all_of(self, spans: Iterable[Span]) -> Span | None:
        """What lies in every one; ``None`` where nothing does."""
        low = high = Span()
        for span in spans:
            if span.low and (not low.low or self._low(span) > self._low(low)):
                low = span
            if span.high and (not high.high or self._high(span) < self._high(high)):
                high = span
        found = Span(low.low, high.high, low.without_low, high.with_high)
        if found.low and found.high and self._low(found) >= self._high(found):
            return None
        return found

    def without(self, span: Span, taken: Sequence[Span]) -> Iterator[VersionRange]:
        """``span`` where ``taken``, which holds the fixes, is not. The end before a fix is one."""
        start: Span | None = span
        for fix in sorted(taken, key=self._low):
            if start is None:
                return
            if span.high and self._low(fix) >= self._high(span):
                break
            if fix.high and start.low and self._high(fix) <= self._low(start):
                continue
            if fix.low and (not start.low or self._low(fix) > self._low(start)):
                yield self._until(start, fix)
            start = Span(fix.high, without_low=fix.with_high) if fix.high else None
        if start is not None:
            end = structs.replace(start, high=span.high, with_high=span.with_high)
            if self.all_of((end,)) is not None:
                yield range_of(end)

    def _until(self, start: Span, fix: Span) -> VersionRange:
        if fix.without_low:
            return VersionRange(start.low, last_affected=fix.low, after=start.without_low and bool(start.low))
        return VersionRange(start.low, fixed=fix.low, after=start.without_low and bool(start.low))

    def _low(self, span: Span) -> tuple[bytes, int]:
        """Where a span begins, as a place between versions."""
        return (self.key(span.low), int(span.without_low)) if span.low else (b"", 0)

    def _high(self, span: Span) -> tuple[bytes, int]:
        return (self.key(span.high), int(span.with_high))


def range_of(span: Span) -> VersionRange:
    """A span as it is written; one cannot upgrade to its end."""
    after = span.without_low and bool(span.low)
    if not span.high:
        return VersionRange(span.low, after=after)
    if span.with_high:
        return VersionRange(span.low, last_affected=span.high, after=after)
    return VersionRange(span.low, fixed=span.high, after=after, is_fix=False)


def gem_span(written: str, spans: Spans) -> Span:
    """A requirement of RubyGems, its parts between commas. Raises ``Unreadable``."""
    parts = [part.strip() for part in _short(written).split(",")]
    found = spans.all_of(_gem_part(part) for part in parts)
    if found is None:
        raise Unreadable(f"a requirement that no version meets: {written[:60]!r}")
    return found


def _gem_part(part: str) -> Span:
    found = _GEM.fullmatch(part)
    if found is None or found[1] == "!=":
        raise Unreadable(f"no requirement of RubyGems: {part[:60]!r}")
    number = version(found[2])
    if found[1] == "~>":
        return Span(number, _bumped(number))
    return _compared(found[1] or "=", number)


def _bumped(number: str) -> str:
    """``2.3.18`` → ``2.4``: the last number falls away, the one before it goes up."""
    parts = re.split(r"[.-]", number)
    digits = list(itertools.takewhile(str.isdigit, parts))
    if not digits:
        raise Unreadable(f"no version: {number[:60]!r}")
    kept = digits[:-1] if len(digits) > 1 else digits
    return ".".join((*kept[:-1], str(int(kept[-1][:20]) + 1)))


def npm_spans(written: str, spans: Spans) -> list[Span]:
    """A range of npm, its alternatives between ``||``. Raises ``Unreadable``."""
    alternatives = _short(written, 8 * LONGEST_VERSION).split("||")
    if len(alternatives) > MOST_SPANS:
        raise Unreadable(f"{len(alternatives)} alternatives")
    found = (spans.all_of(_npm_parts(one.strip())) for one in alternatives)
    return [span for span in found if span is not None]


def _npm_parts(written: str) -> list[Span]:
    if found := _HYPHEN.fullmatch(written):
        return [Span(version(found[1]), version(found[2]), with_high=True)]
    parts, end = list[Span](), 0
    for match in _NPM.finditer(written):
        if written[end : match.start()].strip(" ,"):
            break
        parts.append(_npm_part(match[1] or "", match[2]))
        end = match.end()
    if written[end:].strip():
        raise Unreadable(f"no range of npm: {written[:60]!r}")
    return parts or [Span()]


def _npm_part(operator: str, written: str) -> Span:
    """One comparison (https://github.com/npm/node-semver#ranges)."""
    plain, dash, before = written.partition("-")
    numbers = plain.partition("+")[0].split(".")
    count = next((i for i, one in enumerate(numbers) if one in _WILD), len(numbers))
    if not all(one.isdigit() and len(one) < 20 for one in numbers[:count]):
        raise Unreadable(f"no version: {written[:60]!r}")
    known = [int(one) for one in numbers[:count]][:3]
    if not known:
        return Span()
    full = ".".join(map(str, known + [0] * (3 - len(known)))) + dash + before
    if operator == "^":
        place = next((i for i, one in enumerate(known) if one), len(known) - 1)
        return Span(full, _next(known, place))
    if operator in ("~", "~>"):
        return Span(full, _next(known, min(1, len(known) - 1)))
    if operator in ("", "="):
        return (
            Span(full, full, with_high=True) if len(known) == 3 else Span(full, _next(known, len(known) - 1))
        )
    if operator == ">" and len(known) < 3:
        return Span(_next(known, len(known) - 1))
    if operator == "<=" and len(known) < 3:
        return Span(high=_next(known, len(known) - 1))
    return _compared(operator, full)


def _next(numbers: Sequence[int], place: int) -> str:
    """The first version behind all those that begin with ``numbers`` up to ``place``."""
    raised = [*numbers[:place], numbers[place] + 1]
    return ".".join(map(str, raised + [0] * (3 - len(raised))))


def composer_span(parts: Iterable[str], spans: Spans) -> Span | None:
    """Comparisons of Composer, all of which hold. Raises ``Unreadable``."""
    found = []
    for part in parts:
        match = re.fullmatch(r"(>=|<=|==|>|<|=)?\s*(\S+)", _short(part).strip())
        if match is None:
            raise Unreadable(f"no comparison of Composer: {part[:60]!r}")
        found.append(_compared((match[1] or "=").replace("==", "="), version(match[2])))
    if not found:
        raise Unreadable("a branch without versions")
    return spans.all_of(found)


def _compared(operator: str, number: str) -> Span:
    match operator:
        case ">=":
            return Span(number)
        case ">":
            return Span(number, without_low=True)
        case "<":
            return Span(high=number)
        case "<=":
            return Span(high=number, with_high=True)
        case _:
            return Span(number, number, with_high=True)


def _short(written: str, limit: int = 4 * LONGEST_VERSION) -> str:
    if len(written) > limit:
        raise Unreadable("a range that is too long")
    return written
