"""Resource quantities: ``100m``, ``1Gi``, ``2e3``.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

_FORM = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d{1,3})|(m|[kMGTPE]|[KMGTPE]i|[nu]))?")
_SCALE: dict[str, Fraction] = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{letter: Fraction(1000 ** (i + 1)) for i, letter in enumerate("kMGTPE")},
    **{letter + "i": Fraction(1024 ** (i + 1)) for i, letter in enumerate("KMGTPE")},
}
_LONGEST = 64


def parse_quantity(value: Any) -> Fraction | None:
    """The exact number; ``None`` where ``value`` is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        value = str(value)
    return _parse(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=2048)
def _parse(value: str) -> Fraction | None:
    match = _FORM.fullmatch(value.strip())
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent[1:]) if exponent else _SCALE[suffix or ""]
    return Fraction(number) * scale
