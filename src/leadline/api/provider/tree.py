"""The Merkle tree of RFC 6962 over the entries of a log, and the two proofs of RFC 9162 about it.

Hashes are SHA-256, 32 bytes. A proof is a list of hashes, nearest the leaf first.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

WIDTH = 32
EMPTY_ROOT = sha256(b"").digest()
Proof = tuple[bytes, ...]


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Tree:
    """Grows at its end only. It takes 64 bytes of memory for an entry."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        """``leaves``: hashes of the entries, in their order."""
        # A row holds the roots of all full subtrees of its height, one after another.
        self._rows: list[bytearray] = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """In entries."""
        return len(self._rows[0]) // WIDTH

    def leaf(self, index: int) -> bytes:
        return self._full(0, index)

    def append(self, leaf: bytes) -> None:
        height, top = 0, leaf
        while True:
            row = self._rows[height]
            row += top
            if len(row) // WIDTH % 2:
                return
            top = _parent(bytes(row[-2 * WIDTH : -WIDTH]), bytes(row[-WIDTH:]))
            height += 1
            if height == len(self._rows):
                self._rows.append(bytearray())

    def root(self, size: int | None = None) -> bytes:
        """Of the first ``size`` entries; of all for ``None``."""
        size = self.size if size is None else size
        return self._of(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> Proof:
        """That entry ``index`` is one of the first ``size``."""
        start, end, proof = 0, size, []
        while end - start > 1:
            middle = start + _left_part(end - start)
            if index < middle:
                proof.append(self._of(middle, end))
                end = middle
            else:
                proof.append(self._of(start, middle))
                start = middle
        return tuple(reversed(proof))

    def consistency(self, old: int, size: int) -> Proof:
        """That the first ``size`` entries begin with the first ``old``."""
        if old in (0, size):
            return ()
        start, end, proof = 0, size, []
        # Down to the largest subtree that ends where the old tree does.
        while end != old:
            middle = start + _left_part(end - start)
            if old <= middle:
                proof.append(self._of(middle, end))
                end = middle
            else:
                proof.append(self._of(start, middle))
                start = middle
        if start:
            proof.append(self._of(start, end))
        return tuple(reversed(proof))

    def _full(self, height: int, index: int) -> bytes:
        at = index * WIDTH
        return bytes(self._rows[height][at : at + WIDTH])

    def _of(self, start: int, end: int) -> bytes:
        """The root of the entries from ``start``, a multiple of the width of the subtree, up to ``end``."""
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._full(height, start >> height)
        middle = start + _left_part(count)
        return _parent(self._of(start, middle), self._of(middle, end))


def _left_part(count: int) -> int:
    """The largest power of two below ``count``, which is at least two."""
    return 1 << (count - 1).bit_length() - 1


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, top = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        at, last, top = _climbed(at, last, top, sibling)
    return last == 0 and top == root


def is_consistent(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """RFC 9162, section 2.1.4.2."""
    if not 0 <= old <= size:
        return False
    if old in (0, size):
        return not proof and old_root == (root if old else EMPTY_ROOT)
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before = _parent(sibling, before)
        at, last, after = _climbed(at, last, after, sibling)
    return last == 0 and before == old_root and after == root


def _climbed(at: int, last: int, top: bytes, sibling: bytes) -> tuple[int, int, bytes]:
    """One step of a proof: place, last place and hash, a level up."""
    if at & 1 or at == last:
        top = _parent(sibling, top)
        # Levels at which this node is alone at the right edge have no sibling in the proof.
        while not at & 1 and at:
            at, last = at >> 1, last >> 1
    else:
        top = _parent(top, sibling)
    return at >> 1, last >> 1, top
