"""The certificate that the server makes for itself, and the bundle by which clients know it."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certificates import Authority
from cryptography import x509

from leadline.programs.serving.own_certificate import LIFE, MOST_CAS, OwnCertificate, trusting

NOW = datetime.now(UTC)
HOST = f"leadline.{'n' * 63}.svc"


def subjects(bundle: bytes) -> list[str]:
    return [c.subject.rfc4514_string() for c in x509.load_pem_x509_certificates(bundle)]


def test_it_is_valid_for_the_service_by_the_ca(tmp_path: Path):
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver")
    context = ssl.create_default_context(cadata=own.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own.certificate, own.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_client, to_server, server_hostname=HOST)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (ours, theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert ours.getpeercert()


def test_only_we_can_read_the_key(tmp_path: Path):
    assert OwnCertificate(tmp_path, HOST, "leadline-apiserver").key.stat().st_mode & 0o077 == 0


def test_it_is_renewed_well_before_it_ends(tmp_path: Path):
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW)
    first = own.ca
    assert not own.is_due(NOW + LIFE / 2)
    later = NOW + LIFE - timedelta(days=20)
    assert own.is_due(later)
    own.renew(later)
    assert own.ca != first
    assert not own.is_due(later)


def test_what_others_put_into_the_bundle_stays(tmp_path: Path):
    foreign = Authority(tmp_path, "someone-else").file.read_bytes()
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW)
    assert subjects(trusting(foreign, own.ca, NOW)) == ["CN=someone-else", "CN=leadline-apiserver-ca"]
    assert subjects(trusting(b"no certificate", own.ca, NOW)) == ["CN=leadline-apiserver-ca"]


def test_replicas_agree_on_one_bundle(tmp_path: Path):
    cas = [
        OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW + timedelta(hours=i)).ca for i in range(3)
    ]
    now = NOW + timedelta(hours=4)
    bundle = b""
    for ca in cas:
        bundle = trusting(bundle, ca, now)
    assert len(subjects(bundle)) == 3
    assert {trusting(bundle, ca, now) for ca in cas} == {bundle}


def test_cas_that_have_ended_or_are_too_many_go(tmp_path: Path):
    old = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW - LIFE).ca
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW)
    assert trusting(old.encode(), own.ca, NOW) == own.ca.encode()
    many = b"".join(
        OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW + timedelta(minutes=i)).ca.encode()
        for i in range(12)
    )
    kept = trusting(many, own.ca, NOW)
    assert len(subjects(kept)) == MOST_CAS
    assert own.ca.encode() in kept
