"""Bytes read front to back: from pieces that arrive one by one, or from a region of an open file.

Layers are decompressed here, piece by piece, so that no piece grows beyond ``PIECE_BYTES`` whatever
the compressed input claims.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Protocol, cast

from leadline.packages.late_pattern import late_pattern

PIECE_BYTES = 1 << 20
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
XZ = b"\xfd7zXZ\0"
BZIP2 = late_pattern(rb"BZh[1-9]1AY&SY")
"""More than the usual three bytes: those may begin the name of a file, and so a plain archive."""
HEAD_BYTES = 10
"""Enough for ``is_compressed``."""
XZ_MEMORY = 256 << 20
"""The strongest preset needs 65 MiB; only hand-made files ask for more."""
MOST_MEMBERS = 10_000_000
"""Formats that fetch single files out of a layer make a member of each."""
WINDOW_BYTES = 1 << 15
SKIPPABLE = b"\x2a\x4d\x18"


class Damaged(Exception):  # noqa: N818 - it names the state of the input, and becomes an ``Unread``
    """The input ends early, contradicts itself or is larger than allowed; what was read before stays true."""


class Forged(Damaged):
    """The input is not what its digest promises: nothing read from it may be believed."""


class WrongDiffId(Damaged):
    """The input unpacks to something else than the image's configuration says."""


class Stream(Protocol):
    """Bytes taken in order."""

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer at the end."""

    def peek(self, count: int) -> bytes:
        """The next ``count`` bytes, which stay in the stream; fewer at the end."""

    def take_at_hand(self, gap: int, count: int, more: int) -> bytes:
        """Passes over ``gap`` bytes and takes the next ``count``, with ``more`` behind them that stay in the stream.

        Empty, and nothing was passed over, where not all of it is in memory already.
        """

    def skip(self, count: int) -> int:
        """Passes over ``count`` bytes and returns how many there were."""

    def position(self) -> int:
        """How many bytes were taken or skipped."""


class Pieces:
    """A stream over pieces that arrive one by one."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._more = iter(pieces)
        self._buffer = b""
        self._at = 0
        self._before = 0

    def take(self, count: int) -> bytes:
        start = self._at
        end = start + count
        if end > len(self._buffer):
            return self._take_across(count)
        self._at = end
        return self._buffer[start:end]

    def peek(self, count: int) -> bytes:
        if self._at + count > len(self._buffer):
            self._gather(count)
        return self._buffer[self._at : self._at + count]

    def take_at_hand(self, gap: int, count: int, more: int) -> bytes:
        start = self._at + gap
        end = start + count + more
        if end > len(self._buffer):
            return b""
        self._at = start + count
        return self._buffer[start:end]

    def skip(self, count: int) -> int:
        at = self._at + count
        if at <= len(self._buffer):
            self._at = at
            return count
        missing = at - len(self._buffer)
        self._before += len(self._buffer)
        for piece in self._more:
            if len(piece) >= missing:
                self._buffer, self._at = piece, missing
                return count
            missing -= len(piece)
            self._before += len(piece)
        self._buffer, self._at = b"", 0
        return count - missing

    def position(self) -> int:
        return self._before + self._at

    def _take_across(self, count: int) -> bytes:
        """Without a copy of what stays in the stream."""
        parts = [self._buffer[self._at :]]
        missing = count - len(parts[0])
        self._before += len(self._buffer)
        for piece in self._more:
            if len(piece) >= missing:
                parts.append(piece[:missing])
                self._buffer, self._at = piece, missing
                return b"".join(parts)
            parts.append(piece)
            missing -= len(piece)
            self._before += len(piece)
        self._buffer, self._at = b"", 0
        return b"".join(parts)

    def _gather(self, count: int) -> None:
        parts = [self._buffer[self._at :]]
        length = len(parts[0])
        self._before += self._at
        for piece in self._more:
            parts.append(piece)
            length += len(piece)
            if length >= count:
                break
        self._buffer = b"".join(parts) if len(parts) > 1 else parts[0]
        self._at = 0


