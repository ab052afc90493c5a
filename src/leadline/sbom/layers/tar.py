"""Reads tar archives front to back: ustar, pax, GNU long names, base-256 sizes and sparse files.

Everything an archive says is a claim: names are cut back to the root, sizes are checked against what
follows, extended headers are bounded. Format: POSIX ``pax`` and
https://www.gnu.org/software/tar/manual/html_node/Standard.html.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol
from zlib import adler32

from msgspec import Struct

from leadline.sbom.layers.stream import PIECE_BYTES, Damaged, Stream
from leadline.sbom.layers.tar_extended import Extended, decimal, read_pax, text_of

Kind = Literal["file", "folder", "symlink", "hardlink", "device", "outside", "denied"]

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
HEAD_BYTES = 8
"""As many as show what kind of file it is, read together with the header."""
LONGEST_PATH = 4096
"""``PATH_MAX`` of Linux: no kernel would open more."""
LARGEST_EXTENDED_HEADER = 1 << 20
MOST_RECORDS = 30_000_000
"""Of all extended headers: ten for each of as many entries as are read."""
MOST_HOLES = 100_000

FOLDER, SYMLINK, HARDLINK = ord("5"), ord("2"), ord("1")
DEVICES = frozenset(b"346")
PAX, PAX_GLOBAL, PAX_SUN, GNU_NAME, GNU_TARGET, GNU_SPARSE = b"xgXLKS"
USUAL_FILE = ord("0")
FILES = frozenset((0, ord("0"), ord("7"), GNU_SPARSE))


class TarEntry(Struct, frozen=True, gc=False):
    """One entry of an archive or folder."""

    path: str
    """Normalised: relative, without ``.``, ``..``, empty parts or a closing slash; as written for ``outside``."""
    kind: Kind
    size: int = 0
    """Of a file's content, holes included."""
    mode: int = 0
    target: str = ""
    """Of links: as written for a symbolic link, normalised for a hard one. Of what is ``denied``: why."""


