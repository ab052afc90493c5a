"""Segments of the logs in object storage: who owns the provider, its disk and its key cannot take them back.

A segment is a line of JSON, rows of the index, and the records that they name: what ``log`` keeps in its files, from one entry to
another. It names the version of the segment before, so that the newest says which ones are meant.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from leadline.api.provider.note import NoteError, Verifier
from leadline.errors import SourceError, StoreError
from leadline.foreign_errors import in_words
from leadline.programs.provider.bucket import LARGEST, Bucket, Version
from leadline.programs.provider.log import CHECKPOINT, ENTRY_BYTES, INDEX, RECORDS
from leadline.whole_file import write_whole

_SEGMENT = 64 << 20
"""Bytes of one segment, or a single entry."""
_LARGEST_LINE = 16_384


class Head(Struct, frozen=True, rename="camel"):
    origin: str
    start: int
    """Number of its first entry."""
    end: int
    """Number after its last one."""
    checkpoint: str
    """Of the log when it was put."""
    previous: str = ""
    """Version of the segment before."""


class Segment(Struct, frozen=True):
    head: Head
    index: bytes
    records: bytes


class LogArchive:
    """Of the log ``origin`` in one bucket, by checkpoints that ``key`` signs."""

    def __init__(self, bucket: Bucket, origin: str, key: Verifier) -> None:
        self._bucket, self._origin, self._key = bucket, origin, key
        self._compared: set[Version] = set()
        """Segments that were read, and hold what the log does."""

    def put_new(self, folder: Path, until: datetime) -> Iterator[tuple[Head, Version]]:
        """What a log has that the bucket does not, segment by segment. The provider may run beside it.

        Who holds the credentials can put something else under the next name: what is there is read once, and held against the log.

        Raises: ``SourceError``, ``StoreError``.
        """
        try:
            note = (folder / CHECKPOINT).read_text("utf-8")
            known = self._key.opened(note)
        except FileNotFoundError as error:
            if not _has_entries(folder):
                return
            raise StoreError(f"{folder} has entries and no checkpoint") from error
        except (OSError, NoteError, UnicodeDecodeError) as error:
            raise StoreError(f"{folder}: {in_words(error)}") from error
        if known.origin != self._origin:
            raise StoreError(f"{folder} holds the log of {known.origin}, not of {self._origin}")
        kept, _ = self._segments()
        start, previous = 0, ""
        archived = _range(kept[-1].key)[1] if kept else 0
        if archived > known.size:
            raise StoreError(
                f"{folder}: the archive holds {archived:,} entries, and the log {known.size:,}",
                hint="restore the log of the archive: leadline provider restore-log",
            )
        for one in kept:
            if one not in self._compared:
                self._check_same(one, folder, start, previous)
                self._compared.add(one)
            start, previous = _range(one.key)[1], one.version
        while start < known.size:
            end, index, records = _piece(folder, start, known.size)
            head = Head(self._origin, start, end, note, previous)
            name = f"{self._origin}/{start:012d}-{end:012d}"
            previous = self._bucket.put(name, b"\n".join((msgspec.json.encode(head), index + records)), until)
            yield head, Version(name, previous, "")
            start = end

    def restore(self, folder: Path) -> tuple[list[str], str]:
        """Writes the log as the archive holds it; keys that were left out, and why the entries end where they do, if something follows.

        ``verify_log`` says whether it is what was acknowledged. Raises: ``SourceError``; ``OSError``, also where ``folder`` is there.
        """
        kept, left_out = self._segments()
        if not kept:
            raise SourceError(
                f"{self._bucket.host} holds nothing of {self._origin}",
                hint="an origin is PROVIDER/TENANT/SOURCE",
            )
        if os.path.lexists(folder):
            raise FileExistsError(folder)
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        note, count, why = "", 0, ""
        # Whole or not at all: a second try finds no folder in its way.
        with TemporaryDirectory(dir=folder.absolute().parent, prefix=".restore-") as place:
            made = Path(place, "log")
            made.mkdir(mode=0o700)
            with (made / INDEX).open("xb") as index, (made / RECORDS).open("xb") as records:
                start, previous = 0, ""
                try:
                    for one in kept:
                        found = self._read(one, start, previous)
                        index.write(found.index)
                        records.write(found.records)
                        note, count = found.head.checkpoint, count + 1
                        start, previous = found.head.end, one.version
                except NotSegmentError as error:
                    if not count:
                        raise
                    why = str(error)
            write_whole(made / CHECKPOINT, note.encode(), 0o600)
            made.rename(folder)
        return [*left_out, *(one.key for one in kept[count:])], why

    def _segments(self) -> tuple[list[Version], list[str]]:
        """Each after the one before, and keys that are none of them. Raises: ``SourceError``.

        Of two that begin at one entry it is the older: who holds the credentials can add, and put nothing before.
        """
        by_start: dict[int, Version] = {}
        every = list(self._bucket.first_versions(f"{self._origin}/"))
        for one in every:
            start, end = _range(one.key)
            if end > start >= 0 and (start not in by_start or one.modified < by_start[start].modified):
                by_start[start] = one
        kept: list[Version] = []
        start = 0
        while start in by_start:
            kept.append(by_start[start])
            start = _range(kept[-1].key)[1]
        return kept, [one.key for one in every if one not in kept]

    def _check_same(self, one: Version, folder: Path, start: int, previous: str) -> None:
        """Raises: ``SourceError`` where the segment does not hold what the log does, or could not be restored."""
        end = _range(one.key)[1]
        try:
            found = self._read(one, start, previous)
            if _piece(folder, start, end, LARGEST) == (end, found.index, found.records):
                return
            why = f"{one.key} does not hold what {folder} does"
        except NotSegmentError as error:
            why = str(error)
        raise SourceError(
            f"{why}: someone else put it into the bucket",
            hint="archive into another bucket, with other credentials",
        )

    def _read(self, one: Version, start: int, previous: str) -> Segment:
        """``previous``: version of the segment before. Raises: ``NotSegmentError`` where it does not belong there, or no checkpoint covers it."""
        found = _opened(self._bucket.get(one.key, one.version), one.key)
        head = found.head
        if (head.origin, head.start, head.previous) != (self._origin, start, previous):
            raise NotSegmentError(f"{one.key} does not follow the segment before")
        if _range(one.key) != (head.start, head.end):
            raise NotSegmentError(f"{one.key} holds the entries {head.start} to {head.end}")
        try:
            known = self._key.opened(head.checkpoint)
        except NoteError as error:
            raise NotSegmentError(f"{one.key}: its checkpoint: {error}") from error
        if known.origin != self._origin or known.size < head.end:
            raise NotSegmentError(f"{one.key}: no checkpoint of {self._key.name} covers its entries")
        return found


def _has_entries(folder: Path) -> bool:
    try:
        return (folder / INDEX).stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {in_words(error)}") from error


def _piece(folder: Path, start: int, size: int, most: int = 0) -> tuple[int, bytes, bytes]:
    """From entry ``start`` on, ``most`` bytes in place of ``_SEGMENT``. Raises: ``StoreError``."""
    try:
        with (folder / INDEX).open("rb") as stream:
            stream.seek(max(0, start - 1) * ENTRY_BYTES)
            first = int.from_bytes(stream.read(ENTRY_BYTES)[-8:]) if start else 0
            index, end, last = bytearray(), start, first
            while end < size and len(row := stream.read(ENTRY_BYTES)) == ENTRY_BYTES:
                to = int.from_bytes(row[-8:])
                if end > start and to - first > (most or _SEGMENT):
                    break
                index += row
                end, last = end + 1, to
        with (folder / RECORDS).open("rb") as stream:
            records = os.pread(stream.fileno(), last - first, first)
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {in_words(error)}") from error
    if end == start or len(records) != last - first:
        raise StoreError(f"{folder}: the log is shorter than its checkpoint says")
    return end, bytes(index), records


class NotSegmentError(SourceError):
    """An object under the name of a segment that is something else."""


def _opened(body: bytes, key: str) -> Segment:
    """Raises: ``NotSegmentError``."""
    line, _, rest = body.partition(b"\n")
    try:
        head = msgspec.json.decode(line[:_LARGEST_LINE], type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotSegmentError(f"{key} is not a segment") from error
    width = (head.end - head.start) * ENTRY_BYTES
    if head.end <= head.start or width > len(rest):
        raise NotSegmentError(f"{key} is not a segment")
    return Segment(head, rest[:width], rest[width:])


def _range(key: str) -> tuple[int, int]:
    """From its name; nothing for the name of something else."""
    start, _, end = key.rpartition("/")[2].partition("-")
    if start.isdecimal() and end.isdecimal() and len(start) == len(end) == 12:
        return int(start), int(end)
    return -1, -1
