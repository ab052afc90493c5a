"""Dart (https://dart.dev/tools/pub/versioning#semantic-versions): semantic versions in which builds count."""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_VERSION = late_pattern(
    r"[vV=]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?"
)
_BEFORE, _RELEASE = b"\1", b"\4"


@ordering("pub")
def pub(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Unorderable(version)
    major, minor, patch, before, build = found.groups()
    key = number(major) + number(minor or "") + number(patch or "")
    key += _RELEASE if before is None else _BEFORE + _identifiers(before)
    return key + (b"" if build is None else b"\1" + _identifiers(build))


def _identifiers(words: str) -> bytes:
    key = bytearray()
    for word in words.split("."):
        is_number = word.isascii() and word.isdigit()
        key += b"\2" + number(word) if is_number else b"\3" + text(word)
    return bytes(key + b"\0")
