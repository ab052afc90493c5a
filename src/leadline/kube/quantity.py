"""Resource quantities: ``100m``, ``1Gi``, ``2e3``.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

import re
from functools import lru_cache
from typing import Any

_FORM = re.compile(
    r"([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3})|(m|[kMGTPE]|[KMGTPE]i|[nu]))?", re.ASCII
)
_BILLION = 10**9
_SCALE: dict[str, int] = {
    "n": 1,
    "u": 1000,
    "m": 10**6,
    "": _BILLION,
    **{letter: _BILLION * 1000 ** (i + 1) for i, letter in enumerate("kMGTPE")},
    **{letter + "i": _BILLION * 1024 ** (i + 1) for i, letter in enumerate("KMGTPE")},
}
_LONGEST = 64
_MOST_BITS = 256
"""Of a whole number; Python refuses to write one of thousands of digits."""


def parse_quantity(value: Any) -> int | None:
    """The number in billionths, what is finer rounded away from zero as the server does; ``None`` for no quantity."""
    if isinstance(value, bool) or (isinstance(value, int) and value.bit_length() > _MOST_BITS):
        return None
    if isinstance(value, int | float):
        value = str(value)
    return _parse(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=2048)
def _parse(value: str) -> int | None:
    match = _FORM.fullmatch(value.strip())
    if match is None:
        return None
    sign, whole, after_whole, alone, exponent, suffix = match.groups()
    part = alone or after_whole or ""
    amount = int((whole or "") + part)
    tens = int(exponent or 0) - len(part)
    times: int = 10 ** max(tens, 0)
    divided_by: int = 10 ** max(-tens, 0)
    amount = -(-amount * times * _SCALE[suffix or ""] // divided_by)
    return -amount if sign == "-" else amount
