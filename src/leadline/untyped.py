"""What objects of others hold, in which anything may be something else than it should be."""

from typing import Any

import msgspec

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot decode; for text that is not UTF-8 and for too much depth these are Python's own errors."""


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[dict[str, Any]]:
    """The members of a list that are mappings."""
    return [item for item in items(value) if isinstance(item, dict)]


def texts(value: Any) -> list[str]:
    return [item for item in items(value) if isinstance(item, str)]


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""
