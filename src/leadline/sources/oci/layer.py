"""One layer as a source holds it: compressed pieces that arrive, or a region of an open file."""

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from msgspec import Struct

from leadline.model.package import ImageIdentity
from leadline.model.unread import Unread
from leadline.sbom.identity.config import ConfigReading
from leadline.sbom.image import Layer
from leadline.sbom.layers.stream import (
    HEAD_BYTES,
    Forged,
    Pieces,
    WrongDiffId,
    bounded,
    decompressed,
    is_compressed,
)

if TYPE_CHECKING:
    from leadline.sbom.layers.tar import EntryReader

LARGEST_LAYER = 64 << 30
"""Bytes after decompression. The largest known layers, of machine learning, have a quarter of that."""
UNSUSPICIOUS_BYTES = 1 << 30
LARGEST_RATIO = 250
"""Beyond the bytes above. Gzip itself ends at 1032; files of real layers rarely reach 20."""
READ_BYTES = 1 << 20
WORTH_A_THREAD = 4 << 20
"""Layers stored in fewer bytes are done before a thread has begun."""

_DIGITS = {"sha256": 64, "sha512": 128}
"""Of the digests that can be checked, by the name that ``hashlib`` has for the algorithm."""
_HEXADECIMAL = frozenset("0123456789abcdef")


class OpenedImage(Struct, frozen=True):
    """An image that a source has opened. Reads as ``image.sbom.Image``."""

    identity: ImageIdentity
    config: ConfigReading
    layers: tuple[Layer, ...]
    cache_key: str = ""
    unread: tuple[Unread, ...] = ()
    closers: tuple[Callable[[], None], ...] = ()

    def close(self) -> None:
        for close in self.closers:
            close()


class PieceLayer(Struct, frozen=True):
    """A layer that arrives piece by piece."""

    diff_id: str
    pieces: Callable[[], Iterator[bytes]]
    """As stored, digest checked; asked for again at each opening."""
    cache_key: str = ""
    size_bytes: int = 0
    missing: str = ""
    stamp: str = ""

    def open(self) -> "AbstractContextManager[EntryReader]":
        # What is stored as it is has been checked by its digest already.
        diff_id = self.diff_id if self.diff_id != self.cache_key else ""
        return _closing(self.pieces(), self.size_bytes, diff_id)


class RegionLayer(Struct, frozen=True):
    """A layer that lies in an open file, compressed or not; no digest is known."""

    diff_id: str
    file: int
    """File descriptor."""
    start: int
    size_bytes: int
    cache_key: str = ""
    missing: str = ""
    stamp: str = ""

    def open(self) -> "AbstractContextManager[EntryReader]":
        is_packed = is_compressed(os.pread(self.file, min(HEAD_BYTES, self.size_bytes), self.start))
        pieces = region_pieces(self.file, self.start, self.size_bytes)
        return _closing(pieces, self.size_bytes, self.diff_id, is_packed=is_packed)


def name_of(path: os.PathLike[str]) -> str:
    """``path`` as reports can hold it: names of files need not be text."""
    return os.fsencode(path).decode("utf-8", "replace")


def limit_bytes(stored_bytes: int) -> int:
    """How large a layer may become that is stored in ``stored_bytes``."""
    return min(LARGEST_LAYER, max(UNSUSPICIOUS_BYTES, stored_bytes * LARGEST_RATIO))


def checked(pieces: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """``pieces`` as they are; at their end they must have had ``digest``.

    Raises:
        Forged: they have another digest, or one that cannot be checked.
    """
    algorithm = _algorithm_of(digest)
    if not algorithm:
        raise Forged(f"its digest cannot be checked: {digest[:80]}")
    state = hashlib.new(algorithm)
    for piece in pieces:
        state.update(piece)
        yield piece
    if state.hexdigest() != digest.partition(":")[2]:
        raise Forged(f"its content does not have the digest {digest}")


def with_diff_id(pieces: Iterator[bytes], diff_id: str) -> Iterator[bytes]:
    """Unpacked ``pieces`` as they are; at their end they must have had ``diff_id``, where that can be checked.

    Raises:
        WrongDiffId: they have another.
    """
    algorithm = _algorithm_of(diff_id)
    if not algorithm:
        yield from pieces
        return
    state = hashlib.new(algorithm)
    for piece in pieces:
        state.update(piece)
        yield piece
    if state.hexdigest() != diff_id.partition(":")[2]:
        raise WrongDiffId("its unpacked content does not have its diff_id")


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest that can be checked, and so is safe as part of a path."""
    return bool(_algorithm_of(text))


def _algorithm_of(digest: str) -> str:
    """Empty where it cannot be checked. Compiling a pattern takes a fiftieth of the scan of a known image."""
    algorithm, _, digits = digest.partition(":")
    is_one = len(digits) == _DIGITS.get(algorithm) and _HEXADECIMAL.issuperset(digits)
    return algorithm if is_one else ""


def region_pieces(file: int, start: int, size: int) -> Iterator[bytes]:
    """``size`` bytes of an open file from ``start`` on; fewer where it is shorter."""
    end = start + size
    while start < end:
        piece = os.pread(file, min(READ_BYTES, end - start), start)
        if not piece:
            return
        start += len(piece)
        yield piece


def paired(diff_ids: Sequence[str], count: int) -> tuple[list[str], tuple[Unread, ...]]:
    """One digest for each of ``count`` layers, and what to say where the configuration lists more or fewer."""
    if len(diff_ids) == count:
        return list(diff_ids), ()
    why = f"lists {len(diff_ids)} layers where the manifest has {count}"
    return [*diff_ids, *[""] * count][:count], (Unread("image configuration", why, "malformed"),)


@contextmanager
def _closing(
    pieces: Iterator[bytes], size: int, diff_id: str, *, is_packed: bool = True
) -> "Iterator[EntryReader]":
    from leadline.sbom.layers.tar import TarReader  # not needed where no layer is read

    def plain(stored: Iterator[bytes]) -> Iterator[bytes]:
        return with_diff_id(bounded(_unpacked(stored), limit_bytes(size)), diff_id)

    if size < WORTH_A_THREAD:
        try:
            yield TarReader(Pieces(plain(pieces)))
        finally:
            _close(pieces)
        return
    from leadline.sources.oci.read_ahead import ahead  # threads are not needed where no layer is read

    with ahead(pieces) if is_packed else nullcontext(pieces) as stored, ahead(plain(stored)) as unpacked:
        yield TarReader(Pieces(unpacked))


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As ``decompressed``, but not before it is read: opening a layer does not judge its first bytes."""
    yield from decompressed(pieces)


def _close(pieces: Iterator[bytes]) -> None:
    """Ends a generator half-way, and with it the connection it reads from."""
    if isinstance(pieces, Generator):
        pieces.close()
