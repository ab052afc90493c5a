import base64

from leadline.model.package import Digest
from leadline.sbom.identity.address import public_address
from leadline.sbom.parsers.checksum import hexadecimal, in_base64, subresource_integrity

SHA1 = bytes(range(20))


def test_checksum_is_kept_where_its_length_and_letters_fit() -> None:
    assert hexadecimal("sha1", f" {SHA1.hex().upper()} ") == (Digest("sha1", SHA1.hex()),)
    assert hexadecimal("sha1", SHA1.hex()[1:]) == ()
    assert hexadecimal("sha1", "g" * 40) == ()
    assert hexadecimal("crc", SHA1.hex()) == ()


def test_base64_becomes_hexadecimal() -> None:
    assert in_base64("sha1", base64.b64encode(SHA1).decode()) == (Digest("sha1", SHA1.hex()),)
    assert in_base64("sha1", "é") == ()
    assert in_base64("sha1", "") == ()


def test_integrity_may_hold_several_checksums_and_odd_ones_are_left_out() -> None:
    written = f"sha1-{base64.b64encode(SHA1).decode()} md9-AAAA sha512-short  SHA1-{base64.b64encode(SHA1).decode()}"
    assert subresource_integrity(written) == (Digest("sha1", SHA1.hex()),) * 2


def test_address_is_shown_without_account_and_query() -> None:
    assert (
        public_address("git+https://ann:token@git.example/a.git?key=token") == "git+https://git.example/a.git"
    )
    assert public_address("ssh://git@git.example/a.git") == "ssh://git.example/a.git"
    assert public_address("git@git.example:a/b.git") == "git@git.example:a/b.git"
