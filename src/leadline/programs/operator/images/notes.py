"""What stored results say of themselves: which version they are of, and which job they came of."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.scans import AcceptedInImage
from leadline.api.protocol import Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.errors import DatabaseError
from leadline.programs.operator.images.jobs import NO_DATABASE
from leadline.programs.operator.plan import Job, Outcome, Settings, abandoned, ended
from leadline.programs.operator.work_state import Result, Work
from leadline.scans.images.checked_database import database_state
from leadline.scans.stored.image_results import MANIFESTS, ScanNote, scan_note, stored_counts
from leadline.version import __version__

log = logging.getLogger(__name__)
UNKNOWN = "unknown"
"""As the stamp of what is accepted: it is none that ever comes."""


class Note(Struct, frozen=True):
    key: Key
    note: ScanNote
    annotations: Mapping[str, str]

    @property
    def at(self) -> str:
        """When it was stored, RFC 3339."""
        return self.annotations.get(f"{PREFIX}timestamp", "")


async def notes_of(store: Store, plural: str, namespace: str = "") -> list[Note]:
    """Of all results of ours. Raises: ``StoreError``."""
    found: list[Note] = []
    async for entries in pages_of(store, Selection(plural, namespace, with_body=False)):
        for entry in entries:
            annotations = orjson.loads(entry.content.metadata).get("annotations") or {}
            note = scan_note(annotations)
            if note is not None:
                found.append(Note(entry.key, note, annotations))
    return found


async def rescued(store: Store, home: str, lost: Sequence[Work], pace: Settings, *, now: float) -> list[Work]:
    """What is to be remembered of ``lost``, which someone worked on who has ended without a word.

    With the result, where it was stored just before. Raises: ``StoreError``.
    """
    if not lost:
        return []
    notes = {note.note.digest: note for note in await notes_of(store, MANIFESTS, home)}
    return [_rescued(work, notes.get(work.image.digest), pace, now) for work in lost]


def _rescued(work: Work, found: Note | None, pace: Settings, now: float) -> Work:
    record = work.record
    counts = stored_counts(found.key.name, found.annotations) if found else None
    if found is None or counts is None or _moment(found.at) < int(record.started):
        return replace(work, record=abandoned(record, pace, now))
    job = Job(record.key, version_text(found.note.database), is_stored=False)
    outcome = Outcome("Done", "" if counts.is_matched else NO_DATABASE, is_kept=True)
    record = ended(record, job, outcome, pace, now)
    # As which object sees it is not known any more, and so it is looked at again.
    accepted = AcceptedInImage(UNKNOWN) if found.note.accepted else AcceptedInImage()
    return replace(
        work, record=record, result=Result(counts, found.at, found.note.database, accepted=accepted)
    )


def version_text(built: str) -> str:
    """What a result is of: the database, and the program that knew what to look for."""
    return f"{built or 'no database'} {_tool()}"


def is_of_this_version(version: str) -> bool:
    """Whether the program was this one, so that what it found in an image need not be looked for again."""
    return version.endswith(_tool())


def _tool() -> str:
    return f"leadline {__version__}"


class DatabaseWatch:
    """The file of the database, opened again only once it is another."""

    def __init__(self, path: str, address: str = "") -> None:
        """``address``: where one is fetched from, if anywhere."""
        self._path = path
        self._address = address
        self._stamp: tuple[int, ...] = ()
        self._version = ""
        self._said = ""

    def version(self) -> str:
        """What results have to be of now; empty where there is a database to come, or one that cannot be read."""
        if not self._path:
            return version_text("")
        try:
            status = Path(self._path).stat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp != self._stamp:
                self._version = version_text(database_state(Path(self._path)).built)
                self._stamp = stamp
            self._said = ""
        except FileNotFoundError as error:
            if self._address:
                self._say(
                    logging.INFO, f"wait for the vulnerability database: it is fetched from {self._address}"
                )
            else:
                self._say(logging.WARNING, f"the vulnerability database cannot be read: {error}")
            self._stamp, self._version = (), ""
        except (OSError, DatabaseError) as error:
            self._say(logging.WARNING, f"the vulnerability database cannot be read: {error}")
            self._stamp, self._version = (), ""
        return self._version

    def _say(self, level: int, what: str) -> None:
        """Once for as long as it is so."""
        if what != self._said:
            log.log(level, "images: %s", what)
            self._said = what


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
