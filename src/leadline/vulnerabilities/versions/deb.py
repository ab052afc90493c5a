"""Debian and its derivatives (https://www.debian.org/doc/debian-policy/ch-controlfields.html#version)."""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import number, ordering

_PAIR = late_pattern(r"([^0-9]*)([0-9]*)")
_TILDE = 1
_WORD_ENDS = 2


@ordering("deb")
def deb(version: str) -> bytes:
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isascii() and epoch.isdigit()):
        epoch, rest = "", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, ""
    return number(epoch) + _part(upstream) + _part(revision)


def _part(part: str) -> bytes:
    """Words and numbers in turn, a word first. An empty part counts as ``0``."""
    found = bytearray()
    for word, digits in _PAIR.findall(part or "0"):
        if word or digits:
            found += bytes(map(_rank, word))
            found.append(_WORD_ENDS)
            found += number(digits)
    found.append(_WORD_ENDS)
    return bytes(found)


def _rank(character: str) -> int:
    """A tilde before the end of the word, the end before letters, letters before all else."""
    if character == "~":
        return _TILDE
    code = ord(character)
    if character.isascii() and character.isalpha():
        return code
    return min(code + 128, 255)
