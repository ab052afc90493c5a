"""The log of one source, in a folder: ``records``, compressed one after another, ``index`` and ``checkpoint``.

An entry of the index is the hash of the record's head, one of its compressed bytes, and the place where the record ends. Records
and index only grow.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from leadline.api.provider.note import Checkpoint, NoteError, Verifier, signed
from leadline.api.provider.tree import EMPTY_ROOT, WIDTH, Proof, Tree, leaf_hash
from leadline.api.provider.wire import LogHead, digest_of
from leadline.errors import SourceError, StoreError
from leadline.foreign_errors import in_words
from leadline.whole_file import write_whole

RECORDS, INDEX, CHECKPOINT = "records", "index", "checkpoint"
_SUM = 16
"""Bytes of the hash of what is stored: of a fault there, not of an attack, which the hashes within find."""
ENTRY_BYTES = WIDTH + _SUM + 8
LARGEST_RECORD = 256 << 20
"""Bytes, decompressed."""
_PIECE = 1 << 20
_LARGEST_NOTE = 8_192
_MOST_FAULTS = 1_000


class Entry(Struct, frozen=True):
    head: bytes
    """JSON of a ``LogHead``; what the tree is made of."""
    record: bytes


class Keys(Struct, frozen=True):
    """What signs the checkpoints of all logs of a provider."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.private.public_key().public_bytes_raw())