class EntryReader(Protocol):
    """Entries in order; the content of the latest one can be read until the next is asked for.

    Reading a content raises ``Damaged`` where the rest is lost with it, ``OSError`` where only this file is.
    """

    has_whiteouts: bool
    """Whether names that begin with ``.wh.`` hide something, as they do in layers."""

    def __iter__(self) -> Iterator[TarEntry]:
        """Every entry.

        Raises:
            Damaged: at the point where the archive stops making sense.
        """

    def head(self, count: int) -> bytes:
        """The first bytes of the latest file; asked for before ``content`` or ``pieces``."""

    def content(self) -> bytes:
        """The latest file as a whole. The caller has looked at its size."""

    def pieces(self) -> Iterator[bytes]:
        """The latest file piece by piece, holes filled."""

    def parts(self, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """Offset and content of pieces that make up ``ranges`` (start and end, in order) of the latest file."""

    def finish(self) -> None:
        """Reads what follows the last entry, so that a digest over everything can be checked."""


class TarReader:
    """The entries of a tar archive."""

    has_whiteouts = True

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0
        self._padding = 0
        self._holes: _SparseMap | None = None
        self._records = 0
        self._head = b""
        """The first bytes behind the latest header."""

    def __iter__(self) -> Iterator[TarEntry]:
        while True:
            block = self._header()
            if not block:
                return
            entry = self._usual(block)
            if entry is None:
                extended = Extended()
                while block and block[156] in b"xgXLK":
                    extended = self._extended(extended, block)
                    block = self._header()
                if not block:
                    return
                entry = self._entry(block, extended)
            yield entry

    @property
    def body_start(self) -> int:
        """Where in the stream the latest file's content begins."""
        return self._stream.position()

    def head(self, count: int) -> bytes:
        if self._holes:
            return b""
        if count <= HEAD_BYTES:
            return self._head if count == HEAD_BYTES <= self._left else self._head[: min(count, self._left)]
        return self._stream.peek(min(count, self._left))

    def content(self) -> bytes:
        if self._holes is not None:
            return b"".join(self.pieces())
        data = self._stream.take(self._left)
        self._check(len(data), self._left)
        self._left = 0
        return data

    def pieces(self) -> Iterator[bytes]:
        if self._holes is not None:
            yield from self._filled(self._holes)
            return
        while self._left:
            yield self._stored(min(self._left, PIECE_BYTES))

    def parts(self, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        at = 0
        for start, end in ranges:
            self._left -= start - at
            if self._left < end - start or self._stream.skip(start - at) < start - at:
                raise Damaged("the archive ends in the middle of a file")
            at = start
            while at < end:
                piece = self._stored(min(end - at, PIECE_BYTES))
                yield at, piece
                at += len(piece)

    def finish(self) -> None:
        self._pass_content()
        while self._stream.skip(1 << 30):
            pass

    def _filled(self, sparse: "_SparseMap") -> Iterator[bytes]:
        at = 0
        for start, length in sparse.parts:
            yield from _zeros(start - at)
            at = start + length
            while length:
                piece = self._stored(min(length, PIECE_BYTES))
                length -= len(piece)
                yield piece
        yield from _zeros(sparse.size - at)

    def _stored(self, count: int) -> bytes:
        if count > self._left:
            raise Damaged("a sparse file says more than it stores")
        piece = self._stream.take(count)
        self._check(len(piece), count)
        self._left -= count
        return piece

    def _check(self, got: int, wanted: int) -> None:
        if got < wanted:
            raise Damaged("the archive ends in the middle of a file")

    def _pass_content(self) -> None:
        stored, count = self._left, self._left + self._padding
        self._left = self._padding = 0
        # Some writers leave out what fills the last block.
        if count and self._stream.skip(count) < stored:
            raise Damaged("the archive ends in the middle of a file")

    def _header(self) -> bytes:
        """The next header block, behind what is left of the latest content; empty at the end."""
        block = self._stream.take_at_hand(self._left + self._padding, BLOCK, HEAD_BYTES)
        if block:
            self._left = self._padding = 0
        else:
            self._pass_content()
            block = self._stream.take(BLOCK)
            if len(block) < BLOCK:
                if block.strip(b"\0"):
                    raise Damaged("the archive ends in the middle of a header")
                return b""
            block += self._stream.peek(HEAD_BYTES)
        self._head, block = block[BLOCK:], block[:BLOCK]
        if not has_right_sum(block):
            if block != ZERO_BLOCK:
                raise Damaged("not a tar header, or a damaged one")
            if self._stream.peek(BLOCK).strip(b"\0"):
                # Two such blocks end an archive; what follows one would be passed over in silence.
                raise Damaged("a block of zeros in the middle of the archive")
            return b""
        return block

    def _usual(self, block: bytes) -> TarEntry | None:
        """The entry of a regular file or folder without anything unusual; ``None`` where all has to be looked at.

        Most entries are such, and each call less is a tenth of a second in a large layer.
        """
        end, kind = block.find(0), block[156]
        if (
            (kind != USUAL_FILE and kind != FOLDER)
            or block[345]
            or not 0 < end < 100
            or block[107] not in b"\0 "
            or block[135] not in b"\0 "
        ):
            return None
        try:
            path = block[:end].decode()
            mode, size = int(block[100:107], 8), int(block[124:135], 8)
        except ValueError:
            return None
        if path[:2] == "./":
            path = path[2:]
        if kind == FOLDER and path[-1:] == "/":
            path = path[:-1]
        if path[-1:] == "/" or mode < 0 or size < 0:
            return None
        if ("/." in path or "//" in path or path[:1] in "./") and not _is_normal(path):
            return None
        if kind == FOLDER:
            self._holes = None
            return TarEntry(path, "folder", mode=mode & 0o7777)
        self._left, self._padding, self._holes = size, -size % BLOCK, None
        return TarEntry(path, "file", size, mode & 0o7777)

    def _extended(self, before: Extended, block: bytes) -> Extended:
        """What is known of the next entry with this header: a second one of a kind counts instead of the first."""
        size = number_in(block[124:136])
        if size > LARGEST_EXTENDED_HEADER:
            raise Damaged("an extended header is larger than 1 MiB")
        data = self._stream.take(size)
        self._check(len(data), size)
        self._stream.skip(-size % BLOCK)
        match block[156]:
            case kind if kind == GNU_NAME:
                before.gnu_path = text_of(data)
            case kind if kind == GNU_TARGET:
                before.gnu_target = text_of(data)
            case kind if kind in (PAX, PAX_SUN):
                self._records += data.count(b"\n")
                if self._records > MOST_RECORDS:
                    raise Damaged(f"more than {MOST_RECORDS} lines in extended headers")
                return read_pax(before, data)
            case _:
                # A global header ends what came before it.
                return Extended()
        return before

    def _entry(self, block: bytes, extended: Extended) -> TarEntry:
        path = extended.gnu_path or extended.path or name_of(block)
        kind = block[156]
        mode = number_in(block[100:108]) & 0o7777
        # Archives older than the mark for folders mark them by the slash.
        if kind in FILES and (kind or not path.endswith("/")):
            size = self._open_file(block, extended)
            return _file_or_outside((self._holes and extended.sparse_name) or path, size, mode)
        self._holes = None
        clean = normalised(path)
        if clean is None or (not clean and kind not in (FOLDER, 0)):
            return TarEntry(path[:LONGEST_PATH], "outside")
        if kind in (FOLDER, 0):
            return TarEntry(clean, "folder", mode=mode)
        target = extended.gnu_target or extended.target or text_of(block[157:257])
        if kind == SYMLINK:
            return TarEntry(clean, "symlink", target=target[:LONGEST_PATH])
        if kind == HARDLINK:
            linked = normalised(target)
            return TarEntry(clean, "hardlink", target=linked) if linked else TarEntry(path, "outside")
        if kind not in DEVICES:
            self._left = number_in(block[124:136]) if extended.size is None else extended.size
            self._padding = -self._left % BLOCK
        return TarEntry(clean, "device", mode=mode)

    def _open_file(self, block: bytes, extended: Extended) -> int:
        stored = number_in(block[124:136]) if extended.size is None else extended.size
        self._left, self._padding = stored, -stored % BLOCK
        self._holes = None
        if block[156] == GNU_SPARSE:
            self._holes = self._gnu_map(block)
        elif extended.sparse_in_body:
            self._holes = self._body_map(extended)
        elif extended.is_sparse:
            self._holes = _SparseMap(extended.sparse_size, tuple(extended.sparse_map))
        if self._holes is None:
            return stored
        self._holes.check()
        return self._holes.size

    def _gnu_map(self, block: bytes) -> "_SparseMap":
        size = number_in(block[483:495])
        parts = parts_in(block[386:482])
        more = block[482]
        while more:
            block = self._stream.take(BLOCK)
            self._check(len(block), BLOCK)
            parts += parts_in(block[:504])
            more = block[504]
            if len(parts) > MOST_HOLES:
                raise Damaged("a sparse file has too many holes")
        return _SparseMap(size, tuple(parts))

    def _body_map(self, extended: Extended) -> "_SparseMap":
        """The map of format 1.0: decimal lines in whole blocks in front of the content."""
        lines: list[bytes] = []
        rest = b""
        wanted = 1
        while len(lines) < wanted:
            rest += self._stored(BLOCK)
            *whole, rest = rest.split(b"\n")
            lines += whole
            if lines:
                wanted = 1 + 2 * decimal(lines[0])
            if wanted > 2 * MOST_HOLES or len(rest) > BLOCK:
                raise Damaged("a sparse file has too many holes")
        values = [decimal(line) for line in lines[1:wanted]]
        return _SparseMap(extended.sparse_size, tuple(zip(values[::2], values[1::2], strict=True)))


class _SparseMap(Struct, frozen=True):
    size: int
    parts: tuple[tuple[int, int], ...]
    """Offset and length of what is stored, in order."""

    def check(self) -> None:
        at = 0
        for start, length in self.parts:
            if start < at or length < 0:
                raise Damaged("the parts of a sparse file overlap")
            at = start + length
        if at > self.size:
            raise Damaged("a sparse file is longer than it says")


def normalised(path: str) -> str | None:
    """``path`` from the root of the image; ``None`` where it leaves the image or no kernel would open it."""
    if len(path) > LONGEST_PATH:
        return None
    if path[:2] == "./":
        path = path[2:]
    if not _is_normal(path):
        parts: list[str] = []
        for part in path.split("/"):
            if part == ".." and not parts:
                return None
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)
    return path.rstrip("/")


def _is_normal(path: str) -> bool:
    """Whether no part of ``path``, slashes at its end aside, is empty, ``.`` or ``..``: most names with a dot in front are neither."""
    if "//" in path or path[:1] in "/":
        return False
    if "/." in path or path[0] == ".":
        within = f"/{path}/"
        return not ("/./" in within or "/../" in within)
    return True


def _file_or_outside(path: str, size: int, mode: int) -> TarEntry:
    clean = normalised(path)
    if not clean:
        return TarEntry(path[:LONGEST_PATH], "outside")
    return TarEntry(clean, "file", size, mode)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, PIECE_BYTES))
        count -= PIECE_BYTES


