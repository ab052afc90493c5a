"""cosign's older form: the certificate and the log's promise are in annotations beside the signature.

The promise (a signed entry timestamp) says that the log took the signature, and when; the library asks for a proof of that
as well, which this form has none of. So the steps are taken here one by one, with the library's keys and CAs: the promise is
the log's, the log's entry is about this signature, the certificate was valid then, was issued by a CA that is trusted, and
is in a log of certificates.

Source: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md, https://docs.sigstore.dev/logging/overview/
"""

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from leadline.signatures.keys import PublicKey, is_signed
from leadline.signatures.payload import SIMPLE_SIGNING, NotUsableError, decoded, read_envelope
from leadline.signatures.trust import CERTIFICATE, SIGNATURE, Blob
from leadline.sources.keyless.library import library, trusted_root_of

PROMISE = "dev.sigstore.cosign/bundle"


def check_annotations(blob: Blob, trusted_root: str) -> tuple[Any, bytes, int]:
    """The certificate, what is signed, and when, in seconds.

    Raises: ``NotUsableError``, or an error of the library.
    """
    certificate = x509.load_pem_x509_certificate(blob.annotations[CERTIFICATE].encode())
    log = json.loads(blob.annotations[PROMISE])
    entry, at = log["Payload"], int(log["Payload"]["integratedTime"])
    body = json.loads(base64.b64decode(entry["body"]))
    key = certificate.public_key()
    if not isinstance(key, PublicKey):
        raise NotUsableError("its certificate is for a key that is not taken")
    if blob.media_type == SIMPLE_SIGNING:
        signature = decoded(blob.annotations.get(SIGNATURE, ""), "its signature")
        content = blob.content
        _check_entry(body, signature, content, certificate)
        is_good = is_signed(key, signature, content)
    else:
        envelope = read_envelope(blob.content)
        content = envelope.content()
        _check_envelope_entry(body, content, certificate)
        is_good = any(is_signed(key, one, envelope.signed()) for one in envelope.raw_signatures())
    if not is_good:
        raise NotUsableError("its signature is not that of its certificate")
    _check_promise(entry, log["SignedEntryTimestamp"], trusted_root)
    _check_certificate(certificate, datetime.fromtimestamp(at, UTC), trusted_root)
    return certificate, content, at


def _check_entry(body: dict[str, Any], signature: bytes, content: bytes, certificate: Any) -> None:
    """That the log's entry is about this signature, of this payload, by this certificate."""
    spec = body["spec"]
    if body["kind"] != "hashedrekord":
        raise NotUsableError("the log's entry is of another kind")
    if spec["data"]["hash"] != {"algorithm": "sha256", "value": sha256(content).hexdigest()}:
        raise NotUsableError("the log's entry is about another payload")
    if base64.b64decode(spec["signature"]["content"]) != signature:
        raise NotUsableError("the log's entry is about another signature")
    _check_same(spec["signature"]["publicKey"]["content"], certificate)


def _check_envelope_entry(body: dict[str, Any], content: bytes, certificate: Any) -> None:
    """Of an attestation: an entry of kind ``dsse``, or of the older ``intoto``."""
    spec, digest = body["spec"], sha256(content).hexdigest()
    if body["kind"] == "dsse":
        hashed, made_by = spec["payloadHash"], [one["verifier"] for one in spec["signatures"]]
    elif body["kind"] == "intoto":
        hashed = spec["content"]["payloadHash"]
        made_by = [spec["publicKey"]] if "publicKey" in spec else []
        made_by += [one["publicKey"] for one in spec["content"].get("envelope", {}).get("signatures", [])]
    else:
        raise NotUsableError("the log's entry is of another kind")
    if hashed != {"algorithm": "sha256", "value": digest}:
        raise NotUsableError("the log's entry is about another statement")
    _check_same(made_by[0], certificate)


def _check_same(written: str, certificate: Any) -> None:
    in_log = x509.load_pem_x509_certificate(base64.b64decode(written))
    if in_log.public_bytes(Encoding.DER) != certificate.public_bytes(Encoding.DER):
        raise NotUsableError("the log's entry is about another certificate")


def _check_promise(entry: dict[str, Any], promise: str, trusted_root: str) -> None:
    names = library()
    signed = {
        "body": str(entry["body"]),
        "integratedTime": int(entry["integratedTime"]),
        "logID": str(entry["logID"]),
        "logIndex": int(entry["logIndex"]),
    }
    content = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    keys = trusted_root_of(trusted_root).rekor_keyring(names.purpose)
    log = bytes.fromhex(str(entry["logID"]))
    keys.verify(key_id=log, signature=base64.b64decode(promise), data=content)


def _check_certificate(certificate: x509.Certificate, at: datetime, trusted_root: str) -> None:
    names, root = library(), trusted_root_of(trusted_root)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if not usage.digital_signature or ExtendedKeyUsageOID.CODE_SIGNING not in extended:
        raise NotUsableError("its certificate is not for signing code")
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise NotUsableError("its certificate was not valid when the log took it")
    issuer = next((ca for ca in root.get_fulcio_certs() if _issued(ca, certificate, at)), None)
    if issuer is None:
        raise NotUsableError("its certificate is of a CA that is not trusted")
    names.verify_sct(certificate, [issuer], root.ct_keyring(names.purpose))


def _issued(ca: x509.Certificate, certificate: x509.Certificate, at: datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
        is_ca = ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return is_ca and ca.not_valid_before_utc <= at <= ca.not_valid_after_utc