class SourceLog:
    """One writer at a time."""

    def __init__(self, folder: Path, origin: str, keys: Keys) -> None:
        """Takes up after a crash: what was written in part was never acknowledged, and is cut off.

        Raises: ``StoreError`` where the log is not what its checkpoint says.
        """
        self.origin = origin
        self._keys = keys
        self._folder = folder
        is_new = not folder.exists()
        for one in (*reversed(folder.parents), folder):
            one.mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as undone:
            self._records = _opened(folder / RECORDS)
            undone.callback(os.close, self._records)
            self._index = _opened(folder / INDEX)
            undone.callback(os.close, self._index)
            if is_new:
                # The names of the two files outlive a loss of power as well.
                for one in (folder, *folder.parents[:3]):
                    _sync_folder(one)
            self._take_up(folder)
            undone.pop_all()

    def _take_up(self, folder: Path) -> None:
        """Raises: as ``__init__``."""
        index = (folder / INDEX).read_bytes()
        known = self._known(folder / CHECKPOINT)
        size = max(known.size, self._whole_entries(index, known.size))
        self._end = int.from_bytes(index[size * ENTRY_BYTES - 8 : size * ENTRY_BYTES])
        self._tree = Tree(index[at * ENTRY_BYTES : at * ENTRY_BYTES + WIDTH] for at in range(size))
        written = os.fstat(self._records).st_size
        if (
            len(index) < size * ENTRY_BYTES
            or self._end > written
            or self._tree.root(known.size) != known.root
        ):
            raise StoreError(
                f"{folder}: the log is not what its checkpoint says",
                hint="leadline provider verify names the entries",
            )
        os.ftruncate(self._index, size * ENTRY_BYTES)
        os.ftruncate(self._records, self._end)
        self._note = self._sign()

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def size_bytes(self) -> int:
        """Of the records, compressed."""
        return self._end

    @property
    def checkpoint(self) -> str:
        return self._note

    def append(self, entry: Entry) -> None:
        """Once it returns the entry outlives a loss of power. Raises: ``OSError``; then nothing was added."""
        packed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(
            entry.head + b"\n" + entry.record
        )
        leaf = leaf_hash(entry.head)
        size, end = self.size, self._end
        try:
            _write(self._records, packed, end)
            row = leaf + _sum(packed) + (end + len(packed)).to_bytes(8)
            _write(self._index, row, size * ENTRY_BYTES)
            self._tree.append(leaf)
            self._note = self._sign()
        except OSError:
            # A tree only grows: without the last entry it is made anew.
            self._tree = Tree([self._tree.leaf(at) for at in range(size)])
            os.ftruncate(self._index, size * ENTRY_BYTES)
            os.ftruncate(self._records, end)
            raise
        self._end = end + len(packed)

    def inclusion(self, index: int) -> Proof:
        return self._tree.inclusion(index, self.size)

    def consistency(self, old: int) -> Proof:
        """From ``old`` entries, at most all of them."""
        return self._tree.consistency(old, self.size)

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Raises: ``SourceError`` for one that is damaged."""
        for number, _, entry, fault in read_log(self._folder, start):
            if entry is None:
                raise SourceError(f"{self._folder}: entry {number}: {fault}")
            yield entry

    def close(self) -> None:
        os.close(self._records)
        os.close(self._index)

    def _known(self, path: Path) -> Checkpoint:
        """The last one that was signed; that of an empty log before. Raises: ``StoreError``."""
        try:
            known = self._keys.verifier.opened(path.read_text("utf-8"))
        except FileNotFoundError:
            return Checkpoint(self.origin, 0, EMPTY_ROOT)
        except (NoteError, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: {error}") from error
        if known.origin != self.origin:
            raise StoreError(f"{path} is of another log: {known.origin}")
        return known

    def _whole_entries(self, index: bytes, signed: int) -> int:
        """Entries without a fault in a row: those that were written after the last checkpoint, up to a crash."""
        size = signed
        if len(index) // ENTRY_BYTES > signed:
            for number, _, entry, _ in read_log(self._folder, signed):
                if entry is None:
                    break
                size = number + 1
        return size

    def _sign(self) -> str:
        checkpoint = Checkpoint(self.origin, self.size, self._tree.root())
        note = signed(checkpoint, self._keys.name, self._keys.private)
        write_whole(self._folder / CHECKPOINT, note.encode(), 0o600, is_lasting=True)
        return note


def read_log(folder: Path, start: int = 0) -> Iterator[tuple[int, bytes, Entry | None, str]]:
    """Number, row of the index, content and fault of each entry: exactly one of the last two.

    Raises: ``SourceError`` for what is not a log.
    """
    try:
        with _regular(folder / INDEX) as index, _regular(folder / RECORDS) as records:
            index.seek(max(0, start - 1) * ENTRY_BYTES)
            begin = int.from_bytes(index.read(ENTRY_BYTES)[-8:]) if start else 0
            number = start
            while len(row := index.read(ENTRY_BYTES)) == ENTRY_BYTES:
                end = int.from_bytes(row[-8:])
                yield number, row, *_entry(records.fileno(), begin, end, row)
                begin, number = end, number + 1
    except OSError as error:
        raise SourceError(f"cannot read {folder}: {in_words(error)}") from error


def _entry(records: int, begin: int, end: int, row: bytes) -> tuple[Entry | None, str]:
    """The entry between two places, and what is wrong with it; ``row``: of the index."""
    if not 0 <= end - begin <= LARGEST_RECORD or end > os.fstat(records).st_size:
        return None, "its place in the index is wrong"
    packed = os.pread(records, end - begin, begin)
    if _sum(packed) != row[WIDTH : WIDTH + _SUM]:
        return None, "its stored bytes are not what the index says"
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        content = reader.read(LARGEST_RECORD + 1)
    except (zstandard.ZstdError, MemoryError):
        return None, "it cannot be decompressed"
    head, _, record = content.partition(b"\n")
    if leaf_hash(head) != row[:WIDTH]:
        return None, "its head is not what the index says"
    try:
        known = msgspec.json.decode(head, type=LogHead)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None, "its head is not JSON of a log"
    if digest_of(record) != known.record:
        return None, "its record is not what its head says"
    return Entry(head, record), ""


class Verified(Struct, frozen=True):
    entries: int
    signed: int
    """Entries that the checkpoint covers."""
    faults: tuple[str, ...]
    origin: str = ""
    """Of the checkpoint, where that is signed."""


def verify_log(folder: Path, key: Verifier) -> Verified:
    """Reads every byte, and holds it against the signed checkpoint.

    Raises: ``SourceError`` for what is not a log.
    """
    faults: list[str] = []
    tree = Tree()
    entries = 0
    try:
        with _regular(folder / CHECKPOINT) as file:
            note = file.read(_LARGEST_NOTE).decode("utf-8", "replace")
        size_of_index, end_of_records = ((folder / one).stat().st_size for one in (INDEX, RECORDS))
    except FileNotFoundError as error:
        raise SourceError(
            f"{folder} does not hold a log: no {Path(error.filename).name} there",
            hint="name the folder of one source: provider/logs/default/SOURCE",
        ) from error
    except OSError as error:
        raise SourceError(f"cannot read {folder}: {in_words(error)}") from error
    last = 0
    for number, row, entry, fault in read_log(folder):
        entries += 1
        last = int.from_bytes(row[-8:])
        # Where the head is whole, the hash is its own: the root then says which of both is wrong.
        tree.append(leaf_hash(entry.head) if entry else row[:WIDTH])
        if fault:
            faults.append(f"entry {number}: {fault}")
        elif entry and msgspec.json.decode(entry.head, type=LogHead).index != number:
            faults.append(f"entry {number}: it belongs elsewhere in the log")
        if len(faults) == _MOST_FAULTS:
            return Verified(entries, 0, (*faults, f"the entries from {entries} on were not read"))
    if size_of_index % ENTRY_BYTES:
        faults.append(f"the index ends within entry {entries}")
    if end_of_records != last and not faults:
        faults.append(f"{abs(end_of_records - last)} bytes of the records belong to no entry")
    try:
        known = key.opened(note)
    except NoteError as error:
        return Verified(entries, 0, (*faults, f"checkpoint: {error}"))
    if known.size > entries:
        faults.append(f"checkpoint: {known.size - entries} entries that it covers are missing")
    elif tree.root(known.size) != known.root:
        faults.append("checkpoint: its root is not that of the entries")
    return Verified(entries, known.size, tuple(faults), known.origin)


def _sum(packed: bytes) -> bytes:
    return sha256(packed).digest()[:_SUM]


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _regular(path: Path) -> BinaryIO:
    """Open for reading. Raises: ``OSError``, also for a pipe or a device, which would block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{path.name} is not a file")
    return os.fdopen(descriptor, "rb")


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        count = os.pwrite(descriptor, view[:_PIECE], at)
        view, at = view[count:], at + count
    os.fsync(descriptor)