def name_of(block: bytes) -> str:
    name = text_of(block[:100])
    if not block[345]:
        return name
    if block[257:263] == b"ustar\0":
        end = 476 if block[508:] == b"tar\0" else 500
        return f"{text_of(block[345:end])}/{name}"
    # GNU's headers use the same bytes for times; Go before 1.8 mixed both up.
    if block[257:265] == b"ustar  \0" and not (_is_octal(block[345:357]) and _is_octal(block[357:369])):
        folder = text_of(block[345:500])
        return f"{folder}/{name}" if folder.isascii() else name
    return name


def _is_octal(field: bytes) -> bool:
    return not field[0] or bool(field[0] & 0x80) or not field.strip(b" \0").strip(b"01234567")


def number_in(field: bytes) -> int:
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise Damaged("a negative or absurd number in a tar header")
        value = int.from_bytes(field[1:], "big")
    else:
        digits = field.strip(b" \0")
        if not digits:
            return 0
        try:
            value = int(digits, 8)
        except ValueError as error:
            raise Damaged("not a number in a tar header") from error
    if not 0 <= value < 1 << 60:
        raise Damaged("a negative or absurd number in a tar header")
    return value


def has_right_sum(block: bytes) -> bool:
    """Whether a header has the sum that it says; its own field counts as blanks.

    The low half of Adler-32 is one more than the sum of all bytes, modulo 65521, ten times as quick as ``sum``.
    """
    field = block[148:156]
    total = (adler32(block) & 0xFFFF) - (adler32(field) & 0xFFFF) + 8 * ord(" ")
    try:
        wanted = int(block[148:154], 8)
    except ValueError:
        wanted = -1
    if wanted >= 0 and not field[6] and (total - wanted) % 65521 == 0:
        return True
    digits = field.strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    rest = block[:148] + block[156:]
    plain = sum(rest) + 8 * ord(" ")
    # Some old writers took bytes for signed numbers.
    return int(digits, 8) in (plain, plain - 256 * sum(byte > 127 for byte in rest))


def parts_in(field: bytes) -> list[tuple[int, int]]:
    parts = []
    for at in range(0, len(field) - 23, 24):
        if not field[at]:
            break
        start, length = number_in(field[at : at + 12]), number_in(field[at + 12 : at + 24])
        parts.append((start, length))
    return parts
