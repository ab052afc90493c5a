"""Sections of ELF, PE and Mach-O files, read with bounds from content that may lie.

Formats: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html,
https://learn.microsoft.com/en-us/windows/win32/debug/pe-format, and ``mach-o/loader.h``.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from leadline.packages.file import File, Unreadable

ELF = b"\x7fELF"
PE = b"MZ"
MACHO = frozenset((b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce"))
MACHO_FAT = b"\xca\xfe\xba\xbe"
FIRST_BYTES = b"\x7fM\xcf\xce\xfe\xca"
"""No executable begins with another."""
MOST_SECTIONS = 4096
MOST_SEGMENTS = 1024
MOST_ARCHITECTURES = 40
"""A Java class begins with the same four bytes as a fat Mach-O file; its version makes a larger number."""
LARGEST_SECTION = 64 << 20

Format = Literal["elf", "pe", "macho"]


class Section(Struct, frozen=True):
    """A named part of the file."""

    name: str
    """ELF and PE: ``.go.buildinfo``; Mach-O: ``__DATA,__go_buildinfo``."""
    offset: int
    size: int
    address: int
    """Where it is loaded, as an absolute virtual address."""


class Segment(Struct, frozen=True):
    """A part that is loaded as a whole."""

    address: int
    offset: int
    size: int
    """Bytes in the file."""
    is_writable: bool
    is_code: bool


def is_executable(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (8 bytes are enough) is an ELF, PE or Mach-O file."""
    magic = head[:4]
    if magic == ELF or magic in MACHO:
        return True
    if magic == MACHO_FAT:
        return 0 < int.from_bytes(head[4:8], "big") <= MOST_ARCHITECTURES
    return magic[:2] == PE


