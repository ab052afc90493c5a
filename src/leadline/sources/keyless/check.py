"""What a keyless signature proves, in its newer form (a bundle) or its older (annotations)."""

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from leadline.signatures.payload import IN_TOTO, SIMPLE_SIGNING, NotUsableError
from leadline.signatures.trust import CERTIFICATE, Blob, KeylessSigned
from leadline.sources.keyless.annotations import check_annotations
from leadline.sources.keyless.library import AnyIdentity, library, trusted_root_of

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_DER_LONG = 0x80
_ODD = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    RecursionError,
    OverflowError,
    InvalidSignature,
    x509.ExtensionNotFound,
)
"""What parsers raise about bytes that are not a bundle."""


def check_keyless(blob: Blob, trusted_root: str) -> KeylessSigned:
    """Who signed what; ``trusted_root`` is a file, empty for sigstore's public CAs and logs.

    Raises:
        NotUsableError: it proves nothing.
        UsageError: the library is not installed, or the file makes no sense.
    """
    names = library()
    try:
        if CERTIFICATE in blob.annotations:
            certificate, content, at = check_annotations(blob, trusted_root)
            is_statement = blob.media_type != SIMPLE_SIGNING
        else:
            certificate, content, at = _bundle(blob, trusted_root)
            is_statement = True
        identities, issuer = _identity(certificate)
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
    except NotUsableError:
        raise
    except names.Error as error:
        raise NotUsableError(
            f"its keyless signature does not hold: {' '.join(str(error).split())[:200]}"
        ) from error
    except _ODD as error:
        raise NotUsableError("its keyless signature cannot be read") from error
    return KeylessSigned(identities, issuer, content, is_statement, moment)


def _bundle(blob: Blob, trusted_root: str) -> tuple[Any, bytes, int]:
    names = library()
    bundle = names.Bundle.from_json(blob.content)
    verifier = names.Verifier(trusted_root=trusted_root_of(trusted_root))
    kind, content = verifier.verify_dsse(bundle, AnyIdentity())
    if kind != IN_TOTO:
        raise NotUsableError("its envelope holds no in-toto statement")
    return bundle.signing_certificate, content, int(bundle.log_entry._inner.integrated_time or 0)


def _identity(certificate: x509.Certificate) -> tuple[tuple[str, ...], str]:
    """Mail addresses and URIs of the certificate, and who vouched for them."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    identities = (
        *names.get_values_for_type(x509.RFC822Name),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
    )
    for oid in (_ISSUER, _OLD_ISSUER):
        try:
            value = certificate.extensions.get_extension_for_oid(oid).value.public_bytes()
        except x509.ExtensionNotFound:
            continue
        return identities, _text(value) if oid == _ISSUER else value.decode("utf-8", "replace")
    return identities, ""


def _text(value: bytes) -> str:
    """A UTF8String in DER."""
    start = 2 if value[1] < _DER_LONG else 2 + (value[1] & ~_DER_LONG)
    return value[start:].decode("utf-8", "replace")
