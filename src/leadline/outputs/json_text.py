"""JSON text of whatever an object can hold: whole numbers of any size, unpaired surrogates, infinities."""

from typing import Any


def json_text(value: Any) -> str:
    """``value`` on one line, in UTF-8 that any reader takes; numbers that JSON does not have are ``null``."""
    import orjson

    try:
        return orjson.dumps(value).decode()
    except TypeError:
        import json

        return json.dumps(_finite(value), separators=(",", ":"), default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value
