"""What an excerpt of a large executable must keep: the texts that tell a program's version."""

import struct
from collections.abc import Iterator, Sequence

import pytest

from leadline.sbom.layers.tar import TarEntry
from leadline.sbom.parsers.content_sums import sums_of
from leadline.sbom.parsers.executable_excerpt import SMALLEST, excerpt_of

SIZE = SMALLEST + (64 << 20)
TEXT_AT = 24 << 20
READ, EXECUTE, WRITE = 4, 1, 2


class OneFile:
    """An ``EntryReader`` at its only entry."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[TarEntry]:
        return iter(())

    def head(self, count: int) -> bytes:
        return self._content[:count]

    def content(self) -> bytes:
        return self._content

    def pieces(self) -> Iterator[bytes]:
        for at in range(0, len(self._content), 1 << 20):
            yield self._content[at : at + (1 << 20)]

    def parts(self, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        for start, end in ranges:
            yield start, self._content[start:end]

    def finish(self) -> None:
        return


def executable(segments: list[tuple[int, int, int]]) -> bytes:
    """An ELF file of ``SIZE`` bytes with ``segments`` (flags, offset, size) and a text at ``TEXT_AT``."""
    head = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 62, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0
    )
    table = b"".join(
        struct.pack("<IIQQQQQQ", 1, flags, at, at, at, size, size, 4096) for flags, at, size in segments
    )
    content = bytearray(SIZE)
    content[: len(head) + len(table)] = head + table
    content[TEXT_AT : TEXT_AT + 4] = b"text"
    return bytes(content)


@pytest.mark.parametrize(
    ("segments", "is_excerpt"),
    [
        # Read-only texts in a segment of their own: the code goes, the texts stay.
        ([(READ | EXECUTE, 0, 16 << 20), (READ, 16 << 20, 16 << 20), (READ | WRITE, 32 << 20, 4096)], True),
        # Older linkers: texts behind the code in one segment, so the file is taken whole.
        ([(READ | EXECUTE, 0, 32 << 20), (READ | WRITE, 32 << 20, 4096)], False),
    ],
)
def test_texts_are_kept_wherever_the_linker_put_them(
    segments: list[tuple[int, int, int]], is_excerpt: bool
) -> None:
    content = executable(segments)
    excerpt = excerpt_of(OneFile(content), len(content))
    assert (excerpt is not None) == is_excerpt
    kept = excerpt or content
    assert kept[TEXT_AT : TEXT_AT + 4] == b"text"


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("note", [b"\x04\0\0\0Go\0\0", b"\x04\0\0\0GNU\0"])
def test_a_program_of_go_that_a_list_may_name_has_the_sums_of_the_whole(note: bytes, is_listed: bool) -> None:
    content = bytearray(executable([(READ | EXECUTE, 0, 16 << 20), (READ, 16 << 20, 16 << 20)]))
    content[4000 : 4000 + len(note)] = note
    excerpt = excerpt_of(OneFile(bytes(content)), len(content), is_listed=is_listed)
    plain = excerpt_of(OneFile(bytes(content)), len(content))
    assert excerpt is not None
    assert plain is not None
    assert excerpt[:] == plain[:]
    assert excerpt.sums == (sums_of(bytes(content)) if is_listed and b"Go" in note else b"")
