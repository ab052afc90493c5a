"""Segments of the logs in object storage: who owns the provider, its disk and its key cannot take them back.

A segment is a line of JSON, rows of the index, and the records that they name: what ``log`` keeps in its files, from one entry to
another. It names the version of the segment before, so that the newest says which ones are meant.
"""

import os
from collections.abc import Iterable, Iterator
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


def put_new(
    bucket: Bucket, folder: Path, origin: str, key: Verifier, until: datetime, compared: set[Version]
) -> Iterator[tuple[Head, Version]]:
    """What a log has that the bucket does not, segment by segment. The provider may run beside it.

    Who holds the credentials can put something else under the next name: what is there is read, unless ``compared`` says
    that it was, and held against the log.

    Raises: ``SourceError``, ``StoreError``.
    """
    try:
        note = (folder / CHECKPOINT).read_text("utf-8")
        known = key.opened(note)
    except FileNotFoundError as error:
        if not _has_entries(folder):
            return
        raise StoreError(f"{folder} has entries and no checkpoint") from error
    except (OSError, NoteError, UnicodeDecodeError) as error:
        raise StoreError(f"{folder}: {error}") from error
    if known.origin != origin:
        raise StoreError(f"{folder} holds the log of {known.origin}, not of {origin}")
    size = known.size
    kept, _ = chain(bucket, origin)
    start, previous = 0, ""
    archived = _range(kept[-1].key)[1] if kept else 0
    if archived > size:
        raise StoreError(
            f"{folder}: the archive holds {archived:,} entries, and the log {size:,}",
            hint="restore the log of the archive: leadline provider restore-log",
        )
    for one in kept:
        if one not in compared:
            _check_same(bucket, one, folder, (origin, start, previous, key))
            compared.add(one)
        start, previous = _range(one.key)[1], one.version
    while start < size:
        end, index, records = _piece(folder, start, size)
        head = Head(origin, start, end, note, previous)
        name = f"{origin}/{start:012d}-{end:012d}"
        body = b"\n".join((msgspec.json.encode(head), index + records))
        previous = bucket.put(name, body, until)
        yield head, Version(name, previous, "")
        start = end


def _has_entries(folder: Path) -> bool:
    try:
        return (folder / INDEX).stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {in_words(error)}") from error


Place = tuple[str, int, str, Verifier]
"""Of a segment: origin, number of its first entry, version of the segment before, and who signs its checkpoint."""


def _check_same(bucket: Bucket, one: Version, folder: Path, place: Place) -> None:
    """Raises: ``SourceError`` where the segment does not hold what the log does, or could not be restored."""
    start, end = _range(one.key)
    try:
        found = _read(bucket, one, place)
        why = ""
        if _piece(folder, start, end, LARGEST) != (end, found.index, found.records):
            why = f"{one.key} does not hold what {folder} does"
    except NotSegmentError as error:
        why = str(error)
    if why:
        raise SourceError(
            f"{why}: someone else put it into the bucket",
            hint="archive into another bucket, with other credentials",
        )


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


def chain(bucket: Bucket, origin: str) -> tuple[list[Version], list[str]]:
    """Segments of one log, each after the one before, and keys that are none of them.

    Of two that begin at one entry it is the older: who holds the credentials can add, and put nothing before. Raises: ``SourceError``.
    """
    by_start: dict[int, Version] = {}
    every = list(bucket.first_versions(f"{origin}/"))
    for one in every:
        found = _range(one.key)
        if found[1] > found[0] >= 0 and (
            found[0] not in by_start or one.modified < by_start[found[0]].modified
        ):
            by_start[found[0]] = one
    kept: list[Version] = []
    start = 0
    while start in by_start:
        kept.append(by_start[start])
        start = _range(kept[-1].key)[1]
    return kept, [one.key for one in every if one not in kept]


def segments(bucket: Bucket, kept: Iterable[Version], origin: str, key: Verifier) -> Iterator[Segment]:
    """Each of ``chain``, by its version. Raises: ``NotSegmentError`` where one does not follow, or no checkpoint covers it."""
    start, previous = 0, ""
    for one in kept:
        found = _read(bucket, one, (origin, start, previous, key))
        start, previous = found.head.end, one.version
        yield found


def _read(bucket: Bucket, one: Version, place: Place) -> Segment:
    """Raises: ``NotSegmentError`` where it does not belong there, or no checkpoint covers it."""
    origin, start, previous, key = place
    found = _opened(bucket.get(one.key, one.version), one.key)
    head = found.head
    if (head.origin, head.start, head.previous) != (origin, start, previous):
        raise NotSegmentError(f"{one.key} does not follow the segment before")
    if _range(one.key) != (head.start, head.end):
        raise NotSegmentError(f"{one.key} holds the entries {head.start} to {head.end}")
    try:
        known = key.opened(head.checkpoint)
    except NoteError as error:
        raise NotSegmentError(f"{one.key}: its checkpoint: {error}") from error
    if known.origin != origin or known.size < head.end:
        raise NotSegmentError(f"{one.key}: no checkpoint of {key.name} covers its entries")
    return found


def restore(bucket: Bucket, origin: str, folder: Path, key: Verifier) -> tuple[list[str], str]:
    """Writes a log as the archive holds it; keys that were left out, and why the entries end where they do, if something follows.

    ``verify_log`` says whether it is what was acknowledged. Raises: ``SourceError``; ``OSError``, also where ``folder`` is there.
    """
    kept, left_out = chain(bucket, origin)
    if not kept:
        raise SourceError(
            f"{bucket.host} holds nothing of {origin}", hint="an origin is PROVIDER/TENANT/SOURCE"
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
            try:
                for one in segments(bucket, kept, origin, key):
                    index.write(one.index)
                    records.write(one.records)
                    note, count = one.head.checkpoint, count + 1
            except NotSegmentError as error:
                if not count:
                    raise
                why = str(error)
        write_whole(made / CHECKPOINT, note.encode(), 0o600)
        made.rename(folder)
    return [*left_out, *(one.key for one in kept[count:])], why


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