class Executable:
    """One executable, library or object file. A fat Mach-O file counts as its first architecture."""

    def __init__(self, content: bytes, is_head: bool = False) -> None:
        """``content`` is the whole file; with ``is_head`` its first bytes, and sections are left out.

        Raises:
            Unreadable: it is not an executable, or its headers contradict themselves.
        """
        self._content = content
        self._is_head = is_head
        self._base = 0
        self.format: Format = "elf"
        self.is_64_bit = True
        self.byte_order: Literal["little", "big"] = "little"
        self.machine = 0
        """As the format numbers it: ``e_machine``, ``Machine`` or ``cputype``."""
        self.sections: tuple[Section, ...] = ()
        self.segments: tuple[Segment, ...] = ()
        try:
            self._read_headers()
        except (struct.error, OverflowError) as error:
            raise Unreadable("the headers of the executable are cut short") from error

    def section(self, *names: str) -> bytes:
        """The content of the first section with one of ``names``; empty where there is none."""
        for section in self.sections:
            if section.name in names:
                return self.bytes_at_offset(section.offset, min(section.size, LARGEST_SECTION))
        return b""

    def has_section(self, *names: str) -> bool:
        return any(section.name in names for section in self.sections)

    def places(self, pattern: bytes, names: Sequence[str]) -> Iterator[int]:
        """Offsets of ``pattern`` in the sections with one of ``names``, in the order of these; anywhere in a file without sections."""
        if self.sections:
            named = sorted(
                (one for one in self.sections if one.name in names), key=lambda one: names.index(one.name)
            )
        else:
            named = [Section("", 0, len(self._content) - self._base, 0)]
        for section in named:
            end = min(self._base + section.offset + section.size, len(self._content))
            at = self._content.find(pattern, self._base + section.offset, end)
            while at >= 0:
                yield at - self._base
                at = self._content.find(pattern, at + 1, end)

    def bytes_at(self, address: int, count: int) -> bytes:
        """``count`` bytes from where they would be loaded; fewer or none where the file does not hold them."""
        for segment in self.segments:
            within = address - segment.address
            if 0 <= within < segment.size:
                return self.bytes_at_offset(segment.offset + within, min(count, segment.size - within))
        return b""

    def bytes_at_offset(self, offset: int, count: int) -> bytes:
        """``count`` bytes from ``offset`` on, at most ``LARGEST_SECTION``."""
        if offset < 0 or count <= 0:
            return b""
        start = self._base + offset
        return bytes(self._content[start : start + min(count, LARGEST_SECTION)])

    def pointer(self, data: bytes, at: int) -> int:
        """The address that is at ``at`` in ``data``, in the file's own width and byte order; 0 beyond its end."""
        width = 8 if self.is_64_bit else 4
        field = data[at : at + width]
        return int.from_bytes(field, self.byte_order) if len(field) == width else 0

    def writable(self) -> Iterator[bytes]:
        """The content of every segment that is loaded to be written to."""
        for segment in self.segments:
            if segment.is_writable and segment.size:
                yield self.bytes_at_offset(segment.offset, segment.size)

    def _read_headers(self) -> None:
        content = self._content
        magic = bytes(content[:4])
        if magic == MACHO_FAT and is_executable(bytes(content[:8])):
            (self._base,) = struct.unpack_from(">I", content, 16)
            magic = bytes(content[self._base : self._base + 4])
        if magic == ELF:
            self.format = "elf"
            self._read_elf()
        elif magic in MACHO:
            self.format = "macho"
            self._read_macho()
        elif magic[:2] == PE:
            self.format = "pe"
            self._read_pe()
        else:
            raise Unreadable("not an executable")

    def _read_elf(self) -> None:
        content = self._content
        self.is_64_bit = content[4:5] == b"\x02"
        order = ">" if content[5:6] == b"\x02" else "<"
        self.byte_order = "big" if order == ">" else "little"
        self.machine = struct.unpack_from(order + "H", content, 18)[0]
        if self.is_64_bit:
            programs, sections = struct.unpack_from(order + "QQ", content, 32)
            counts = struct.unpack_from(order + "HHHHH", content, 54)
        else:
            programs, sections = struct.unpack_from(order + "II", content, 28)
            counts = struct.unpack_from(order + "HHHHH", content, 42)
        self.segments = tuple(self._elf_segments(order, programs, counts[0], counts[1]))
        self.sections = tuple(self._elf_sections(order, sections, counts[2:]))

    def _elf_segments(self, order: str, start: int, width: int, count: int) -> Iterator[Segment]:
        for at in range(start, start + width * min(count, MOST_SEGMENTS), max(width, 1)):
            if self.is_64_bit:
                kind, flags, offset, address, _, size = struct.unpack_from(
                    order + "IIQQQQ", self._content, at
                )
            else:
                kind, offset, address, _, size, _, flags = struct.unpack_from(order + "7I", self._content, at)
            if kind == 1:
                yield Segment(address, offset, size, bool(flags & 2), bool(flags & 1))

    def _elf_sections(self, order: str, start: int, counts: tuple[int, ...]) -> Iterator[Section]:
        width, count, names_at = counts
        layout = order + ("IIQQQQ" if self.is_64_bit else "6I")
        if (
            self._is_head
            or not start
            or not count
            or width < struct.calcsize(layout)
            or start > len(self._content)
        ):
            return
        rows = [
            struct.unpack_from(layout, self._content, start + width * i)
            for i in range(min(count, MOST_SECTIONS))
        ]
        if names_at >= len(rows):
            raise Unreadable("the section names are missing")
        names = self.bytes_at_offset(rows[names_at][4], min(rows[names_at][5], 1 << 20))
        for name, kind, _, address, offset, size in rows:
            # SHT_NOBITS occupies nothing in the file.
            yield Section(_text(names, name), offset, 0 if kind == 8 else size, address)

    def _read_pe(self) -> None:
        content = self._content
        (start,) = struct.unpack_from("<I", content, 60)
        if content[start : start + 4] != b"PE\0\0":
            raise Unreadable("a program for DOS")
        self.machine, count, _, _, _, optional = struct.unpack_from("<HHIIIH", content, start + 4)
        at = start + 24
        magic = struct.unpack_from("<H", content, at)[0]
        self.is_64_bit = magic == 0x20B
        layout, where = ("<Q", 24) if self.is_64_bit else ("<I", 28)
        (image_base,) = struct.unpack_from(layout, content, at + where)
        rows = at + optional
        sections, segments = [], []
        for at in range(rows, rows + 40 * min(count, MOST_SECTIONS), 40):
            name, _, address, size, offset = struct.unpack_from("<8sIIII", content, at)
            (flags,) = struct.unpack_from("<I", content, at + 36)
            address += image_base
            sections.append(Section(_text(name, 0), offset, size, address))
            segments.append(Segment(address, offset, size, bool(flags >> 31), bool(flags & 0x20000000)))
        self.sections, self.segments = tuple(sections), tuple(segments)

    def _read_macho(self) -> None:
        content, at = self._content, self._base
        magic = bytes(content[at : at + 4])
        order = "<" if magic[0] in b"\xcf\xce" else ">"
        self.byte_order = "little" if order == "<" else "big"
        self.is_64_bit = b"\xcf" in (magic[:1], magic[3:])
        self.machine, _, _, count, _ = struct.unpack_from(order + "5I", content, at + 4)
        at += 32 if self.is_64_bit else 28
        sections: list[Section] = []
        segments: list[Segment] = []
        for _ in range(min(count, MOST_SECTIONS)):
            command, size = struct.unpack_from(order + "II", content, at)
            if command in (1, 0x19):
                self._read_macho_segment(order, at, segments, sections)
            if size < 8 or len(sections) > MOST_SECTIONS:
                break
            at += size
        self.sections, self.segments = tuple(sections), tuple(segments)

    def _read_macho_segment(
        self, order: str, at: int, segments: list[Segment], sections: list[Section]
    ) -> None:
        wide = self.is_64_bit
        layout, row_layout, row_size = ("4Q", "QQI", 80) if wide else ("4I", "III", 68)
        content = self._content
        address, _, offset, size = struct.unpack_from(order + layout, content, at + 24)
        at += 24 + struct.calcsize(order + layout)
        _, protection, count, _ = struct.unpack_from(order + "4I", content, at)
        segments.append(Segment(address, offset, size, bool(protection & 2), bool(protection & 4)))
        at += 16
        for row in range(at, at + row_size * min(count, MOST_SECTIONS), row_size):
            name, segment_name = struct.unpack_from("16s16s", content, row)
            where, length, start = struct.unpack_from(order + row_layout, content, row + 32)
            sections.append(Section(f"{_text(segment_name, 0)},{_text(name, 0)}", start, length, where))


def executable_of(file: File) -> Executable:
    """``file`` as an executable, taken apart once for all that look at it. Raises ``Unreadable``."""
    found: Executable | None = file.parsed.get(Executable)
    if found is None:
        found = file.parsed[Executable] = Executable(file.data)
    return found


def _text(names: bytes, at: int) -> str:
    end = names.find(b"\0", at)
    return names[at : end if end >= 0 else len(names)].decode("ascii", "replace")