class Region:
    """A stream over part of an open file: what is skipped is never read."""

    BLOCK_BYTES = 1 << 16

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._end = start + size
        self._next = start
        self._buffer = b""
        self._buffer_start = start

    def take(self, count: int) -> bytes:
        taken = self.peek(count)
        self._next += len(taken)
        return taken

    def peek(self, count: int) -> bytes:
        at = self._next - self._buffer_start
        if at + count <= len(self._buffer):
            return self._buffer[at : at + count]
        count = min(count, self._end - self._next)
        if count > self.BLOCK_BYTES:
            return self._read(self._next, count)
        self._buffer = self._read(self._next, min(self.BLOCK_BYTES, self._end - self._next))
        self._buffer_start = self._next
        return self._buffer[:count]

    def take_at_hand(self, gap: int, count: int, more: int) -> bytes:
        start = self._next + gap - self._buffer_start
        end = start + count + more
        if end > len(self._buffer):
            return b""
        self._next += gap + count
        return self._buffer[start:end]

    def skip(self, count: int) -> int:
        skipped = min(count, self._end - self._next)
        self._next += skipped
        return skipped

    def position(self) -> int:
        return self._next - self._start

    def _read(self, at: int, count: int) -> bytes:
        parts = []
        while count > 0:
            part = os.pread(self._file, count, at)
            if not part:
                raise Damaged("the file became shorter while it was read")
            parts.append(part)
            at += len(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def is_compressed(head: bytes) -> bool:
    """Whether what begins with ``head`` is something that ``decompressed`` unpacks."""
    return head.startswith((GZIP, ZSTD, XZ)) or head[1:4] == SKIPPABLE or BZIP2.match(head) is not None


def decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of gzip, xz or bzip2 (several members too), zstandard or plain ``pieces``, recognised by their first bytes.

    Raises:
        Damaged: the compressed data is broken or ends early.
    """
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    rest = _again(head, source)
    if not is_compressed(head):
        return rest
    if head.startswith(GZIP):
        plain = _gunzipped(rest)
    elif head.startswith(XZ):
        plain = _unxz(rest)
    else:
        plain = _unbzip2(rest) if BZIP2.match(head) else _unzstandard(rest)
    return _to_its_end(plain, rest)


def bounded(pieces: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    """``pieces`` as they are, until they add up to more than ``limit_bytes``.

    Raises:
        Damaged: there is more.
    """
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit_bytes:
            raise Damaged(f"more than {limit_bytes >> 20} MiB after decompression")
        yield piece


def _to_its_end(plain: Iterator[bytes], stored: Iterator[bytes]) -> Iterator[bytes]:
    """``plain`` as it is. Where it breaks, ``stored`` is read on: a wrong digest, known at its end, says more."""
    try:
        yield from plain
    except Damaged:
        for _ in stored:
            pass
        raise


def _again(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


class _Decoder(Protocol):
    """What the libraries have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    from isal import igzip_lib  # these libraries only where a layer is unpacked: a known image needs none

    def decoder() -> _Decoder:
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)

    return _members(pieces, decoder, "gzip", cast("type[Exception]", igzip_lib.error))


def _unxz(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import lzma

    def decoder() -> _Decoder:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    return _members(pieces, decoder, "xz", lzma.LZMAError)


def _unbzip2(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import bz2

    return _members(pieces, bz2.BZ2Decompressor, "bzip2", OSError)


def _members(
    pieces: Iterator[bytes], new: Callable[[], _Decoder], name: str, error: type[Exception]
) -> Iterator[bytes]:
    """What one member after another unpacks to."""
    decoder = new()
    has_ended = False
    members = 1
    for piece in pieces:
        rest = b""
        while piece or rest or not (has_ended or decoder.needs_input):
            if not piece and (has_ended or decoder.needs_input):
                piece, rest = rest[:WINDOW_BYTES], rest[WINDOW_BYTES:]
            if has_ended:
                # Some writers pad the last member with zero bytes; anything else that follows is a member.
                piece = piece.lstrip(b"\0")
                if not piece:
                    continue
                members += 1
                if members > MOST_MEMBERS:
                    raise Damaged(f"more than {MOST_MEMBERS} {name} members")
                decoder = new()
                has_ended = False
            try:
                out = decoder.decompress(piece, PIECE_BYTES)
            except (error, ValueError, EOFError) as raised:
                raise Damaged(f"broken {name} data: {raised}") from raised
            piece = b""
            if out:
                yield out
            if decoder.eof:
                has_ended = True
                # What is left is copied at each end of a member: a mebibyte for twenty bytes would take minutes.
                unused = decoder.unused_data
                piece, rest = unused[:WINDOW_BYTES], unused[WINDOW_BYTES:] + rest
    if not has_ended:
        raise Damaged(f"the {name} data ends early")


def _unzstandard(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        cast("IO[bytes]", _Readable(whole_frames(pieces))), read_across_frames=True
    )
    while True:
        try:
            out = reader.read(PIECE_BYTES)
        except zstandard.ZstdError as error:
            raise Damaged(f"broken zstandard data: {error}") from error
        if not out:
            return
        yield out


def whole_frames(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """``pieces`` of zstandard data as they are; the library itself takes a frame cut short for a complete one.

    Format: https://datatracker.ietf.org/doc/html/rfc8878#section-3.1

    Raises:
        Damaged: they end within a frame, or something else follows one.
    """
    source = Pieces(pieces)
    while magic := source.peek(4):
        if magic == ZSTD:
            yield from _frame(source)
        elif magic[1:] == SKIPPABLE and 0x50 <= magic[0] <= 0x5F:
            head = _exactly(source, 8)
            yield head
            yield from _run(source, int.from_bytes(head[4:], "little"))
        else:
            raise Damaged("broken zstandard data: something else follows")


def _frame(source: Pieces) -> Iterator[bytes]:
    head = _exactly(source, 5)
    yield head
    descriptor = head[4]
    is_single = bool(descriptor & 0x20)
    size_bytes = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    yield _exactly(source, (0 if is_single else 1) + (0, 1, 2, 4)[descriptor & 3] + size_bytes)
    is_last = False
    while not is_last:
        block = _exactly(source, 3)
        yield block
        header = int.from_bytes(block, "little")
        is_last = bool(header & 1)
        # A run of one byte stores that byte, whatever its length.
        yield from _run(source, 1 if header >> 1 & 3 == 1 else header >> 3)
    yield _exactly(source, 4 if descriptor & 4 else 0)


def _run(source: Pieces, count: int) -> Iterator[bytes]:
    while count:
        piece = _exactly(source, min(count, PIECE_BYTES))
        count -= len(piece)
        yield piece


def _exactly(source: Pieces, count: int) -> bytes:
    taken = source.take(count)
    if len(taken) < count:
        raise Damaged("the zstandard data ends early")
    return taken


class _Readable(io.RawIOBase):
    """``pieces`` as the file that zstandard asks for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = Pieces(pieces)

    def read(self, size: int = -1) -> bytes:
        return self._pieces.take(size if size > 0 else PIECE_BYTES)
