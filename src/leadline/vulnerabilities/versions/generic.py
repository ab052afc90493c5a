"""Versions of which only the product is known, as CPE names have them: numbers and words as people mean them.

Zeros at the end and before a draft say nothing. Words for drafts (``rc1``, ``beta``) come before the release, others after it (``1.1.1w``, ``9.6p1``).
"""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_PART = late_pattern(r"([0-9]+)|([a-z]+)", re.ASCII)
_EARLY = {
    "dev": 1,
    "snapshot": 1,
    "nightly": 1,
    "alpha": 2,
    "beta": 3,
    "milestone": 4,
    "pre": 5,
    "preview": 5,
    "rc": 6,
}
_DRAFT, _END, _WORD, _NUMBER = (bytes((tag,)) for tag in range(1, 5))


@ordering("generic")
def generic(version: str) -> bytes:
    parts = _PART.findall(version.lower().removeprefix("v"))
    if not any(digits for digits, _ in parts):
        raise Unorderable(version)
    while parts and _is_zero(parts[-1]):
        parts.pop()
    key = bytearray()
    for place, (digits, word) in enumerate(parts):
        if not digits:
            rank = _EARLY.get(word)
            key += _DRAFT + bytes((rank,)) if rank else _WORD + text(word)
        elif not _is_zero((digits, word)) or not _is_draft(parts[place + 1 :]):
            key += _NUMBER + number(digits)
    return bytes(key + _END)


def _is_zero(part: tuple[str, str]) -> bool:
    digits, word = part
    return not word and not digits.strip("0")


def _is_draft(rest: list[tuple[str, str]]) -> bool:
    """Whether the first of these that says something is a word for a draft."""
    for part in rest:
        if not _is_zero(part):
            return part[1] in _EARLY
    return False
