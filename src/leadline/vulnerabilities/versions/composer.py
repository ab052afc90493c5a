"""Composer (https://getcomposer.org/doc/articles/versions.md): four numbers, then words as in PHP's ``version_compare``."""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import number, ordering, text

_PART = late_pattern(r"([0-9]+)|([^0-9.+_#-]+)", re.ASCII)
_BRANCH = late_pattern(r"([0-9.]+)\.x-dev")
"""What comes next in a line of releases, behind all that it has: Composer takes it for ``2.0.9999999.9999999-dev``."""
_WORDS = (("dev", 2), ("a", 3), ("b", 4), ("rc", 5), ("p", 8))
"""By their first letters, as PHP distinguishes them."""
_OTHER_WORD, _END, _NUMBER = 1, 6, 7
_PLACES = 4
_NAMED = b"\0"
"""What is installed from a branch may be older or newer than any release."""


@ordering("composer", guess=_NAMED)
def composer(version: str) -> bytes:
    """Words that are not known are all alike, before the ones that are; a branch with a name is before every version."""
    version = version.lower().removeprefix("v")
    if version.startswith("dev-"):
        return _NAMED + text(version)
    if line := _BRANCH.fullmatch(version):
        version = f"{line[1]}{'.9999999' * (_PLACES - line[1].count('.') - 1)}-dev"
    parts = _PART.findall(version)
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
