"""A CA and a certificate for our Service, made while we run and renewed long before they end.

The CA's key signs one certificate and is gone: nothing has to be kept secret but what this process holds in a folder of
its own. Clients learn of the CA through the objects by which Kubernetes knows the Service: APIServices, webhooks.
"""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from leadline.whole_file import write_whole

LIFE = timedelta(days=90)
RENEWED_PART = 3
"""It is renewed when one part of so many is left of its life."""
SETTLED = timedelta(seconds=5)
"""So long a new CA has to be trusted before its certificate is shown: API servers learn of it one after the other."""
EARLIER = timedelta(hours=1)
"""Clocks of other machines may be behind ours."""
MOST_CAS = 10
"""Of ours in one bundle: more than there are replicas. One whose CA was pushed out puts it back."""


class OwnCertificate:
    """``certificate`` and ``key`` are files in ``folder``; ``ca`` is the PEM that verifies them."""

    def __init__(
        self, folder: Path, host: str, program: str, now: datetime | None = None, life: timedelta = LIFE
    ) -> None:
        """``program`` is in the names of both certificates: ``leadline-apiserver``."""
        self.certificate = folder / "tls.crt"
        self.key = folder / "tls.key"
        self._host = host
        self._program = program
        self._life = life
        self._next: tuple[bytes, bytes, datetime] | None = None
        """Key and certificate that are not shown yet, and when the latter ends."""
        self._trusted_since: datetime | None = None
        self._prepare(now or datetime.now(UTC))
        self._take()

    @property
    def is_turning(self) -> bool:
        """Whether ``ca`` is not yet that of what is shown."""
        return self._next is not None

    def turn(self, now: datetime, *, is_trusted: bool) -> bool:
        """Renews, in two steps, and says whether there is something else to be shown now.

        When it is due ``ca`` becomes a new one. The certificate follows once that one ``is_trusted``, and has been for
        a while, or there is nothing left to lose. Raises: ``OSError``.
        """
        if self._next is None:
            if now >= self.ends - self._life / RENEWED_PART:
                self._prepare(now)
            return False
        self._trusted_since = (self._trusted_since or now) if is_trusted else None
        is_known = self._trusted_since is not None and now - self._trusted_since >= SETTLED
        if not is_known and now < self.ends:
            return False
        self._take()
        return True

    def _prepare(self, now: datetime) -> None:
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = _ca(ca_key, f"{self._program}-ca", now, self._life)
        certificate = _certificate(ca, ca_key, key.public_key(), (self._program, self._host))
        self.ca = ca.public_bytes(serialization.Encoding.PEM).decode("ascii")
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._next = private, certificate.public_bytes(serialization.Encoding.PEM), now + self._life
        self._trusted_since = None

    def _take(self) -> None:
        """Both are replaced by renaming; a reader between the two is refused by OpenSSL and comes again."""
        if self._next is None:
            return
        private, certificate, ends = self._next
        for path, content in ((self.key, private), (self.certificate, certificate)):
            write_whole(path, content, 0o600)
        self.ends = ends
        self._next = None


def trusting(bundle: bytes, ca: str, now: datetime) -> bytes:
    """``bundle`` (PEM) with ``ca`` in it, and without those of ours that have ended or are too many.

    Other replicas have CAs of their own, and what someone else has put there stays.
    """
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        found = []
    mine = x509.load_pem_x509_certificate(ca.encode("ascii"))
    others = [c for c in found if c.subject == mine.subject and c != mine and c.not_valid_after_utc > now]

    def by_age(certificate: x509.Certificate) -> tuple[datetime, int]:
        return certificate.not_valid_before_utc, certificate.serial_number

    # In one order, whichever replica writes: each would put the bundle into its own otherwise, without an end.
    ours = sorted([*sorted(others, key=by_age)[-(MOST_CAS - 1) :], mine], key=by_age)
    foreign = [c for c in found if c.subject != mine.subject]
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (*foreign, *ours))


def trusting_text(written: object, ca: str) -> str:
    """``trusting`` of a ``caBundle`` as objects of Kubernetes hold it, base64: the very text where nothing is another."""
    text = written if isinstance(written, str) else ""
    try:
        bundle = base64.b64decode(text)
    except ValueError:
        bundle = b""
    wanted = trusting(bundle, ca, datetime.now(UTC))
    return text if wanted == bundle else base64.b64encode(wanted).decode()


def _ca(
    key: ec.EllipticCurvePrivateKey, common_name: str, now: datetime, life: timedelta
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    names: tuple[str, str],
) -> x509.Certificate:
    """``names``: of the program, and of the host that it is reached as."""
    program, host = names
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        x509.CertificateBuilder()
        # A common name has at most 64 characters, a host's name more.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, program)]))
        .issuer_name(ca.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ca.not_valid_before_utc)
        .not_valid_after(ca.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
