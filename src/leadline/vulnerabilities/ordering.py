"""All that a file in ``versions`` imports: how versions of an ecosystem become byte strings.

``key(version)`` gives bytes whose order (of ``memcmp``, so of Python's ``bytes`` and SQLite's blobs alike) is the
order of the versions in their ecosystem. So a range of versions is a range of bytes, found by an index, and versions
of an advisory are taken apart once, when the database is built.

What makes that work in every ordering: numbers carry their length in front, lists end with a mark that
is where the ecosystem puts "nothing more" among the things that could have followed.
"""

from collections.abc import Callable

from msgspec import Struct

__all__ = ["LONGEST", "Ordering", "Unorderable", "number", "ordering", "text"]

LONGEST = 1024
"""Characters; real versions have less than 200."""
_LONG_NUMBER = 255


class Unorderable(ValueError):  # noqa: N818 - it names the state of the version
    """The ecosystem cannot compare such a version."""


class Ordering(Struct, frozen=True):
    """How the versions of some ecosystems are ordered. Made by ``@ordering``."""

    name: str
    """That of its file in ``versions``."""
    order: Callable[[str], bytes]
    guess: bytes = b""
    """How keys begin of versions that the ecosystem no longer takes: good for the bounds of old advisories only."""

    def key(self, version: str) -> bytes:
        """The bytes that represent ``version``.

        Raises:
            Unorderable: where the ecosystem has no place for it.
        """
        version = version.strip()
        if not version:
            raise Unorderable("no version")
        if len(version) > LONGEST:
            raise Unorderable(f"a version of {len(version)} characters")
        return self.order(version)


def ordering(name: str, *, guess: bytes = b"") -> Callable[[Callable[[str], bytes]], Ordering]:
    """Makes an ``Ordering`` of ``key(version)``; the version is neither empty nor too long, blanks around it are gone."""

    def make(order: Callable[[str], bytes]) -> Ordering:
        return Ordering(name, order, guess)

    return make


def number(digits: str) -> bytes:
    """A whole number, leading zeros dropped; no digits are 0. Only ASCII digits are meant."""
    digits = digits.lstrip("0")
    if len(digits) < _LONG_NUMBER:
        return bytes((len(digits),)) + digits.encode()
    return b"\xff" + len(digits).to_bytes(4, "big") + digits.encode()


def text(word: str) -> bytes:
    """Letters by their code points, the shorter first; holds no zero byte but the one at its end."""
    return word.replace("\0", "").encode("utf-8", "surrogatepass") + b"\0"
