"""A compressed file as one that is read unpacked, piece by piece, whatever its content claims."""

import io
from typing import IO, Any, cast

from leadline.sbom.layers.stream import HEAD_BYTES, decompressed, is_compressed

_PACKED_AT_A_TIME = 1 << 14
"""Small, for it can unpack to some 10,000 times its size."""


def unpacked(file: IO[bytes]) -> io.BufferedReader:
    """The content of a compressed file; any other as it is. Reading it raises ``Damaged``."""
    buffered = buffered_file(file)
    is_packed = is_compressed(buffered.peek(HEAD_BYTES)[:HEAD_BYTES])
    return io.BufferedReader(_Unpacked(buffered)) if is_packed else buffered


def buffered_file(file: IO[bytes]) -> io.BufferedReader:
    """The file as one whose next bytes can be looked at."""
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))


class _Unpacked(io.RawIOBase):
    """The content of a compressed file."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._pieces = decompressed(iter(lambda: file.read(_PACKED_AT_A_TIME), b""))
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(target), len(self._piece))
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
