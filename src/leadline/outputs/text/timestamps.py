"""The moment a document is made, and the name that follows from it. Imports nothing heavy: known documents wait for it."""

from collections.abc import Iterable

_URLS = bytes.fromhex("6ba7b811-9dad-11d1-80b4-00c04fd430c8".replace("-", ""))
"""The namespace of the names that are URLs."""
_OURS = b"leadline "


def dated(text: bytes, moment: str, moments: Iterable[str], name: str) -> bytes:
    """JSON on one line: ``text`` with ``moment`` (RFC 3339) under each key of ``moments``.

    Under the key ``name``, where it is not empty, comes a name that follows from all the rest. Both are as
    empty text in ``text``.
    """
    # No text of others can look like this: JSON has a backslash before the quotes in it.
    for key in moments:
        text = text.replace(f'"{key}":""'.encode(), f'"{key}":"{moment}"'.encode())
    if name:
        text = text.replace(f'"{name}":""'.encode(), f'"{name}":"urn:uuid:{content_uuid(text)}"'.encode(), 1)
    return text + b"\n"


def content_uuid(text: bytes) -> str:
    """The same for the same text, and for no other: a UUID of version 5.

    Format: https://www.rfc-editor.org/rfc/rfc9562#section-5.5
    """
    from hashlib import sha1  # OpenSSL is large, and most reports count nothing

    state = sha1(_URLS + _OURS, usedforsecurity=False)
    state.update(text)
    # By hand, since the library's module loads whatever finds out about the machine.
    value = bytearray(state.digest()[:16])
    value[6] = value[6] & 0x0F | 0x50
    value[8] = value[8] & 0x3F | 0x80
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
