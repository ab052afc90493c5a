"""Reads single entries of a ZIP file that lies in memory (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).

Only the central directory is trusted, entries are inflated one by one and never beyond a limit, and the
bytes of everything inflated from one outer file come out of one ``Budget``.
"""

import zlib
from collections.abc import Iterator
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - the module's name for it says nothing

from msgspec import Struct

from leadline.packages.file import Unreadable

ENTRIES = 500_000
READINGS = 4
"""How often the whole file may be read: two or three times is what readers do who look at an entry again."""
MOST_WRONG = 10
NAME_CHARACTERS = 200
"""Of a name in a message."""

END = Layout("<4s4H2LH")
END64_LOCATOR = Layout("<4sLQL")
END64 = Layout("<4sQ2H2L4Q")
CENTRAL = Layout("<4s6H3L5H2L")
LENGTHS = Layout("<4s24x3H12x")
"""Of an entry as ``CENTRAL`` has it: its mark, and how long name, extra field and comment are."""
CENTRAL_MARK = b"PK\x01\x02"
HEAD_BYTES = CENTRAL.size
CUT_SHORT = "the list of files is cut short"
LOCAL = Layout("<4s5H3L2H")
LONGEST_COMMENT = 65_535


class Budget:
    """How many bytes may still be inflated."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    def take(self, size_bytes: int) -> None:
        """Raises ``Unreadable`` where nothing is left."""
        self.left_bytes -= size_bytes
        if self.left_bytes < 0:
            raise Unreadable("inflates to more than is allowed")


class ZipEntry(Struct, frozen=True):
    """One file of the central directory."""

    name: str
    method: int
    flags: int
    packed_bytes: int
    size_bytes: int
    """As claimed; only what comes out counts."""
    offset: int
    crc: int = 0


class ZipReader:
    """The entries of one archive."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.wrong: list[str] = []
        """Names of the first entries that were read and are not what their checksums say; loaders run them all the same."""
        self.has_passed = False
        self._unread_bytes = READINGS * len(content)
        """How much packed content may still be read: entries that overlap would make it endless."""
        try:
            self._count, self._directory, self._end, self._shift = self._find_directory()
        except LayoutError as error:
            raise Unreadable("cut short") from error

    def entries(self, passing: bytes = b"") -> Iterator[ZipEntry]:
        """Every file, in the order of the directory. Raises ``Unreadable`` where the directory breaks off.

        Those whose names end with ``passing`` are passed over, as most files of a jar are classes; ``has_passed`` says whether there were any.
        """
        position, content, number = self._directory, self._content, 0
        end, lengths_at, ends_with = self._end, LENGTHS.unpack_from, content.endswith
        while position < end:
            if number >= ENTRIES:
                raise Unreadable(f"holds more than {ENTRIES} files")
            number += 1
            if passing:
                try:
                    mark, name, extra, comment = lengths_at(content, position)
                except LayoutError as error:
                    raise Unreadable(CUT_SHORT) from error
                after = position + HEAD_BYTES + name
                if mark == CENTRAL_MARK and ends_with(passing, position + HEAD_BYTES, after):
                    self.has_passed = True
                    position = after + extra + comment
                    continue
            entry, position = entry_at(content, position, self._shift)
            if not entry.name.endswith("/"):
                yield entry
        if number & 0xFFFF != self._count & 0xFFFF:  # writers without ZIP64 let the count overflow
            raise Unreadable(f"lists {number} files where it counts {self._count}")

    def read(self, entry: ZipEntry, limit_bytes: int, budget: Budget) -> bytes:
        """The content of an entry. Raises ``Unreadable`` where it is larger than the limit or damaged."""
        name = entry.name[:NAME_CHARACTERS]
        limit = min(limit_bytes, budget.left_bytes)
        packed = self._packed(entry, name)
        if len(packed) > limit:
            # Deflate makes nothing worth packing much larger than it is.
            raise Unreadable(f"{name} is larger than is allowed")
        content = inflated(entry, packed, limit)
        if len(content) > limit:
            raise Unreadable(f"{name} inflates to more than is allowed")
        budget.take(len(content))
        if zlib.crc32(content) != entry.crc and len(self.wrong) < MOST_WRONG and name not in self.wrong:
            self.wrong.append(name)
        return content

    def _packed(self, entry: ZipEntry, name: str) -> memoryview:
        if entry.flags & 1:
            raise Unreadable(f"{name} is encrypted")
        try:
            found = LOCAL.unpack_from(self._content, min(entry.offset, len(self._content)))
        except LayoutError as error:
            raise Unreadable(f"{name} lies outside the file") from error
        if found[0] != b"PK\x03\x04":
            raise Unreadable(f"{name} is not where the list of files says")
        start = entry.offset + LOCAL.size + found[9] + found[10]
        if start + entry.packed_bytes > len(self._content):
            raise Unreadable(f"{name} is cut short")
        self._unread_bytes -= entry.packed_bytes
        if self._unread_bytes < 0:
            raise Unreadable(f"{name} lies over others")
        return memoryview(self._content)[start : start + entry.packed_bytes]

    def _find_directory(self) -> tuple[int, int, int, int]:
        """What the archive counts, where its directory starts and ends, how far a leading script shifts offsets.

        Java goes by the size of the directory: a count that is too small hides nothing from it.
        """
        content = self._content
        end = content.rfind(b"PK\x05\x06", max(0, len(content) - END.size - LONGEST_COMMENT))
        if end < 0:
            raise Unreadable("not a ZIP file")
        found = END.unpack_from(content, end)
        count, size, offset = found[4:7]
        locator = end - END64_LOCATOR.size
        if locator >= 0 and content[locator : locator + 4] == b"PK\x06\x07":
            wide = content.rfind(b"PK\x06\x06", 0, locator)
            if wide >= 0:
                count, size, offset = END64.unpack_from(content, wide)[7:10]
                end = wide
        start = end - size
        if start < 0 or start < offset:
            raise Unreadable("the list of files is not where it should be")
        return count, start, end, start - offset


