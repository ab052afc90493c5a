"""``leadline db publish`` and ``leadline db update``: from one machine's database to another's."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from file_server import FileServer, serving_files
from leadline.model.vulnerability import FeedDate
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = pytest.mark.usefixtures("own_image_place")


@pytest.fixture
def published(tmp_path: Path, run) -> Path:
    build_of(
        tmp_path / "made.db",
        {"debian": [advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2"), FeedDate("2026-06-30")]},
    )
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "public.pem").write_bytes(public)
    code, out, err = run("db", "publish", "www", "--db", "made.db", "--key", "private.pem")
    assert (code, out) == (0, "")
    assert err.startswith("published: www/leadline-vulnerabilities-")
    assert err.endswith(" MB, signed\n")
    return tmp_path / "www"


def test_what_is_published_is_installed_and_then_current(run, published: Path, tmp_path: Path):
    with serving_files(FileServer(published)) as server:
        first = run("db", "update", server.address, "--key", "public.pem", "-o", "v.db")
        again = run("db", "update", server.address, "--key", "public.pem", "-o", "v.db")
    assert first == (0, "", "installed: v.db, built 2026-06-30T12:00:00Z\n")
    assert again == (0, "", "current already: v.db, built 2026-06-30T12:00:00Z\n")
    assert (tmp_path / "v.db").read_bytes() == (tmp_path / "made.db").read_bytes()
    code, out, err = run("db", "status", "--db", "v.db")
    assert (code, err) == (0, "")
    assert "1 feed, 1 record" in out


def test_without_a_key_it_has_to_be_allowed(run, published: Path):
    with serving_files(FileServer(published)) as server:
        code, out, err = run("db", "update", server.address, "-o", "v.db")
        assert (code, out) == (3, "")
        assert "no key is known to check its signature; name the publisher's public key" in err
        code, out, err = run("db", "update", server.address, "-o", "v.db", "--allow-unsigned")
    assert (code, err) == (0, "installed: v.db, built 2026-06-30T12:00:00Z, not signed\n")


def test_a_database_of_another_version_is_not_installed(run, published: Path, tmp_path: Path):
    other = bytearray((tmp_path / "made.db").read_bytes())
    other[60:64] = (99).to_bytes(4, "big")
    (tmp_path / "other.db").write_bytes(bytes(other))
    code, _, err = run("db", "publish", "www", "--db", "other.db")
    assert code == 3
    assert "newer version" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("update", "v.db"), "not the address of a database"),
        (("update", "http://127.0.0.1:1/", "--allow-unsigned"), "cannot reach 127.0.0.1:1"),
        (("update", "https://example.org/", "--key", "none.pem"), "cannot read none.pem"),
        (("publish", "www", "--db", "none.db"), "vulnerability database not found"),
        (("publish", "www", "--db", "made.db", "--expires", "soon"), "a time that cannot be read"),
        (("publish", "www", "--db", "made.db", "--key", "public.pem"), "not a readable private key"),
    ],
)
def test_what_cannot_be_done_is_said(run, published: Path, arguments: tuple[str, ...], words: str):
    code, out, err = run("db", *arguments)
    assert code in (2, 3)
    assert out == ""
    assert words in err


@pytest.mark.parametrize(
    "words",
    [
        ("update", "http://localhost:1/db/", "-o", "v.db"),
        ("update", "oci://localhost:1/db:1", "-o", "v.db"),
        ("fetch", "--from", "https://localhost:1/v6/latest.json", "-o", "v.db"),
        ("fetch", "--from", "https://localhost:1/v6/latest.json", "--download-only", "v.tar.zst"),
    ],
)
def test_where_no_one_answers_nothing_is_said_about_images(run, words: tuple[str, ...]):
    code, out, err = run("db", *words, "--allow-unsigned")
    assert (code, out) == (3, "")
    assert err == (
        "leadline: cannot reach localhost:1: connection refused; "
        "leadline db import takes a file that was fetched elsewhere\n"
    )
