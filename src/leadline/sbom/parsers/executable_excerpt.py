"""Large executables without their code: at the right offsets, with zeros where nothing was kept.

Cataloguers look at headers, read-only texts and sections at the end; machine code is most of the bytes and
contains nothing. Left-out parts are pages that were never touched and so take no memory.
"""

import mmap
from collections.abc import Iterator, Sequence

from leadline.packages.file import Unreadable
from leadline.sbom.layers.tar import EntryReader
from leadline.sbom.parsers.content_sums import ContentSums
from leadline.sbom.parsers.executable import ELF, Executable

SMALLEST = 4 << 20
"""Below this an executable is taken whole."""
HEAD_BYTES = 1 << 16
"""Holds the table of segments of every executable that a linker writes."""
BEHIND_BYTES = 8 << 20
"""Kept behind what is loaded: small sections come first there, before symbols and debugging information."""
TAIL_BYTES = 8 << 20
"""Kept of the end, where the table of sections and their names are."""
KEPT_BYTES = 192 << 20
_NOTES_BYTES = 8192
_OF_GO = b"\x04\0\0\0Go\0\0"
"""In the note that Go's linker writes: the type of the build ID, and the owner's name."""
_OF_RUST = b"\0_Unwind_GetLanguageSpecificData\0"
"""What Rust's own library calls where a program panics, and programs of hardly any other language; its name is among the first texts."""


class Excerpt(mmap.mmap):
    """Reads as ``bytes`` where cataloguers do: slices, ``find``, ``in`` and regular expressions."""

    sums: bytes = b""
    """Of the whole file, as ``ContentSums.digest``; empty where they were not asked for."""

    def __contains__(self, part: object) -> bool:
        return isinstance(part, bytes) and self.find(part) >= 0

    def startswith(self, prefix: bytes) -> bool:
        return self[: len(prefix)] == prefix


def excerpt_of(
    entries: EntryReader,
    size: int,
    *,
    is_listed: bool = False,
    is_known: bool = False,
    is_of_dpkg: bool = False,
) -> Excerpt | None:
    """The latest file of ``entries`` without its code; ``None``, and nothing read, where it must be taken whole.

    ``is_listed``: a distribution may list it, so that the sums of a program of Go or Rust are needed, and of one that ``is_known`` by its name;
    ``is_of_dpkg``: those sums that dpkg's lists have.
    """
    if size < SMALLEST:
        return None
    head = entries.head(HEAD_BYTES)
    if head[:4] != ELF:
        return None
    ranges = tuple(_kept(head, size))
    if not ranges or sum(end - start for start, end in ranges) > KEPT_BYTES:
        return None
    content = Excerpt(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    is_summed = is_listed and (is_known or _OF_GO in head[:_NOTES_BYTES] or _OF_RUST in head)
    sums = ContentSums(is_for_dpkg=is_of_dpkg) if is_summed else None
    for start, piece in entries.parts(ranges) if sums is None else _whole(entries, ranges, sums):
        content[start : start + len(piece)] = piece
    content.sums = sums.digest() if sums is not None else b""
    return content


def _whole(
    entries: EntryReader, ranges: Sequence[tuple[int, int]], sums: ContentSums
) -> Iterator[tuple[int, bytes]]:
    """As ``entries.parts``, with all of it in ``sums``."""
    at = 0
    for piece in entries.pieces():
        sums.add(piece)
        for start, end in ranges:
            first, last = max(start, at), min(end, at + len(piece))
            if first < last:
                yield first, piece[first - at : last - at]
        at += len(piece)


def _kept(head: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Start and end of what is kept, in order and without overlap."""
    try:
        segments = Executable(head, is_head=True).segments
    except Unreadable:
        return
    if all(one.is_code or one.is_writable for one in segments):
        # Older linkers lay read-only texts into the segment of the code.
        return
    loaded = max(segment.offset + segment.size for segment in segments)
    wanted = [(0, HEAD_BYTES), (loaded, loaded + BEHIND_BYTES), (size - TAIL_BYTES, size)]
    wanted += [(one.offset, one.offset + one.size) for one in segments if not one.is_code]
    at = 0
    for start, end in sorted(wanted):
        start, end = max(start, at), min(end, size)
        if start < end:
            yield start, end
            at = end
