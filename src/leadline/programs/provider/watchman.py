"""What makes a message suspicious: an attacker who owns a sender can only lie from now on, and a large lie shows."""

from collections.abc import Container, Iterator
from datetime import datetime, timedelta

from leadline.api.provider.wire import Changes
from leadline.programs.provider.source_row import Source
from leadline.programs.provider.tables import DAMAGED_LOG, OTHER_SCOPE, Usual

EVENTS = ("mass-gone", "fork", "key-reused", "disagreement", OTHER_SCOPE, DAMAGED_LOG)
"""Alerts that last until a person settles them."""
FEWER_OBJECTS, FEWER_CONTROLS, MORE_UNREAD, OTHER_PROGRAM = STATES = (
    "fewer-objects",
    "fewer-controls",
    "more-unread",
    "other-program",
)
"""Those that end by themselves as well, with a message that is again as it was before: a lie that is repeated is none of that."""
SETTLED = (*EVENTS, *STATES)
"""What ends once a person has looked into it; silence ends by a message alone."""
_GONE_SHARE = 0.5
_GONE_LEAST = 20
_FEWER_SHARE = 0.8
_MORE_UNREAD = 1.5
_UNREAD_LEAST = 5


def suspicions(source: Source, open_before: int, changes: Changes) -> Iterator[tuple[str, str]]:
    """Kind and sentence of each, of a message that ``source`` is about to take."""
    if not source.mode:
        return
    now, coverage = changes.measured, changes.measured.coverage
    gone = len(changes.gone)
    left = open_before - gone + len(changes.opened)
    # As many for each object as before. What a message says of deleted objects is not counted: others may have come.
    expected = min(open_before, open_before * coverage.objects / max(1, source.objects))
    if gone >= _GONE_LEAST and gone > _GONE_SHARE * open_before and left < _GONE_SHARE * expected:
        yield (
            "mass-gone",
            f"{gone:,} of {open_before:,} open findings went in one message; {coverage.objects:,} objects were looked at,"
            f" {source.objects:,} before",
        )
    if coverage.objects < _FEWER_SHARE * source.usual_objects:
        yield FEWER_OBJECTS, f"{coverage.objects:,} objects were looked at, {source.usual_objects:,} before"
    if coverage.judged < _FEWER_SHARE * source.usual_judged:
        yield FEWER_CONTROLS, f"{coverage.judged:,} controls judged, {source.usual_judged:,} before"
    if coverage.unread >= max(_UNREAD_LEAST, _MORE_UNREAD * source.usual_unread + 1):
        yield MORE_UNREAD, f"{coverage.unread:,} sources could not be read, {source.usual_unread:,} before"
    if _version(now.program) < _version(source.usual_program):
        yield OTHER_PROGRAM, f"{now.program} reports; {source.usual_program} did before"


def usual_after(source: Source, changes: Changes, noticed: Container[str]) -> Usual:
    """What the message after ``changes`` is held against: what was ``noticed`` of them makes nothing usual."""
    now, coverage = changes.measured, changes.measured.coverage
    return Usual(
        source.usual_objects if FEWER_OBJECTS in noticed else coverage.objects,
        source.usual_judged if FEWER_CONTROLS in noticed else coverage.judged,
        source.usual_unread if MORE_UNREAD in noticed else coverage.unread,
        source.usual_program if OTHER_PROGRAM in noticed else now.program,
    )


def is_silent(source: Source, now: datetime) -> bool:
    """Whether two messages in a row are missing. The interval is set at the provider, never by the sender."""
    if not source.every:
        return False
    since = datetime.fromisoformat(source.received or source.created)
    return now - since > timedelta(seconds=2 * source.every)


def _version(program: str) -> tuple[int, ...]:
    """The numbers of ``leadline 1.20.3``."""
    words = program.rpartition(" ")[2].split(".")
    return tuple(int(word) for word in words if word.isdecimal() and len(word) < 10)
