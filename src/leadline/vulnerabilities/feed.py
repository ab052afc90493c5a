"""All that a feed file imports.

A feed turns the documents of one publisher into facts. The builder of the database opens what a user names:
folders, ``.zip`` and ``.tar`` archives, ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` files, JSON lines; each file within, and each line
of JSON lines, is one ``Document``. So a feed never opens anything, and has no state between documents.

``recognises(document)`` says whether a document is in the feed's format. It is asked once for a format's
first document and then tried first on its neighbours, so it looks at ``document.head`` and the path only.
Exactly one feed recognises a document: look for the marks that others cannot have.

``read(document)`` yields facts in the order of the document and raises ``Unreadable`` where it stops making
sense; what was yielded before is kept, and the builder names the document. A record without an id, a
package or a sensible range is left out by ``Unreadable`` too, never guessed at.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from leadline.model.vulnerability import (
    Fact,
    Rating,
)

Facts = Iterator[Fact]
HEAD_BYTES = 4096

_RATINGS: dict[str, Rating] = {
    "critical": "critical",
    "important": "high",
    "high": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "negligible",
    "unimportant": "negligible",
    "none": "negligible",
}


class Document(Struct, frozen=True):
    """One file of a feed, uncompressed, or one line of a file of JSON lines."""

    path: str
    """Within the folder or archive, ``/`` between its parts; with ``#7`` behind it for the seventh line."""
    data: bytes

    @property
    def head(self) -> bytes:
        """The first bytes, enough to distinguish formats."""
        return self.data[:HEAD_BYTES]

    @property
    def name(self) -> str:
        """The last part of the path, without a line."""
        return self.path.rpartition("#")[0].rpartition("/")[2] or self.path.rpartition("/")[2]


class Feed(Struct, frozen=True):
    """One format of one publisher, or one that many share (OSV). Made by ``@feed``."""

    name: str
    """For ``db status``: ``osv``, ``debian-tracker``."""
    title: str
    recognises: Callable[[Document], bool]
    read: Callable[[Document], Facts]
    licence: str = ""
    """SPDX expression or the publisher's words; shown with the feed's age."""
    version: int = 1
    """Raised with every change of what it yields."""


def feed(
    name: str,
    title: str,
    *,
    recognises: Callable[[Document], bool],
    licence: str = "",
    version: int = 1,
) -> Callable[[Callable[[Document], Facts]], Feed]:
    """Makes a ``Feed`` of ``read(document)``."""

    def make(read: Callable[[Document], Facts]) -> Feed:
        return Feed(name, title, recognises, read, licence, version)

    return make


def rating(word: str) -> Rating:
    """A publisher's word for a severity as one of ours; ``unknown`` for any other word."""
    return _RATINGS.get(word.strip().lower(), "unknown")
