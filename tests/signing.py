"""Signs images as cosign does, by key and keyless, with keys, CAs and logs that tests make. Written from the specifications."""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
AT = datetime(2026, 6, 1, tzinfo=UTC)
Layer = tuple[str, bytes, dict[str, str]]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def payload(digest: str) -> bytes:
    return json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": ""},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    ).encode()


def signature(key: ec.EllipticCurvePrivateKey, digest: str) -> Layer:
    content = payload(digest)
    return SIMPLE, content, {"dev.cosignproject.cosign/signature": b64(sign(key, content))}


def statement(digest: str, predicate: str, said: object) -> bytes:
    algorithm, _, value = digest.partition(":")
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": predicate,
            "subject": [{"name": "image", "digest": {algorithm: value}}],
            "predicate": said,
        }
    ).encode()


def envelope(key: ec.EllipticCurvePrivateKey, content: bytes) -> dict[str, object]:
    kind = "application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(content), content)
    return {
        "payload": b64(content),
        "payloadType": kind,
        "signatures": [{"sig": b64(sign(key, signed)), "keyid": ""}],
    }


def attestation(key: ec.EllipticCurvePrivateKey, digest: str, predicate: str, said: object) -> Layer:
    content = json.dumps(envelope(key, statement(digest, predicate, said))).encode()
    return DSSE, content, {"predicateType": predicate, "dev.cosignproject.cosign/signature": ""}


