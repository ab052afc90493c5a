"""RPM (https://rpm-software-management.github.io/rpm/man/rpm-version.7)."""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import number, ordering, text

_SEGMENT = late_pattern(r"(~)|(\^)|([0-9]+)|([a-zA-Z]+)")
_TILDE, _END, _CARET, _WORD, _NUMBER = (bytes((tag,)) for tag in range(1, 6))


@ordering("rpm")
def rpm(version: str) -> bytes:
    epoch, colon, rest = version.partition(":")
    if not colon or epoch.strip("0123456789"):
        epoch, rest = "", version
    upstream, hyphen, release = rest.rpartition("-")
    if not hyphen:
        upstream, release = rest, ""
    return number(epoch) + _part(upstream) + (_part(release) if release else b"")


def _part(part: str) -> bytes:
    """What is neither letter, digit, ``~`` nor ``^`` only separates."""
    found = bytearray()
    for tilde, caret, digits, word in _SEGMENT.findall(part):
        if digits:
            found += _NUMBER + number(digits)
        elif word:
            found += _WORD + text(word)
        elif tilde:
            found += _TILDE
        elif caret:
            found += _CARET
    return bytes(found + _END)
