"""The tree against RFC 6962 written down literally, and every proof against every forgery of it."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.api.provider.tree import EMPTY_ROOT, Tree, is_consistent, is_included, leaf_hash

LEAVES = [leaf_hash(bytes([number])) for number in range(70)]


def literal_root(leaves: list[bytes]) -> bytes:
    """Section 2.1 of the RFC, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + literal_root(leaves[:k]) + literal_root(leaves[k:])).digest()


def test_roots_are_those_of_the_rfc():
    tree = Tree()
    assert tree.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, 1):
        tree.append(leaf)
        assert tree.size == size
        assert tree.root() == literal_root(LEAVES[:size])
    for size in range(71):
        assert tree.root(size) == literal_root(LEAVES[:size])


def test_every_inclusion_is_proven_and_no_other_leaf():
    tree = Tree(LEAVES)
    for size in range(1, 71):
        root = tree.root(size)
        for index in range(size):
            proof = tree.inclusion(index, size)
            assert is_included(LEAVES[index], index, size, proof, root)
            assert not is_included(leaf_hash(b"forged"), index, size, proof, root)
            assert not is_included(LEAVES[index], index, size, (*proof, root), root)
            assert not proof or not is_included(LEAVES[index], index, size, proof[1:], root)
            assert not is_included(LEAVES[index], (index + 1) % (size + 1), size, proof, root) or size == 1


def test_every_consistency_is_proven_and_no_other_past():
    tree = Tree(LEAVES)
    for size in range(71):
        root = tree.root(size)
        for old in range(size + 1):
            proof = tree.consistency(old, size)
            before = tree.root(old)
            assert is_consistent(old, size, proof, before, root)
            assert not is_consistent(old, size, proof, sha256(b"forged").digest(), root)
            if 0 < old < size:
                assert not is_consistent(old, size, proof, before, sha256(b"forged").digest())
                assert not is_consistent(old, size, proof[1:], before, root)
                assert not is_consistent(old, size, (*proof, root), before, root)
    assert not is_consistent(5, 4, (), tree.root(5), tree.root(4))


@given(st.integers(2, 70), st.data())
def test_a_log_that_changed_one_old_entry_proves_nothing(size: int, data: st.DataObject):
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    honest = Tree(LEAVES[:old])
    other = Tree([leaf_hash(b"other") if at == changed else leaf for at, leaf in enumerate(LEAVES[:size])])
    proof = other.consistency(old, size)
    assert not is_consistent(old, size, proof, honest.root(), other.root())


@pytest.mark.parametrize("index", [-1, 70, 10**9])
def test_places_beyond_the_log_are_no_part_of_it(index: int):
    tree = Tree(LEAVES)
    assert not is_included(LEAVES[0], index, 70, tree.inclusion(0, 70), tree.root())