@dataclass
class Sigstore:
    """A CA for identities, a log of certificates and a log of signatures: what a trusted root names."""

    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self.ca = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.ca_key.public_key())
            .serial_number(1)
            .not_valid_before(AT - timedelta(days=365))
            .not_valid_after(AT + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.ca_key.public_key()), critical=False
            )
            .sign(self.ca_key, hashes.SHA256())
        )

    def trusted_root(self) -> str:
        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, object]:
            return {
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(der(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2020-01-01T00:00:00Z"},
                },
                "logId": {"keyId": b64(hashlib.sha256(der(key)).digest())},
            }

        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.log_key)],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "test", "commonName": "test CA"},
                        "uri": "https://ca.example",
                        "certChain": {
                            "certificates": [{"rawBytes": b64(self.ca.public_bytes(Encoding.DER))}]
                        },
                        "validFor": {"start": "2020-01-01T00:00:00Z"},
                    }
                ],
                "ctlogs": [log(self.ct_key)],
                "timestampAuthorities": [],
            }
        )

    def certificate(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        """With the promise of the log of certificates in it."""
        issuer_value = b"\x0c" + bytes([len(issuer)]) + issuer.encode()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(AT - timedelta(minutes=5))
            .not_valid_after(AT + timedelta(minutes=5))
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key()), critical=False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True
            )
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), issuer_value),
                critical=False,
            )
        )
        before = builder.sign(self.ca_key, hashes.SHA256())
        promise = self._promise(before.tbs_certificate_bytes)
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
        value = b"\x04" + bytes([0x81, len(promise)] if len(promise) > 127 else [len(promise)]) + promise
        return builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False).sign(
            self.ca_key, hashes.SHA256()
        )

    def _promise(self, tbs: bytes) -> bytes:
        """RFC 6962, sections 3.2 and 3.3."""
        at = struct.pack(">Q", int(AT.timestamp() * 1000))
        issuer = hashlib.sha256(der(self.ca_key)).digest()
        signed = b"\0\0" + at + b"\0\1" + issuer + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
        made = sign(self.ct_key, signed)
        one = b"\0" + hashlib.sha256(der(self.ct_key)).digest() + at + b"\0\0" + b"\4\3"
        one += struct.pack(">H", len(made)) + made
        return struct.pack(">H", len(one) + 2) + struct.pack(">H", len(one)) + one

    def logged(self, body: dict[str, object], at: datetime = AT) -> tuple[dict[str, object], str]:
        """What the log of signatures says about an entry, and its promise."""
        written = {
            "body": b64(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()),
            "integratedTime": int(at.timestamp()),
            "logID": hashlib.sha256(der(self.log_key)).hexdigest(),
            "logIndex": 5,
        }
        canonical = json.dumps(written, sort_keys=True, separators=(",", ":")).encode()
        return written, b64(sign(self.log_key, canonical))

    def proof(self, body: bytes) -> dict[str, object]:
        """That the log, of this one entry, holds it: the log's signed head (RFC 6962, section 2.1; signed note)."""
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.example\n1\n{b64(root)}\n"
        made = hashlib.sha256(der(self.log_key)).digest()[:4] + sign(self.log_key, note.encode())
        return {
            "logIndex": "0",
            "rootHash": b64(root),
            "treeSize": "1",
            "hashes": [],
            "checkpoint": {"envelope": f"{note}\n\u2014 log.example {b64(made)}\n"},
        }

    def annotated(self, digest: str, identity: str, issuer: str, at: datetime = AT) -> Layer:
        """cosign's older form: everything in annotations."""
        key = new_key()
        certificate = self.certificate(key, identity, issuer).public_bytes(Encoding.PEM)
        content = payload(digest)
        made = sign(key, content)
        body: dict[str, object] = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}},
                "signature": {"content": b64(made), "publicKey": {"content": b64(certificate)}},
            },
        }
        log, promise = self.logged(body, at)
        return (
            SIMPLE,
            content,
            {
                "dev.cosignproject.cosign/signature": b64(made),
                "dev.sigstore.cosign/certificate": certificate.decode(),
                "dev.sigstore.cosign/bundle": json.dumps({"SignedEntryTimestamp": promise, "Payload": log}),
            },
        )

    def annotated_attestation(self, digest: str, identity: str, issuer: str, kind: str) -> Layer:
        """The same about a statement; ``kind`` of the log's entry: ``dsse``, or ``intoto`` as clients wrote it before."""
        key = new_key()
        certificate = self.certificate(key, identity, issuer).public_bytes(Encoding.PEM)
        signed = envelope(key, statement(digest, "https://slsa.dev/provenance/v1", {}))
        hashed = {
            "algorithm": "sha256",
            "value": hashlib.sha256(base64.b64decode(str(signed["payload"]))).hexdigest(),
        }
        made = signed["signatures"][0]["sig"]  # type: ignore[index]
        by = [{"signature": made, "verifier": b64(certificate)}]
        inner = {"signatures": [{"publicKey": b64(certificate), "sig": b64(made.encode())}]}
        spec: dict[str, object] = (
            {"payloadHash": hashed, "signatures": by}
            if kind == "dsse"
            else {"content": {"envelope": inner, "payloadHash": hashed}}
        )
        log, promise = self.logged({"apiVersion": "0.0.2", "kind": kind, "spec": spec})
        return (
            DSSE,
            json.dumps(signed).encode(),
            {
                "dev.cosignproject.cosign/signature": "",
                "dev.sigstore.cosign/certificate": certificate.decode(),
                "dev.sigstore.cosign/bundle": json.dumps({"SignedEntryTimestamp": promise, "Payload": log}),
            },
        )

    def bundle(self, digest: str, identity: str, issuer: str, predicate: str, said: object) -> bytes:
        """The newer form: one document with everything in it."""
        key = new_key()
        certificate = self.certificate(key, identity, issuer)
        signed = envelope(key, statement(digest, predicate, said))
        content = base64.b64decode(str(signed["payload"]))
        made = signed["signatures"][0]["sig"]  # type: ignore[index]
        body: dict[str, object] = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {
                    "algorithm": "sha256",
                    "value": hashlib.sha256(json.dumps(signed).encode()).hexdigest(),
                },
                "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()},
                "signatures": [{"signature": made, "verifier": b64(certificate.public_bytes(Encoding.PEM))}],
            },
        }
        log, promise = self.logged(body)
        return json.dumps(
            {
                "mediaType": BUNDLE,
                "verificationMaterial": {
                    "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
                    "tlogEntries": [
                        {
                            "logIndex": "5",
                            "logId": {"keyId": b64(bytes.fromhex(str(log["logID"])))},
                            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
                            "integratedTime": str(log["integratedTime"]),
                            "inclusionPromise": {"signedEntryTimestamp": promise},
                            "inclusionProof": self.proof(base64.b64decode(str(log["body"]))),
                            "canonicalizedBody": log["body"],
                        }
                    ],
                },
                "dsseEnvelope": signed,
            }
        ).encode()
