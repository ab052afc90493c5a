import gzip
import hashlib
import os
import random
import tempfile
import threading
from collections.abc import Iterator

import pytest

from leadline.errors import RegistryError
from leadline.sbom.layers.stream import Damaged, Forged
from leadline.sources.oci.layer import (
    LARGEST_LAYER,
    UNSUSPICIOUS_BYTES,
    PieceLayer,
    RegionLayer,
    checked,
    is_digest,
    limit_bytes,
    paired,
    region_pieces,
)
from leadline.sources.oci.read_ahead import ahead


def test_content_with_its_digest_passes_and_any_other_is_forged() -> None:
    for name in ("sha256", "sha512"):
        digest = f"{name}:{hashlib.new(name, b'onetwo').hexdigest()}"
        assert list(checked(iter((b"one", b"two")), digest)) == [b"one", b"two"]
        with pytest.raises(Forged):
            list(checked(iter((b"one",)), digest))


@pytest.mark.parametrize(
    "digest", ["", "sha256:abc", f"md5:{'a' * 64}", f"sha256:{'A' * 64}", f"sha256:{'a' * 64}\n"]
)
def test_digest_that_cannot_be_checked_is_none(digest: str) -> None:
    assert not is_digest(digest)
    with pytest.raises(Forged, match="cannot be checked"):
        list(checked(iter((b"",)), digest))


def test_layers_may_grow_but_not_without_bound() -> None:
    assert limit_bytes(1000) == UNSUSPICIOUS_BYTES
    assert limit_bytes(100 << 20) == 25000 << 20
    assert limit_bytes(1 << 50) == LARGEST_LAYER


def test_configuration_with_too_few_layers_is_unread() -> None:
    digests, unread = paired(["a"], 3)
    assert digests == ["a", "", ""]
    assert [one.why for one in unread] == ["lists 1 layers where the manifest has 3"]
    assert paired(["a", "b"], 2) == (["a", "b"], ())


def test_region_gives_what_is_there() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.flush()
        assert b"".join(region_pieces(file.fileno(), 2, 5)) == b"23456"
        assert b"".join(region_pieces(file.fileno(), 8, 50)) == b"89"


def test_pieces_come_in_order_from_the_other_thread() -> None:
    makers: set[int] = set()

    def pieces() -> Iterator[bytes]:
        for i in range(50):
            makers.add(threading.get_ident())
            yield bytes([i])

    with ahead(pieces()) as found:
        assert b"".join(found) == bytes(range(50))
    assert threading.get_ident() not in makers


def test_error_of_the_other_thread_is_raised_here() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise RegistryError("broke off")

    with ahead(pieces()) as found:
        assert next(found) == b"one"
        with pytest.raises(RegistryError, match="broke off"):
            next(found)


def test_reader_that_leaves_early_ends_the_other_thread() -> None:
    is_closed = threading.Event()

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            is_closed.set()

    before = threading.active_count()
    with ahead(pieces()) as found:
        next(found)
    assert is_closed.is_set()
    assert threading.active_count() == before


def test_large_layer_that_is_damaged_says_so_through_the_thread() -> None:
    packed = gzip.compress(random.Random(1).randbytes(5 << 20), 1)[:-100]
    layer = PieceLayer("sha256:x", lambda: iter((packed,)), size_bytes=len(packed))
    with layer.open() as entries, pytest.raises(Damaged):
        list(entries)
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.flush()
        region = RegionLayer("sha256:x", file.fileno(), 0, len(packed))
        with region.open() as entries, pytest.raises(Damaged):
            list(entries)
        assert os.fstat(file.fileno()).st_size == len(packed)
