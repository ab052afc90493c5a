"""Go modules and Go itself (https://go.dev/ref/mod#versions).

A pseudo-version (``v0.0.0-20210101000000-abcdef123456``) is a semantic version whose time orders it;
``+incompatible`` says nothing about order. Go's own releases are ``go1.22rc1``, which the Go vulnerability
database writes ``1.22.0-rc.1``.
"""

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import Unorderable, number, ordering, text

_RELEASE_NAME = late_pattern(r"(?:go)?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(alpha|beta|rc)([0-9]+)(?:[-+ ].*)?")
_RELEASE = late_pattern(
    r"(?:go|[vV])?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(?:[+ ].*)?"
)


@ordering("golang")
def golang(version: str) -> bytes:
    if name := _RELEASE_NAME.fullmatch(version):
        major, minor, patch, word, count = name.groups()
        before: str | None = f"{word}.{count}"
    elif found := _RELEASE.fullmatch(version):
        major, minor, patch, before = found.groups()
    else:
        raise Unorderable(version)
    key = number(major) + number(minor or "") + number(patch or "")
    if before is None:
        return key + b"\4"
    return key + b"\1" + b"".join(map(_identifier, before.split("."))) + b"\0"


def _identifier(word: str) -> bytes:
    return b"\2" + number(word) if word.isascii() and word.isdigit() else b"\3" + text(word)
