"""What is attached to an image, checked against those whom a policy allows to sign it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from leadline.model.signature import Attached, AttachmentKind, ImageTrust, Signer
from leadline.signatures.keys import PublicKey, is_signed
from leadline.signatures.payload import (
    BUNDLE,
    DSSE,
    SIGNATURE_PREDICATES,
    SIMPLE_SIGNING,
    Envelope,
    NotUsableError,
    decoded,
    in_toto,
    read_bundle,
    read_envelope,
    read_statement,
    signed_digest,
)
from leadline.signatures.policy import Allowed, Rule, matches, predicates_of, short_name

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"


class Blob(Struct, frozen=True):
    """One layer of what is attached."""

    where: str
    media_type: str
    annotations: Mapping[str, str]
    content: bytes


class KeylessSigned(Struct, frozen=True):
    """What a keyless signature proved to be."""

    identities: tuple[str, ...]
    issuer: str
    content: bytes
    """What is signed: the payload, or the envelope's statement."""
    is_statement: bool
    signed_at: str = ""


Keyless = Callable[[Blob], KeylessSigned]
"""Checks a keyless signature. Raises: ``NotUsableError``."""


class Keys(Struct, frozen=True):
    """The public keys of a rule, by the signers that have them."""

    by_signer: tuple[tuple[Allowed, PublicKey], ...]

    def signer_of(self, signatures: Sequence[bytes], content: bytes) -> Signer | None:
        for allowed, key in self.by_signer:
            if any(is_signed(key, signature, content) for signature in signatures):
                return Signer("key", allowed.name or allowed.key[:200])
        return None


def trust_of(
    name: str, digest: str, rule: Rule, blobs: Iterable[Blob], checks: tuple[Keys, Keyless]
) -> ImageTrust:
    """What the rule makes of an image with that attached."""
    attached = tuple(_checked(blob, digest, rule, checks) for blob in blobs)
    title = ", ".join(rule.images)
    signed = [one for one in attached if one.signer is not None and one.kind == "signature"]
    missing = [
        wanted
        for wanted in rule.attestations
        if not any(one.signer and one.predicate in predicates_of(wanted) for one in attached)
    ]
    if not signed:
        why = _why_not(attached)
        return ImageTrust(name, digest, "not trusted", why, title, attached)
    if missing:
        why = f"not attested by a signer that the policy allows: {', '.join(missing)}"
        return ImageTrust(name, digest, "not trusted", why, title, attached)
    first = signed[0].signer
    by = f"signed by {first.name}{f' ({first.issuer})' if first.issuer else ''}" if first else ""
    attested = [short_name(one.predicate) for one in attached if one.signer and one.kind == "attestation"]
    beside = f"; attested: {', '.join(dict.fromkeys(attested))}" if attested else ""
    return ImageTrust(name, digest, "trusted", by + beside, title, attached)


def _why_not(attached: Sequence[Attached]) -> str:
    signatures = [one for one in attached if one.kind == "signature"] or [one for one in attached if one.why]
    if not signatures:
        return "it has no signature"
    reasons = list(dict.fromkeys(one.why for one in signatures))
    if len(signatures) == 1:
        return reasons[0]
    return f"none of its {len(signatures)} signatures counts: {'; '.join(reasons[:3])}"


def _checked(blob: Blob, digest: str, rule: Rule, checks: tuple[Keys, Keyless]) -> Attached:
    try:
        return _attached(blob, digest, rule, checks)
    except NotUsableError as error:
        kind: AttachmentKind = "signature" if blob.media_type == SIMPLE_SIGNING else "attestation"
        return Attached(kind, blob.where, why=str(error))


def _attached(blob: Blob, digest: str, rule: Rule, checks: tuple[Keys, Keyless]) -> Attached:
    keys, keyless = checks
    if CERTIFICATE in blob.annotations:
        return _by_identity(blob, digest, rule, keyless)
    if blob.media_type.startswith(BUNDLE):
        bundle = read_bundle(blob.content)
        if bundle.is_keyless:
            return _by_identity(blob, digest, rule, keyless)
        if bundle.dsse_envelope is None:
            raise NotUsableError("its bundle signs no statement")
        return _by_key(blob, digest, in_toto(bundle.dsse_envelope), keys)
    if blob.media_type == SIMPLE_SIGNING:
        if signed_digest(blob.content) != digest:
            raise NotUsableError("it is about another image")
        signature = decoded(blob.annotations.get(SIGNATURE, ""), "its signature")
        signer = keys.signer_of((signature,), blob.content)
        why = "" if signer else "no key of the policy made it"
        return Attached("signature", blob.where, signer=signer, why=why)
    if blob.media_type == DSSE:
        return _by_key(blob, digest, read_envelope(blob.content), keys)
    raise NotUsableError(f"{blob.media_type[:100] or 'it'} is not understood")


def _by_key(blob: Blob, digest: str, envelope: Envelope, keys: Keys) -> Attached:
    statement = read_statement(envelope.content())
    if not statement.is_about(digest):
        raise NotUsableError("it is about another image")
    signer = keys.signer_of(envelope.raw_signatures(), envelope.signed())
    return _stated(blob, statement.predicate_type, signer, envelope.content())


def _by_identity(blob: Blob, digest: str, rule: Rule, keyless: Keyless) -> Attached:
    found = keyless(blob)
    signer = _allowed(found, rule)
    names = ", ".join(found.identities)
    why = f"signed by {names} ({found.issuer}), whom the policy does not allow" if signer is None else ""
    if not found.is_statement:
        if signed_digest(found.content) != digest:
            raise NotUsableError("it is about another image")
        return Attached("signature", blob.where, signer=signer, why=why, signed_at=found.signed_at)
    statement = read_statement(found.content)
    if not statement.is_about(digest):
        raise NotUsableError("it is about another image")
    return _stated(blob, statement.predicate_type, signer, found.content, why, found.signed_at)


def _stated(blob: Blob, predicate: str, signer: Signer | None, content: bytes, *beside: str) -> Attached:
    why, signed_at = (*beside, "", "")[:2]
    if signer is None and not why:
        why = "no key of the policy made it"
    kept = content if signer is not None else b""
    if predicate in SIGNATURE_PREDICATES:
        return Attached("signature", blob.where, signer=signer, why=why, signed_at=signed_at)
    return Attached("attestation", blob.where, predicate, signer, why, signed_at, kept)


def _allowed(found: KeylessSigned, rule: Rule) -> Signer | None:
    for allowed in rule.signers:
        for identity in found.identities:
            if (
                allowed.identity
                and matches(allowed.identity, identity)
                and matches(allowed.issuer, found.issuer)
            ):
                return Signer("identity", identity, found.issuer)
    return None


def statements_of(trust: ImageTrust, name: str) -> list[bytes]:
    """The predicates, as JSON, of every attestation of that kind that counts."""
    from msgspec import json

    found = []
    for one in trust.attached:
        if one.signer is not None and one.predicate in predicates_of(name):
            with suppress(NotUsableError):
                found.append(json.encode(read_statement(one.statement).predicate))
    return found
