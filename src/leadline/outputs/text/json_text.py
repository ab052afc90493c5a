"""JSON text of whatever an object can hold: whole numbers of any size, unpaired surrogates, infinities."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec import json

_STEERING = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
"""What JSON may hold as it is, yet terminals obey: C1 controls and overrides of direction."""

_CI_MARK = r"##(?=\[|vso\[|teamcity\[)"
"""What Azure and TeamCity take for a command anywhere in a log, a report printed there as well."""


def json_text(value: Any) -> str:
    """``value`` on one line, safe to print; numbers that JSON does not have are ``null``."""
    try:
        text = json.encode(value).decode()
    except (TypeError, UnicodeEncodeError):
        import json as slower

        text = slower.dumps(_finite(value), separators=(",", ":"), default=str)
    text = with_marks_escaped(text, r"\u0023")
    return text if text.isascii() and "\x7f" not in text else re.sub(_STEERING, _escaped, text)


def with_marks_escaped(text: str, sharp: str) -> str:
    """``text`` with ``sharp``, as its syntax escapes it, in place of the first ``#`` of what pipelines take for a command."""
    if "##" not in text:
        return text
    return re.sub(_CI_MARK, lambda mark: sharp + mark.group()[1:], text, flags=re.IGNORECASE)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


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
