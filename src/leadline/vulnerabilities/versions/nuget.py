"""NuGet (https://learn.microsoft.com/en-us/nuget/concepts/package-versioning): four numbers, letters without case."""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_VERSION = late_pattern(r"v?([0-9]+(?:\.[0-9]+)*)(?:-([0-9a-z.-]*))?(?:\+.*)?", re.IGNORECASE | re.ASCII)
_BEFORE, _RELEASE, _MORE = b"\1", b"\4", b"\5"
_NUMBER, _WORD, _END = b"\2", b"\3", b"\0"


@ordering("nuget")
def nuget(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Unorderable(version)
    numbers = found[1].split(".")
    while len(numbers) > 1 and not numbers[-1].strip("0"):
        numbers.pop()
    key = bytearray(number(numbers[0]))
    for digits in numbers[1:]:
        key += _MORE + number(digits)
    if not found[2]:
        return bytes(key + _RELEASE)
    key += _BEFORE
    for word in found[2].lower().split("."):
        key += _NUMBER + number(word) if word.isdigit() else _WORD + text(word)
    return bytes(key + _END)
