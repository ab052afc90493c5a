"""The checksum of a vulnerability database, which it holds itself: what is damaged within is never a shorter answer.

SQLite notices damage where it breaks a page's form. Where it does not, rows are gone or say something else. So the
builder writes the SHA-256 of the whole file, its own 64 digits taken for zeros, in their place in the file.
"""

from hashlib import sha256
from pathlib import Path

from leadline.errors import DatabaseError
from leadline.vulnerabilities.database import CHECKSUM

UNSEALED = "0" * 64
"""What the builder writes under ``CHECKSUM`` into the table ``about``, until the file is whole."""
_PIECE_BYTES = 1 << 20
_HINT = "copy it again whole, or make one with 'leadline db build'"


def seal(path: Path) -> None:
    """Writes the checksum into a file whose building is finished."""
    at, digits = _checksum(path, UNSEALED)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(digits.encode("ascii"))


def check_sealed(path: Path, checksum: str) -> None:
    """Reads all of the file, about a gigabyte in a second; ``checksum`` as it holds it. ``DatabaseError`` where it is damaged."""
    try:
        is_whole = len(checksum) == len(UNSEALED) and _checksum(path, checksum)[1] == checksum
    except (OSError, ValueError) as error:
        raise DatabaseError(f"{path}: damaged (its checksum cannot be read)", hint=_HINT) from error
    if not is_whole:
        raise DatabaseError(f"{path}: damaged (its checksum is another)", hint=_HINT)


def _checksum(path: Path, written: str) -> tuple[int, str]:
    """Where the digits ``written`` are, the first time behind their name, and the checksum of all with zeros in their place.

    Piece by piece: a map of the file would count as memory. Raises ``ValueError`` where the digits are not there.
    """
    marked = (CHECKSUM + written).encode("ascii", "replace")
    state, at, offset, held = sha256(), -1, 0, b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            held += piece
            if at < 0 and (found := held.find(marked)) >= 0:
                at = offset + found + len(CHECKSUM)
                start = found + len(CHECKSUM)
                held = held[:start] + UNSEALED.encode("ascii") + held[start + len(UNSEALED) :]
            # The end stays back until it is known whether the digits begin in it.
            kept = len(marked) - 1 if at < 0 else 0
            done = len(held) - kept
            if done > 0:
                state.update(held[:done])
                offset, held = offset + done, held[done:]
    state.update(held)
    if at < 0:
        raise ValueError("no checksum")
    return at, state.hexdigest()
