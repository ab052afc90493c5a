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


def test_it_is_renewed_well_before_it_ends_and_shown_once_its_ca_is_trusted(tmp_path: Path):
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW)
    ca, shown = own.ca, own.certificate.read_bytes()
    assert not own.turn(NOW + LIFE / 2, is_trusted=True)
    assert (own.ca, own.is_turning) == (ca, False)
    later = NOW + LIFE - timedelta(days=20)
    assert not own.turn(later, is_trusted=True)
    # The new CA is to be trusted first; what is shown is still of the old one.
    assert (own.ca == ca, own.is_turning, own.certificate.read_bytes()) == (False, True, shown)
    steps = [(1, False), (2, True), (4, True), (5, False), (9, True), (13, True)]
    assert not any(own.turn(later + timedelta(seconds=at), is_trusted=so) for at, so in steps)
    assert own.turn(later + timedelta(seconds=15), is_trusted=True)
    assert own.certificate.read_bytes() != shown
    assert own.ends == later + LIFE
    assert not own.is_turning


def test_where_no_one_can_be_told_of_the_new_ca_it_is_shown_at_the_end(tmp_path: Path):
    own = OwnCertificate(tmp_path, HOST, "leadline-apiserver", NOW, timedelta(hours=1))
    assert not own.turn(NOW + timedelta(minutes=41), is_trusted=False)
    assert own.is_turning
    assert not own.turn(NOW + timedelta(minutes=59), is_trusted=False)
    assert own.turn(NOW + timedelta(minutes=60), is_trusted=False)


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
