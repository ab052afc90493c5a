"""JSON text of whatever an object can hold: whole numbers of any size, unpaired surrogates, infinities."""

import re
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
