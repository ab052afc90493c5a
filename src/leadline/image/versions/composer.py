"""Composer (https://getcomposer.org/doc/articles/versions.md): four numbers, then words as in PHP's ``version_compare``."""

import re

from leadline.image.ordering import number, ordering

_PART = re.compile(r"([0-9]+)|([^0-9.+_#-]+)", re.ASCII)
_WORDS = (("dev", 2), ("a", 3), ("b", 4), ("rc", 5), ("p", 8))
"""By their first letters, as PHP distinguishes them."""
_OTHER_WORD, _END, _NUMBER = 1, 6, 7
_PLACES = 4


@ordering("composer")
def composer(version: str) -> bytes:
    """Words that are not known are all alike, before the ones that are."""
    parts = _PART.findall(version.lower().removeprefix("v"))
    numbers = next((place for place, (_, word) in enumerate(parts) if word), len(parts))
    if numbers:
        parts[numbers:numbers] = [("0", "")] * (_PLACES - numbers)
    key = bytearray()
    for digits, word in parts:
        if digits:
            key.append(_NUMBER)
            key += number(digits)
        else:
            key.append(next((rank for start, rank in _WORDS if word.startswith(start)), _OTHER_WORD))
    key.append(_END)
    return bytes(key)
