"""``manifest.wall`` of Chisel: lines of JSON compressed with Zstandard; the first is a heading, each of the others has a ``kind``.

https://documentation.ubuntu.com/chisel/en/latest/reference/manifest/
"""

import io
from collections.abc import Iterator

import msgspec

from leadline.packages.file import Unreadable

LARGEST = 64 << 20
"""Bytes of the list when unpacked; that of a large image has some hundred thousand paths of 200 bytes."""


class Line(msgspec.Struct, frozen=True):
    """One line: of kind ``package`` with the first fields, of kind ``path`` with the last."""

    kind: str = ""
    name: str = ""
    version: str = ""
    sha256: str = ""
    final_sha256: str = ""
    """Of a path that was changed when it was cut out."""
    arch: str = ""
    path: str = ""
    slices: tuple[str, ...] = ()
    """``PACKAGE_SLICE``."""


class Heading(msgspec.Struct, frozen=True):
    jsonwall: str
    count: int = 0
    """Of all lines, this one included."""


def chisel_lines(content: bytes) -> Iterator[Line | None]:
    """The lines after the heading; ``None`` for one that makes no sense, and once for all that are missing."""
    import zstandard  # few images have such a manifest

    decoder = msgspec.json.Decoder(Line)
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(io.BytesIO(content)) as stream:
            plain = stream.read(LARGEST + 1)
    except zstandard.ZstdError as error:
        raise Unreadable("is not compressed with Zstandard, or damaged") from error
    if len(plain) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB when unpacked")
    heading, *lines = plain.split(b"\n")
    try:
        count = msgspec.json.decode(heading, type=Heading).count
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("does not begin as a manifest of Chisel does") from error
    entries = [line for line in lines if line.strip()]
    for entry in entries:
        try:
            yield decoder.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield None
    if len(entries) < count - 1:
        yield None
