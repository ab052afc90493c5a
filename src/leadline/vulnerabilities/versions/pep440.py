"""Python (https://packaging.python.org/en/latest/specifications/version-specifiers/).

Versions from before that specification come first, in the order that installers gave them then.
"""

import re

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import number, ordering, text

_VERSION = late_pattern(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<word>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<count>[0-9]+)?)?"
    r"(?P<post>-(?P<bare>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<after>[0-9]+)?)?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<draft>[0-9]+)?)?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE | re.ASCII,
)
_PHASE = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_LEGACY, _MODERN = b"\1", b"\2"
_RELEASE_PART = b"\5"
_LEGACY_PART = late_pattern(r"([0-9]+)|([a-z]+)|(-)", re.ASCII)
_LEGACY_WORD = {"pre": "c", "preview": "c", "rc": "c", "dev": "@", "-": "final-"}


@ordering("pep440", guess=_LEGACY)
def pep440(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        return _LEGACY + _legacy(version.lower())
    key = bytearray(_MODERN + number(found["epoch"] or ""))
    for digits in _without_zeros(found["release"].split(".")):
        key += _RELEASE_PART + number(digits)
    if found["word"]:
        key += bytes((2, _PHASE[found["word"].lower()])) + number(found["count"] or "")
    else:
        key.append(1 if found["dev"] and not found["post"] else 3)
    key += b"\2" + number(found["bare"] or found["after"] or "") if found["post"] else b"\1"
    key += b"\1" + number(found["draft"] or "") if found["dev"] else b"\2"
    return bytes(key + _local(found["local"]))


def _without_zeros(numbers: list[str]) -> list[str]:
    while len(numbers) > 1 and not numbers[-1].strip("0"):
        numbers.pop()
    return numbers


def _local(local: str | None) -> bytes:
    if local is None:
        return b"\1"
    key = bytearray(b"\2")
    for word in re.split("[-_.]", local.lower()):
        key += b"\5" + number(word) if word.isdigit() else b"\3" + text(word)
    return bytes(key + b"\0")


def _legacy(version: str) -> bytes:
    """Words and numbers in turn; a number is before no word but those that sort before the release itself."""
    parts: list[bytes] = []
    for digits, word, hyphen in _LEGACY_PART.findall(version):
        if digits:
            parts.append(b"\x60" + number(digits))
            continue
        word = _LEGACY_WORD.get(word or hyphen, word)
        if word < "final":
            while parts and parts[-1] in (b"\x50final-\0", b"\x60\0"):
                parts.pop()
        parts.append((b"\x40" if word < "final" else b"\x50") + text(word))
    return b"".join(parts) + b"\x45"