def entry_at(listed: bytes, position: int, shift: int) -> tuple[ZipEntry, int]:
    """The entry at ``position`` of a list of files, and where the next one is; ``shift`` is added to offsets.

    Raises ``Unreadable``.
    """
    try:
        found = CENTRAL.unpack_from(listed, position)
    except LayoutError as error:
        raise Unreadable(CUT_SHORT) from error
    if found[0] != CENTRAL_MARK:
        raise Unreadable("the list of files is damaged")
    name_length, extra_length, comment_length = found[10:13]
    start = position + CENTRAL.size
    name = listed[start : start + name_length].decode("utf-8", "replace")
    extra = listed[start + name_length : start + name_length + extra_length]
    packed, size, offset = _widened(found[8], found[9], found[16], extra)
    entry = ZipEntry(name, found[4], found[3], packed, size, offset + shift, found[7])
    return entry, start + name_length + extra_length + comment_length


def inflated(entry: ZipEntry, packed: memoryview | bytes, limit_bytes: int) -> bytes:
    """``packed`` as it was, or one byte more than the limit of it. Raises ``Unreadable`` where it is damaged or packed otherwise."""
    name = entry.name[:NAME_CHARACTERS]
    if entry.method == 0:
        return bytes(packed)
    if entry.method != zlib.DEFLATED:
        raise Unreadable(f"{name} is packed by method {entry.method}")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, limit_bytes + 1)
    except zlib.error as error:
        raise Unreadable(f"{name} is damaged") from error
    if not inflater.eof and len(content) <= limit_bytes:
        raise Unreadable(f"{name} is cut short")
    return content


def _widened(packed: int, size: int, offset: int, extra: bytes) -> tuple[int, int, int]:
    """Packed size, size and offset, taken from the ZIP64 field where they do not fit into 32 bits."""
    if 0xFFFFFFFF not in (packed, size, offset):
        return packed, size, offset
    position = 0
    while position + 4 <= len(extra):
        kind = int.from_bytes(extra[position : position + 2], "little")
        length = int.from_bytes(extra[position + 2 : position + 4], "little")
        if kind == 1:
            values = extra[position + 4 : position + 4 + length]
            wide = [int.from_bytes(values[i : i + 8], "little") for i in range(0, len(values), 8)]
            taken = iter(wide)
            size = next(taken, size) if size == 0xFFFFFFFF else size
            packed = next(taken, packed) if packed == 0xFFFFFFFF else packed
            offset = next(taken, offset) if offset == 0xFFFFFFFF else offset
            break
        position += 4 + length
    return packed, size, offset
