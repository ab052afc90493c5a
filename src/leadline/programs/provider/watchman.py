"""What makes a message suspicious: an attacker who owns a sender can only lie from now on, and a large lie shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from leadline.api.provider.wire import Changes
from leadline.programs.provider.tables import DAMAGED_LOG, OTHER_SCOPE, Source

EVENTS = ("mass-gone", "fork", "key-reused", "disagreement", OTHER_SCOPE, DAMAGED_LOG)
"""Alerts that last until a person settles them."""
STATES = ("fewer-objects", "fewer-controls", "more-unread", "other-program")
"""Those that end with the next message that gives no reason."""
_GONE_SHARE = 0.5
_GONE_LEAST = 20
_FEWER_SHARE = 0.8
_MORE_UNREAD = 1.5
_UNREAD_LEAST = 5


def suspicions(source: Source, open_before: int, changes: Changes) -> Iterator[tuple[str, str]]:
    """Kind and sentence of each, of a message that ``source`` is about to take."""
    if not source.entries:
        return
    now, coverage = changes.measured, changes.measured.coverage
    gone = len(changes.gone)
    vanished = max(changes.deleted_objects, source.objects - coverage.objects)
    # Objects that vanish take their findings with them, a usual number of them each.
    expected = vanished * open_before / max(1, source.objects)
    if gone >= _GONE_LEAST and gone > _GONE_SHARE * open_before and gone > 2 * expected:
        yield (
            "mass-gone",
            f"{gone:,} of {open_before:,} open findings went in one message, while {vanished:,} objects vanished",
        )
    if coverage.objects < _FEWER_SHARE * source.objects and not changes.deleted_objects:
        yield "fewer-objects", f"{coverage.objects:,} objects were looked at, {source.objects:,} before"
    if coverage.judged < _FEWER_SHARE * source.judged:
        yield "fewer-controls", f"{coverage.judged:,} controls judged, {source.judged:,} before"
    if coverage.unread >= max(_UNREAD_LEAST, _MORE_UNREAD * source.unread + 1):
        yield "more-unread", f"{coverage.unread:,} sources could not be read, {source.unread:,} before"
    if _version(now.program) < _version(source.program):
        yield "other-program", f"{now.program} reports; {source.program} did before"


def is_silent(source: Source, now: datetime) -> bool:
    """Whether two messages in a row are missing. The interval is set at the provider, never by the sender."""
    if not source.every:
        return False
    since = datetime.strptime(source.received or source.created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return now - since > timedelta(seconds=2 * source.every)


def _version(program: str) -> tuple[int, ...]:
    """The numbers of ``leadline 1.20.3``."""
    words = program.rpartition(" ")[2].split(".")
    return tuple(int(word) for word in words if word.isdecimal() and len(word) < 10)
