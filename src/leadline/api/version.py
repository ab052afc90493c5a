"""One version of an object in a history, and what a watcher with a selection sees of it."""

from msgspec import Struct

from leadline.api.protocol import ADDED, DELETED, MODIFIED, Entry, Event
from leadline.api.selection import Selection


class Version(Struct, frozen=True):
    type: str
    entry: Entry
    before: bytes | None
    """The metadata (or only the labels within it) of the version that this one replaces; ``None`` where there was none."""


def event_of(version: Version, selection: Selection) -> Event | None:
    """``None`` where the selection covers the object neither before nor now."""
    if not selection.covers(version.entry.key):
        return None
    if not selection.labels:
        return Event(version.type, version.entry)
    was_in = version.before is not None and selection.matches_labels(version.before)
    is_in = version.type != DELETED and selection.matches_labels(version.entry.content.metadata)
    if is_in:
        return Event(MODIFIED if was_in else ADDED, version.entry)
    return Event(DELETED, version.entry) if was_in else None
