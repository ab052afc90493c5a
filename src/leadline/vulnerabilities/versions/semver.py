"""Semantic versions (https://semver.org), as far as they are kept to: more or fewer than three numbers are let pass."""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_VERSION = late_pattern(r"[vV=]*([0-9]+)((?:\.[0-9]+)*)(?:\.[xX*])*(?:[-._]?([0-9A-Za-z.~_-]+))?(?:\+.*)?")
_BEFORE, _RELEASE, _MORE = b"\1", b"\4", b"\5"
_NUMBER, _WORD, _END = b"\2", b"\3", b"\0"
_PLACES = 3


@ordering("semver")
def semver(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Unorderable(version)
    first, more, before = found.groups()
    numbers = [first, *more.split(".")[1:]]
    numbers += ["0"] * (_PLACES - len(numbers))
    key = b"".join(map(number, numbers[:_PLACES]))
    for digits in _without_zeros(numbers[_PLACES:]):
        key += _MORE + number(digits)
    return key + (_RELEASE if before is None else _BEFORE + _identifiers(before))


def _identifiers(before: str) -> bytes:
    """A longer list is later, so the end comes first; numbers come before words."""
    key = bytearray()
    for word in before.split("."):
        is_number = word.isascii() and word.isdigit()
        key += _NUMBER + number(word) if is_number else _WORD + text(word)
    return bytes(key + _END)


def _without_zeros(numbers: list[str]) -> list[str]:
    """A fourth number of 0 says nothing."""
    while numbers and not numbers[-1].strip("0"):
        numbers.pop()
    return numbers
