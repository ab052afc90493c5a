"""What a store is: ``get``, ``list``, ``put``, ``delete`` and ``watch`` over objects with one global revision.

A store holds an object as JSON bytes in three parts, so that lists of metadata never touch bodies and a whole object
is made by joining bytes. The rules are those of Kubernetes
(https://kubernetes.io/docs/reference/using-api/api-concepts/): every write gets a revision of its own, no revision is
ever given twice, a list is a snapshot at one revision, and a watch continues from any revision that is still kept.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

ABSENT = 0
"""As an expected revision: there must be no such object."""

ADDED = "ADDED"
MODIFIED = "MODIFIED"
DELETED = "DELETED"

EMPTY = b"{}"
"""The body of an object that is deleted; of it only metadata and columns are kept."""

MAX_PAGE_ROWS = 500
MAX_PAGE_BYTES = 8 * 2**20


class ConflictError(StoreError):
    """The object is not at the revision that the writer expected."""

    def __init__(self, key: Key, current: int) -> None:
        super().__init__(f"{key}: the object has been modified")
        self.key = key
        self.current = current
        """The revision it is at; ``ABSENT`` where there is none."""


class GoneError(StoreError):
    """The revision asked for is older than the history that is kept."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"too old resource version: {revision}")


class FutureError(StoreError):
    """The revision asked for has not been given yet."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"too large resource version: {revision}")


class TokenError(StoreError):
    """A continue token that no list has given out."""

    def __init__(self) -> None:
        super().__init__("the continue token is not valid")


class NotServedError(StoreError):
    """The cluster has no such kind: no server of results is in it, or an earlier one."""


class FullError(StoreError):
    """There is no room left; everything stored before stays readable."""


class AwayError(StoreError):
    """The database does not answer now; asking again later may help. A write that was under way may have been done."""


class EndingError(StoreError):
    """The namespace is being deleted, or is not there: it takes nothing new, and what is in it goes."""

    def __init__(self, namespace: str, message: str) -> None:
        super().__init__(message)
        self.namespace = namespace


class Content(Struct, frozen=True, gc=False):
    """An object without its kind and its revision."""

    metadata: bytes
    """A JSON object, without ``resourceVersion``."""
    columns: bytes = b"[]"
    """A JSON list: what a table shows of the object, and what is summed over many."""
    body: bytes = b"{}"
    """A JSON object: everything in addition to ``kind``, ``apiVersion`` and ``metadata``."""


class Entry(Struct, frozen=True):
    """One version of an object. ``content.body`` is empty bytes where the selection asked for none."""

    key: Key
    revision: int
    content: Content

    @property
    def metadata(self) -> bytes:
        """With the revision, as ``resourceVersion``."""
        rest = self.content.metadata[1:]
        comma = b"" if rest.lstrip().startswith(b"}") else b","
        return b'{"resourceVersion":"%d"%s%s' % (self.revision, comma, rest)


class Put(Struct, frozen=True):
    """A write. ``expected`` is the revision to replace, ``ABSENT`` to create, ``None`` for whatever is there."""

    key: Key
    content: Content
    expected: int | None = None


class Drop(Struct, frozen=True):
    """A deletion."""

    key: Key
    expected: int | None = None


class Event(Struct, frozen=True):
    """A change as a watcher sees it: an object that enters its selection is ``ADDED``, one that leaves ``DELETED``."""

    type: str
    entry: Entry


class Changes(Struct, frozen=True):
    """What happened up to ``revision``, in order; events may be none where the changes were of other objects."""

    events: tuple[Event, ...]
    revision: int


class Paging(Struct, frozen=True):
    """Which part of a list is wanted. All pages of a list show the same revision."""

    token: str = ""
    """From the page before; empty for the first."""
    limit: int = MAX_PAGE_ROWS
    max_bytes: int = MAX_PAGE_BYTES
    """A page ends before the object that would make its bodies larger; it holds one object at least."""


class Page(Struct, frozen=True):
    entries: tuple[Entry, ...]
    revision: int
    token: str
    """Leads to the next page; empty where this is the last."""


class Readable(Protocol):
    """As much of a store as who only reads needs."""

    async def list(self, selection: Selection, paging: Paging) -> Page:
        """As ``Store.list``."""

    def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """As ``Store.watch``; empty changes are a sign of life."""

    async def close(self) -> None:
        """Ends watches."""


async def pages_of(
    store: "Readable | Store", selection: Selection, limit: int = MAX_PAGE_ROWS
) -> AsyncIterator[tuple[Entry, ...]]:
    """The objects of every page of a list, at most ``limit`` at once. Raises: as ``Store.list``."""
    token, is_first = "", True
    while token or is_first:
        page = await store.list(selection, Paging(token, limit))
        token, is_first = page.token, False
        yield page.entries


class Store(Protocol):
    """Raises ``StoreError`` where the store itself fails; nothing is acknowledged that is not durable."""

    @property
    def revision(self) -> int:
        """The newest that can be read."""

    async def get(self, key: Key) -> Entry | None:
        """The object as it is now."""

    async def list(self, selection: Selection, paging: Paging) -> Page:
        """One page of one kind, by namespace and name.

        Raises:
            GoneError: the snapshot that the token belongs to is no longer kept.
            FutureError: its revision has never been given.
            TokenError: the token is none of ours.
        """

    async def put(self, put: Put) -> Entry:
        """Raises: ``ConflictError``."""

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        """All in one transaction, in order; where one conflicts nothing is written. ``remote`` cannot promise that.

        Raises: ``ConflictError`` for the first that conflicts.
        """

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        """The last version, with the revision of its deletion.

        Raises: ``ConflictError``, also where the object is missing.
        """

    def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """Everything after revision ``since``, until the store is closed. ``selection.plural`` may be empty. Holds no queue: a slow reader costs nothing.

        Raises:
            GoneError: ``since`` is no longer kept, at the start or because the reader was too slow.
            FutureError: ``since`` has not been given yet.
        """

    async def close(self) -> None:
        """Ends watches; what was written stays."""


MAX_TOKEN_LENGTH = 2048
START = frozenset({"", "0"})
"""Existing clients ask for the first page with ``continue=0``."""

Position = tuple[int, str, str]
"""Revision, namespace, name."""


def write_token(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def read_token(token: str) -> Position | None:
    """``None`` for the start of a list.

    Raises: ``TokenError``.
    """
    if token in START:
        return None
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenError
    try:
        position: Position = msgspec.json.decode(base64.urlsafe_b64decode(token), type=Position)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise TokenError from error
    if position[0] < 0:
        raise TokenError
    return position


class Version(Struct, frozen=True):
    type: str
    entry: Entry
    before: bytes | None
    """The metadata (or only the labels within it) of the version that this one replaces; ``None`` where there was none."""


def event_of(version: Version, selection: Selection) -> Event | None:
    """``None`` where the selection covers the object neither before nor now."""
    if not selection.covers(version.entry.key):
        return None
    if not selection.labels:
        return Event(version.type, version.entry)
    was_in = version.before is not None and selection.matches_labels(version.before)
    is_in = version.type != DELETED and selection.matches_labels(version.entry.content.metadata)
    if is_in:
        return Event(MODIFIED if was_in else ADDED, version.entry)
    return Event(DELETED, version.entry) if was_in else None
