"""Public keys in PEM, and what they signed: ECDSA, RSA and Ed25519, as cosign uses them."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
_SMALLEST_RSA_BITS = 2048
_LARGEST_RSA_BITS = 16_384


def read_key(pem: bytes) -> PublicKey:
    """Raises: ``ValueError`` with the reason, where it is none or too weak."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        why = (
            "it is a private key; name the public one"
            if b"PRIVATE KEY-----" in pem
            else "it is not a public key in PEM"
        )
        raise ValueError(why) from error
    if isinstance(key, rsa.RSAPublicKey) and not _SMALLEST_RSA_BITS <= key.key_size <= _LARGEST_RSA_BITS:
        raise ValueError(f"an RSA key of {key.key_size} bits is not taken")
    if not isinstance(key, PublicKey):
        raise ValueError("only ECDSA, RSA and Ed25519 keys are taken")
    return key


def is_signed(key: PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, content, ec.ECDSA(_hash_of(key)))
            case rsa.RSAPublicKey():
                key.verify(signature, content, padding.PKCS1v15(), SHA256())
            case ed25519.Ed25519PublicKey():
                key.verify(signature, content)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _hash_of(key: ec.EllipticCurvePublicKey) -> HashAlgorithm:
    """The one as long as the curve, as sigstore's clients choose it; cosign itself signs with P-256 alone."""
    return {384: SHA384(), 521: SHA512()}.get(key.curve.key_size, SHA256())
