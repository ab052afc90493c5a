"""The checksum of a vulnerability database, which it holds itself: what is damaged within is never a shorter answer.

SQLite notices damage where it breaks a page's form. Where it does not, rows are gone or say something else. So the
builder writes the SHA-256 of the whole file, its own 64 digits taken for zeros, in their place in the file.
"""

import mmap
from hashlib import sha256
from pathlib import Path

from leadline.errors import DatabaseError
from leadline.vulnerabilities.database import CHECKSUM

UNSEALED = "0" * 64
"""What the builder writes under ``CHECKSUM`` into the table ``about``, until the file is whole."""
_PIECE_BYTES = 1 << 20
_HINT = "copy it again whole, or make one with 'leadline db build'"


def seal(path: Path) -> None:
    """Writes the checksum into a file whose building is finished. Piece by piece: a map of it would count as memory."""
    marked = (CHECKSUM + UNSEALED).encode("ascii")
    state, at, offset, rest = sha256(), -1, 0, b""
    with path.open("r+b") as file:
        while piece := file.read(_PIECE_BYTES):
            state.update(piece)
            if at < 0 and (found := (rest + piece).find(marked)) >= 0:
                at = offset - len(rest) + found + len(CHECKSUM)
            rest, offset = piece[-len(marked) :], offset + len(piece)
        file.seek(at)
        file.write(state.hexdigest().encode("ascii"))


def check_sealed(path: Path, checksum: str) -> None:
    """Reads all of the file, about a gigabyte in a second; ``checksum`` as it holds it. ``DatabaseError`` where it is damaged."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            is_whole = (
                len(checksum) == len(UNSEALED) and _checksum(content, _place(content, checksum)) == checksum
            )
    except (OSError, ValueError) as error:
        raise DatabaseError(f"{path}: damaged (its checksum cannot be read)", hint=_HINT) from error
    if not is_whole:
        raise DatabaseError(f"{path}: damaged (its checksum is another)", hint=_HINT)


def _place(content: mmap.mmap, checksum: str) -> int:
    """Offset of the digits, behind their name. Raises ``ValueError`` where they are not there."""
    marked = (CHECKSUM + checksum).encode("ascii", "replace")
    at = content.find(marked)
    if at < 0:
        raise ValueError("no checksum")
    return at + len(CHECKSUM)


def _checksum(content: mmap.mmap, at: int) -> str:
    state = sha256()
    with memoryview(content) as view:
        for part in (view[:at], UNSEALED.encode("ascii"), view[at + len(UNSEALED) :]):
            state.update(part)
            if isinstance(part, memoryview):
                part.release()
    return state.hexdigest()
