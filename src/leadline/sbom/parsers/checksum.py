"""Checksums as package files write them. One that cannot be right is left out: it would spoil the whole SBOM."""

import base64

from leadline.model.package import Digest
from leadline.packages.late_pattern import late_pattern

BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}

_HEXADECIMAL = late_pattern(r"[0-9a-f]+")


def hexadecimal(algorithm: str, written: str) -> tuple[Digest, ...]:
    """One digest, or none."""
    value = written.strip().lower()
    fits = len(value) == 2 * BYTES.get(algorithm, -1) and _HEXADECIMAL.fullmatch(value)
    return (Digest(algorithm, value),) if fits else ()


def in_base64(algorithm: str, written: str) -> tuple[Digest, ...]:
    """One digest, or none."""
    try:
        return hexadecimal(algorithm, base64.b64decode(written).hex())
    except ValueError:
        return ()


def subresource_integrity(written: str) -> tuple[Digest, ...]:
    """``sha512-`` and base64, several parted by blanks (https://www.w3.org/TR/SRI/)."""
    parts = (part.partition("-") for part in written.split())
    return tuple(digest for name, _, value in parts for digest in in_base64(name.lower(), value))
