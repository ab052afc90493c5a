"""Bitnami: semantic versions, but a number behind a hyphen is a rebuild of that version, and so later than it."""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_VERSION = late_pattern(
    r"[vV]?([0-9]+)((?:\.[0-9]+)*)(?:[-._]?([A-Za-z][0-9A-Za-z._]*))?(?:-(?:r)?([0-9]+))?(?:[-+].*)?"
)
_BEFORE, _RELEASE, _MORE = b"\1", b"\4", b"\5"
_PLACES = 3


@ordering("bitnami")
def bitnami(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Unorderable(version)
    first, more, before, rebuild = found.groups()
    numbers = [first, *more.split(".")[1:]]
    while len(numbers) > _PLACES and not numbers[-1].strip("0"):
        numbers.pop()
    numbers += ["0"] * (_PLACES - len(numbers))
    key = b"".join(map(number, numbers[:_PLACES]))
    for digits in numbers[_PLACES:]:
        key += _MORE + number(digits)
    return key + (_RELEASE if before is None else _BEFORE + _words(before)) + number(rebuild or "")


def _words(before: str) -> bytes:
    key = bytearray()
    for digits, word in re.findall(r"([0-9]+)|([^0-9._]+)", before):
        key += b"\2" + number(digits) if digits else b"\3" + text(word.lower())
    return bytes(key + b"\0")
