"""What is signed, as bytes that may hold anything: cosign's payload, DSSE envelopes with in-toto statements, bundles.

Sources: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md,
https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, https://github.com/in-toto/attestation/tree/main/spec
"""

import base64
import binascii
from typing import Any, TypeVar

from msgspec import DecodeError, Struct, ValidationError, field, json

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle"
SIGNATURE_PREDICATES = frozenset(
    ("https://sigstore.dev/cosign/sign/v1", "https://cosign.sigstore.dev/attestation/sign/v1")
)
"""What bundles say where they sign the image and attest nothing."""
T = TypeVar("T")
MOST_SIGNATURES = 20
MOST_SUBJECTS = 1_000
_TYPES = ("cosign container image signature", "atomic container signature", "")


class NotUsableError(ValueError):
    """It is another document, or about something else; the text says why."""


class _Identity(Struct, frozen=True):
    reference: str = field(name="docker-reference", default="")


class _Image(Struct, frozen=True):
    digest: str = field(name="docker-manifest-digest", default="")


class _Critical(Struct, frozen=True):
    image: _Image
    type: str = ""
    identity: _Identity = _Identity()


class _Payload(Struct, frozen=True):
    critical: _Critical


class _EnvelopeSignature(Struct, frozen=True):
    sig: str = ""
    keyid: str = ""


class Envelope(Struct, frozen=True):
    """DSSE: a payload, and signatures over it with its type."""

    payload: str
    payload_type: str = field(name="payloadType")
    signatures: list[_EnvelopeSignature] = []

    def content(self) -> bytes:
        """Raises: ``NotUsableError``."""
        return decoded(self.payload, "the envelope's payload")

    def signed(self) -> bytes:
        """The bytes that are signed."""
        content = self.content()
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(content), content)

    def raw_signatures(self) -> list[bytes]:
        return [decoded(one.sig, "a signature") for one in self.signatures[:MOST_SIGNATURES]]


class _Subject(Struct, frozen=True):
    digest: dict[str, Any] = {}
    name: str = ""


class Statement(Struct, frozen=True):
    """In-toto: a predicate about subjects."""

    predicate_type: str = field(name="predicateType", default="")
    subject: list[_Subject] = []
    predicate: Any = None

    def is_about(self, digest: str) -> bool:
        algorithm, _, value = digest.partition(":")
        return bool(value) and any(one.digest.get(algorithm) == value for one in self.subject[:MOST_SUBJECTS])


class _Material(Struct, frozen=True, rename="camel"):
    certificate: Any = None
    x509_certificate_chain: Any = field(name="x509CertificateChain", default=None)


class Bundle(Struct, frozen=True, rename="camel"):
    """What sigstore's clients keep together: a signature, and by what it is checked."""

    verification_material: _Material
    dsse_envelope: Envelope | None = None

    @property
    def is_keyless(self) -> bool:
        material = self.verification_material
        return material.certificate is not None or material.x509_certificate_chain is not None


def read_bundle(content: bytes) -> Bundle:
    """Raises: ``NotUsableError``."""
    return _read(content, Bundle, "a bundle")


def signed_digest(content: bytes) -> str:
    """The digest of the manifest that cosign's payload speaks of.

    Raises: ``NotUsableError``.
    """
    payload = _read(content, _Payload, "cosign's payload")
    if payload.critical.type not in _TYPES:
        raise NotUsableError("its payload is of another type")
    return payload.critical.image.digest


def read_envelope(content: bytes) -> Envelope:
    """Raises: ``NotUsableError``."""
    return in_toto(_read(content, Envelope, "an envelope"))


def in_toto(envelope: Envelope) -> Envelope:
    """The envelope itself. Raises: ``NotUsableError``."""
    if envelope.payload_type != IN_TOTO:
        raise NotUsableError("its envelope holds no in-toto statement")
    return envelope


def read_statement(content: bytes) -> Statement:
    """Raises: ``NotUsableError``."""
    return _read(content, Statement, "an in-toto statement")


def decoded(text: str, what: str) -> bytes:
    """Base64. Raises: ``NotUsableError``."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotUsableError(f"{what} is not in base64") from error


def _read(content: bytes, type: type[T], what: str) -> T:
    try:
        return json.decode(content, type=type)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise NotUsableError(f"it is not {what}") from error
