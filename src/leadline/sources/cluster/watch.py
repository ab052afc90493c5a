"""Follows a cluster: what ``read_cluster`` reads, and from then on every change of it.

Each kind is watched from where its list ended. Bookmarks keep that place recent; where the server has forgotten it
(410), the kind is listed again and compared; where the connection ends, it is taken up again.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Raw, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import replace

from leadline.backoff import backoff_s
from leadline.errors import ClusterError
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread, UnreadReason
from leadline.sources.cluster.connection import Cluster, LostError, RefusedError
from leadline.sources.cluster.discovery import ApiKind
from leadline.sources.cluster.listing import NO_JSON, Lister, Listing, OnProgress, Scope, parsed
from leadline.sources.cluster.reader import ClusterSnapshot, Observe, Reading, rank_of
from leadline.sources.cluster.trim import lightened
from leadline.untyped import MALFORMED, mapping, mappings, text

STREAM_S = 300
"""After this the server ends a watch by itself, and it is taken up again."""
QUIET_S = 0.2
"""A change is handed on once no other has come for so long: one rollout is one change."""
LONGEST_QUIET_S = 0.6
"""It is handed on after so long at the latest: in a large cluster something changes all the time."""
MAX_BATCH = 5_000
"""Objects that are waited for at most before the change is handed on."""
MAX_EVENTS = 20_000
"""That wait; beyond, the server waits as well."""
GOODBYE_S = 3.0
ORPHANED_S = 5.0
"""An owner that goes takes what it owns along within a moment; what is there then is judged by itself."""
MAX_SHOWN = 100
"""Objects that are asked for by themselves at a time."""
AGAIN_S = 30.0
Key = tuple[str, str, str]
"""Key of the kind, namespace, name."""
Forget = Callable[[Key], None]
"""Is given each workload that no longer exists; one call at a time."""
Relisted = Callable[[str, str, Collection[Key]], None]
"""Is given the key of a kind, a namespace or an empty text for all of them, and what is there."""


class Changes(Struct, frozen=True):
    """What became of the objects; one that is both removed and added has changed."""

    removed: tuple[str, ...] = ()
    """Ids."""
    added: tuple[Resource, ...] = ()
    unread: tuple[Unread, ...] = ()
    """Kinds that cannot be watched: what changes there goes unseen."""


class _Event(Struct, frozen=True):
    """What one stream says: an object that is there or gone, a new list of all, or that it is at its end."""

    stream: "_Stream"
    body: Raw | None = None
    """As it came: many wait, and parsed they take ten times as much."""
    is_gone: bool = False
    listing: Listing | None = None
    unread: Unread | None = None


class _Line(Struct):
    """What a stream sends: https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks."""

    type: str
    object: Raw


class _Metadata(Struct, frozen=True):
    resourceVersion: str = ""  # noqa: N815 (as Kubernetes calls it)
    namespace: str = ""


class _Head(Struct):
    """Of an object what its stream has to know."""

    metadata: _Metadata = _Metadata()


_line_decoder = Decoder(_Line)
_head_decoder = Decoder(_Head)


class ClusterWatch:
    """A cluster that is followed. ``snapshot`` is what it held at the start."""

    def __init__(
        self,
        reading: Reading,
        snapshot: ClusterSnapshot,
        forget: Forget | None = None,
        relisted: Relisted | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.orphaned_s = ORPHANED_S
        self._forget = forget
        self._relisted = relisted
        self._reading = reading
        self._cluster = reading.cluster
        self._events: queue.Queue[_Event] = queue.Queue(MAX_EVENTS)
        self._origin = Origin(kind="cluster", cluster=reading.cluster.context)
        self._present: dict[Key, Resource] = {}
        self._streams: list[_Stream] = []
        self._threads: list[threading.Thread] = []
        self._asking = threading.Lock()
        kinds = {
            (listing.kind.api_version, listing.kind.kind): listing.kind.key for listing in reading.listings
        }
        for resource in snapshot.resources:
            key = kinds[resource.api_version, resource.kind]
            self._present[key, resource.namespace, resource.name] = resource
        for listing in reading.listings:
            for namespace, version in listing.versions:
                self._streams.append(_Stream(reading, listing.kind, namespace, version, self._events))
        self._kinds = {listing.kind.key: listing.kind for listing in reading.listings}
        # What was listed changes, and is not to be held twice.
        reading.listings = ()
        self._to_show: dict[Key, float] = {}
        """Objects that are to be judged by themselves from now on, and when they are asked for."""
        reading.ownership.turned()

    def changes(self, quiet_s: float = QUIET_S) -> Iterator[Changes]:
        """Every change from now on, until the cluster is closed."""
        for stream in self._streams:
            name = f"watch {stream.kind.resource}"
            self._threads.append(threading.Thread(target=stream.run, name=name, daemon=True))
            self._threads[-1].start()
        while not self._cluster.stopped.is_set():
            events = self._batch(quiet_s)
            shown = self._shown_again(time.monotonic())
            changes = self._taken(events, shown) if events or shown else None
            if changes is not None and (changes.removed or changes.added or changes.unread):
                yield changes

    def served_since(self) -> tuple[str, ...]:
        """Wanted kinds that the cluster did not serve when it was read, and serves now: they are not followed.

        Asks the cluster. Raises: ``ClusterError``.
        """
        with self._asking:
            return () if self._cluster.stopped.is_set() else self._reading.served_since()

    def close(self) -> None:
        """Closes the cluster and waits for what still listens, for some seconds at most."""
        self._cluster.stopped.set()
        end = time.monotonic() + GOODBYE_S
        # A connection that is made while others are closed would stay open.
        is_quiet = self._asking.acquire(timeout=GOODBYE_S)
        self._cluster.close()
        if is_quiet:
            self._asking.release()
        for thread in list(self._threads):
            thread.join(max(0.0, end - time.monotonic()))
        # Threads that ended by an error hold this for a while yet, and the cluster may be read again by then.
        self._present = {}

    def _batch(self, quiet_s: float) -> list[_Event]:
        """What came until nothing more came for a while; empty where nothing did."""
        events: list[_Event] = []
        try:
            events.append(self._events.get(timeout=1.0))
            end = time.monotonic() + max(quiet_s, LONGEST_QUIET_S)
            while len(events) < MAX_BATCH and (left := end - time.monotonic()) > 0:
                events.append(self._events.get(timeout=min(quiet_s, left)))
        except queue.Empty:
            pass
        return events

    def forget_snapshot(self) -> None:
        """Its objects: they change, and what was at the start is of no use any more."""
        self.snapshot = replace(self.snapshot, resources=())

    def _taken(
        self, events: Sequence[_Event], shown: Sequence[tuple[Key, dict[str, Any] | None]] = ()
    ) -> Changes:
        before: dict[Key, Resource | None] = {}
        unread: list[Unread] = []
        # Owners first, as in a list: what they own is then known to be theirs.
        for event in sorted(events, key=lambda event: rank_of(event.stream.kind)):
            if event.unread is not None:
                unread.append(event.unread)
            for key, body in self._told_by(event, unread):
                before.setdefault(key, self._present.get(key))
                self._put(key, event.stream.kind, body)
        for key, body in shown:
            before.setdefault(key, self._present.get(key))
            self._put(key, self._kinds[key[0]], body)
        for key, is_left_out in self._reading.ownership.turned().items():
            if is_left_out:
                before.setdefault(key, self._present.get(key))
                self._present.pop(key, None)
                self._to_show.pop(key, None)
            else:
                self._to_show.setdefault(key, time.monotonic() + self.orphaned_s)
        changed = [(old, self._present.get(key)) for key, old in before.items()]
        changed = [(old, new) for old, new in changed if old != new]
        return Changes(
            tuple(old.id for old, _ in changed if old is not None),
            tuple(new for _, new in changed if new is not None),
            tuple(unread),
        )

    def _told_by(self, event: _Event, unread: list[Unread]) -> Iterator[tuple[Key, dict[str, Any] | None]]:
        """Each object that an event speaks of; ``None`` for one that is gone."""
        kind = event.stream.kind
        if event.body is not None:
            try:
                body = parsed(event.body)
            except LostError as lost:
                unread.append(event.stream.lost(f"of a change {lost.args[0]}"))
                return
            body["apiVersion"], body["kind"] = kind.api_version, kind.kind
            yield _key(kind, body), None if event.is_gone else body
        if event.listing is not None:
            there = {_key(kind, body): body for body in event.listing.items}
            if self._relisted is not None:
                self._relisted(kind.key, event.stream.namespace, there.keys())
            yield from there.items()
            namespace = event.stream.namespace
            known = {*self._present, *self._reading.ownership.of_kind(kind.key, namespace)}
            for key in sorted(key for key in known if key[0] == kind.key and key not in there):
                if namespace in ("", key[1]):
                    yield key, None

    def _shown_again(self, now: float) -> list[tuple[Key, dict[str, Any] | None]]:
        """The objects that were left to an owner, which is gone or no longer asks for as much; ``None`` for gone."""
        due = [key for key, moment in self._to_show.items() if moment <= now][:MAX_SHOWN]
        shown: list[tuple[Key, dict[str, Any] | None]] = []
        for key in due:
            try:
                shown.append((key, self._asked_for(key)))
            except ClusterError:
                self._to_show[key] = now + AGAIN_S
        return shown

    def _asked_for(self, key: Key) -> dict[str, Any] | None:
        """By a list of one: that takes no other right."""
        kind = self._kinds[key[0]]
        params = {"fieldSelector": f"metadata.name={key[2]}"}
        for item in mappings(mapping(self._cluster.ask(kind.path(key[1]), params)).get("items")):
            body = {**item, "apiVersion": kind.api_version, "kind": kind.kind}
            if _key(kind, body) == key:
                return body
        return None

    def _put(self, key: Key, kind: ApiKind, body: dict[str, Any] | None) -> None:
        self._to_show.pop(key, None)
        if body is None:
            self._reading.ownership.forget(key)
            if self._forget is not None:
                self._forget(key)
        if body is None or not self._reading.keeps(kind, body):
            self._present.pop(key, None)
        else:
            self._present[key] = resource_of(body, self._origin)


class _Stream:
    """One kind in one namespace or in all, watched by a thread of its own."""

    def __init__(
        self, reading: Reading, kind: ApiKind, namespace: str, version: str, events: "queue.Queue[_Event]"
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self._cluster = reading.cluster
        self._scope = reading.scope
        self._on_progress: OnProgress = reading.report
        self._version = version
        self._events = events
        self._failures = 0

    def run(self) -> None:
        """Watches until the cluster is closed or the kind cannot be watched."""
        while not self._cluster.stopped.is_set():
            try:
                if not self._version:
                    self._list_again()
                self._watch_once()
            except RefusedError as refused:
                if refused.status == 410:
                    self._version = ""
                elif refused.status in (400, 401, 403, 404, 405):
                    self._give_up(str(refused.args[0]))
                    return
                else:
                    self._wait()
            except LostError:
                self._wait()
            except ClusterError as error:
                self._give_up(str(error.args[0]))
                return

    def _watch_once(self) -> None:
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(STREAM_S),
        }
        is_empty = True
        for line in self._cluster.lines(self.kind.path(self.namespace), params):
            is_empty = False
            self._failures = 0
            self._take(line)
        if is_empty:
            self._wait()

    def _take(self, line: bytes) -> None:
        """One event. Raises ``RefusedError`` where it is an error, ``LostError`` where it is not an event."""
        try:
            event = _line_decoder.decode(line)
            if event.type == "ERROR":
                status = mapping(parsed(event.object))
                code = status.get("code")
                raise RefusedError(code if isinstance(code, int) else 0, text(status.get("message")))
            metadata = _head_decoder.decode(event.object).metadata
        except ValidationError as error:
            raise LostError("the answer is not a watch event") from error
        except MALFORMED as error:
            raise LostError(NO_JSON) from error
        if event.type in ("ADDED", "MODIFIED", "DELETED"):
            if not self.kind.is_namespaced or self._scope.covers(metadata.namespace):
                self._tell(_Event(self, event.object, is_gone=event.type == "DELETED"))
        elif event.type != "BOOKMARK":
            raise LostError("the answer is not a watch event")
        self._version = metadata.resourceVersion or self._version

    def _list_again(self) -> None:
        scope = Scope((self.namespace,)) if self.namespace else self._scope
        listing = Lister(self._cluster, scope, self._on_progress).all_of(self.kind, lightened)
        if listing.unread:
            raise LostError(listing.unread[0].why)
        self._tell(_Event(self, listing=listing))
        self._version = listing.versions[0][1]

    def _wait(self) -> None:
        patience = self._cluster.patience
        self._failures += 1
        wait_s = backoff_s(self._failures, patience.first_wait_s, patience.longest_wait_s)
        self._cluster.stopped.wait(wait_s)

    def lost(self, why: str, reason: UnreadReason = "unreachable") -> Unread:
        """That what changes here goes unseen."""
        where = (
            f"{self.kind.resource} in namespace {self.namespace}" if self.namespace else self.kind.resource
        )
        return Unread(where, f"cannot be watched: {why}", reason)

    def _give_up(self, why: str) -> None:
        self._tell(_Event(self, unread=self.lost(why, "forbidden")))

    def _tell(self, event: _Event) -> None:
        """Waits where too many events wait already."""
        while not self._cluster.stopped.is_set():
            try:
                self._events.put(event, timeout=1.0)
            except queue.Full:
                continue
            return


def watch_cluster(
    cluster: Cluster,
    kinds: Iterable[str],
    include_namespaces: Sequence[str] = (),
    exclude_namespaces: Sequence[str] = (),
    progress: OnProgress | None = None,
    *,
    observe: Observe | None = None,
    forget: Forget | None = None,
    relisted: Relisted | None = None,
) -> ClusterWatch:
    """Reads as ``read_cluster`` does, and can report every change from then on.

    ``observe`` is shown each object as the server sends it, whenever it does; ``forget`` is given what is gone, and
    ``relisted`` all that is there of a kind where changes of it were missed.

    Raises:
        ClusterError: nothing at all could be read.
    """
    scope = Scope(tuple(include_namespaces), tuple(exclude_namespaces))
    reading = Reading(cluster, scope, progress, observe)
    return ClusterWatch(reading, reading.of(set(kinds)), forget, relisted)


def _key(kind: ApiKind, body: dict[str, Any]) -> Key:
    metadata = mapping(body.get("metadata"))
    return kind.key, text(metadata.get("namespace")), text(metadata.get("name"))
