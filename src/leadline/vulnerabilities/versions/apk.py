"""Alpine and those who build with apk (https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd)."""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_VERSION = late_pattern(
    r"(?P<first>[0-9]+)(?P<more>(?:\.[0-9]+)*)(?:(?P<letter>[a-z])(?P<patch>[0-9]*))?"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<build>[0-9]+))?",
)
_SUFFIX = late_pattern(r"_([a-z]+)([0-9]*)")
_BEFORE = {"alpha": 1, "beta": 2, "pre": 3, "rc": 4}
_END = 0x0F
_AFTER = {"cvs": 0x16, "svn": 0x17, "git": 0x18, "hg": 0x19, "p": 0x1A}
_LETTER = b"\x1d"
_NUMBER = b"\x1f"
_FRACTION, _WHOLE = b"\0", b"\2"


@ordering("apk")
def apk(version: str) -> bytes:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Unorderable(version)
    key = bytearray(number(found["first"]))
    for digits in found["more"].split(".")[1:]:
        key += _NUMBER + _component(digits)
    if found["letter"]:
        key += _LETTER + found["letter"].encode() + number(found["patch"])
    for word, digits in _SUFFIX.findall(found["suffixes"]):
        key.append(_BEFORE.get(word) or _AFTER[word])
        key += number(digits)
    key.append(_END)
    if found["commit"]:
        key += b"\2" + text(found["commit"])
    return bytes(key + b"\1" + number(found["build"] or ""))


def _component(digits: str) -> bytes:
    """With a leading zero it compares as the digits of a fraction, before every number without one."""
    if digits[0] == "0":
        return _FRACTION + text(digits)
    return _WHOLE + number(digits)
