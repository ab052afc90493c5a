import bz2
import gzip
import lzma
import os
import random
import tempfile
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.sbom.layers import stream
from leadline.sbom.layers.stream import PIECE_BYTES, Damaged, Pieces, Region, bounded, decompressed

CONTENT = random.Random(1).randbytes(3000) + b"x" * 5000


def pieces(content: bytes, size: int = 100) -> list[bytes]:
    return [content[i : i + size] for i in range(0, len(content), size)]


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:4000]) + gzip.compress(CONTENT[4000:]),
        gzip.compress(CONTENT) + bytes(100),
        zstandard.compress(CONTENT),
        zstandard.compress(CONTENT[:4000]) + zstandard.compress(CONTENT[4000:]),
        b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(CONTENT),
        lzma.compress(CONTENT[:4000]) + lzma.compress(CONTENT[4000:]) + bytes(4),
        bz2.compress(CONTENT[:4000]) + bz2.compress(CONTENT[4000:]),
        b"BZh9 begins a name" + CONTENT,
    ],
    ids=[
        "plain",
        "gzip",
        "two members",
        "padded",
        "zstd",
        "two frames",
        "skippable frame",
        "xz",
        "bzip2",
        "no bzip2",
    ],
)
@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_content_is_the_same_however_it_is_packed(packed: bytes, size: int) -> None:
    unpacked = packed if packed.startswith(b"BZh9 ") else CONTENT
    assert b"".join(decompressed(pieces(packed, size))) == unpacked


@pytest.mark.parametrize("size", [100, 40_000, 1 << 20])
def test_members_by_the_thousand_are_all_read(size: int) -> None:
    chance = random.Random(2)
    parts = [b"first", *(chance.randbytes(chance.choice((0, 0, 1, 50, 40_000))) for _ in range(80))]
    for pack in (lambda one: gzip.compress(one, 1), lzma.compress, lambda one: bz2.compress(one, 1)):
        packed = b"".join(pack(one) + bytes(chance.choice((0, 0, 3))) for one in parts)
        assert b"".join(decompressed(pieces(packed, size))) == b"".join(parts)


def test_members_without_end_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_MEMBERS", 100)
    with pytest.raises(Damaged, match="more than 100 gzip members"):
        list(decompressed([gzip.compress(b"") * 101]))
    assert list(decompressed([gzip.compress(b"") * 100])) == []


def test_nothing_is_nothing() -> None:
    assert list(decompressed([])) == []


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(CONTENT)[:-20],
        gzip.compress(CONTENT)[:40],
        gzip.compress(CONTENT)[:100] + b"\xff" * 100,
        gzip.compress(CONTENT) + b"rubbish",
        gzip.compress(CONTENT)[:-8] + bytes(8),
    ],
    ids=["end missing", "most missing", "broken", "rubbish behind", "wrong checksum"],
)
def test_broken_gzip_is_damage(packed: bytes) -> None:
    with pytest.raises(Damaged, match="gzip"):
        list(decompressed(pieces(packed)))


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress], ids=["xz", "bzip2"])
def test_broken_xz_and_bzip2_are_damage(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(CONTENT)
    for broken in (packed[:-9], packed[:100] + b"\xff" * 20 + packed[120:], packed + b"rubbish"):
        with pytest.raises(Damaged, match=r"broken|ends early"):
            list(decompressed(pieces(broken)))


def test_xz_that_asks_for_too_much_memory_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "XZ_MEMORY", 1 << 16)
    with pytest.raises(Damaged, match="emory"):
        list(decompressed(pieces(lzma.compress(CONTENT))))


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress], ids=["xz", "bzip2"])
def test_no_piece_of_a_bomb_is_large(pack: Callable[[bytes], bytes]) -> None:
    sizes = [len(piece) for piece in decompressed([pack(bytes(5 << 20))])]
    assert (max(sizes) <= PIECE_BYTES, sum(sizes)) == (True, 5 << 20)


def test_broken_zstandard_is_damage() -> None:
    packed = bytearray(zstandard.compress(CONTENT))
    packed[10:40] = b"\xff" * 30
    with pytest.raises(Damaged, match="zstandard"):
        list(decompressed(pieces(bytes(packed))))


PACKED = zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT * 60)


@pytest.mark.parametrize("length", [5, 6, 9, 200, len(PACKED) // 2, len(PACKED) - 4, len(PACKED) - 1])
def test_zstandard_cut_short_is_damage(length: int) -> None:
    with pytest.raises(Damaged, match="zstandard"):
        list(decompressed(pieces(PACKED[:length])))


def test_zstandard_with_rubbish_behind_is_damage() -> None:
    with pytest.raises(Damaged, match="zstandard"):
        list(decompressed(pieces(PACKED + b"rubbish")))


def test_bomb_comes_in_small_pieces_and_is_stopped() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(1 << 24)) for _ in range(16)) + packer.flush()
    sizes: list[int] = []
    with pytest.raises(Damaged, match="more than 64 MiB"):
        sizes.extend(map(len, bounded(decompressed([packed]), 64 << 20)))
    assert max(sizes) <= PIECE_BYTES


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "skip", "peek"]), st.integers(0, 3000)), max_size=20))
def test_pieces_and_region_agree(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"before" + CONTENT + b"behind")
        file.flush()
        os.fsync(file.fileno())
        first, second = Pieces(pieces(CONTENT, 77)), Region(file.fileno(), 6, len(CONTENT))
        for what, count in steps:
            assert getattr(first, what)(count) == getattr(second, what)(count)
            assert first.position() == second.position()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 600), st.integers(0, 9)), max_size=20))
def test_what_is_at_hand_is_what_skipping_taking_and_peeking_gives(steps: list[tuple[int, int, int]]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(CONTENT)
        file.flush()
        streams = Pieces(pieces(CONTENT, 1777)), Region(file.fileno(), 0, len(CONTENT))
        at = 0
        for gap, count, more in steps:
            for stream in streams:
                if taken := stream.take_at_hand(gap, count, more):
                    assert taken == CONTENT[at + gap : at + gap + count + more]
                else:
                    assert stream.position() in (at, at + gap + count)
                    stream.skip(at + gap + count - stream.position())
                assert stream.position() == min(at + gap + count, len(CONTENT))
            at = min(at + gap + count, len(CONTENT))


def test_region_of_a_file_that_became_shorter_is_damage() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(CONTENT)
        file.flush()
        region = Region(file.fileno(), 0, len(CONTENT))
        assert region.skip(4000) == 4000
        file.truncate(3000)
        with pytest.raises(Damaged, match="became shorter"):
            region.take(512)
