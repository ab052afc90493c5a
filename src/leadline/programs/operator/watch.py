"""The cluster, followed once for all halves of the operator: changes to judge, and what runs images.

The watch itself runs in threads. What it brings waits in bounded places: changes to judge in a queue whose end holds
the watch back, what runs images as the last known state of each object.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from msgspec import Struct

from leadline.kube.kinds import HANDS_POD_ON
from leadline.kube.workload import descend, images_in, pod_paths
from leadline.model.resource import CLUSTER, Resource, resource_of
from leadline.sources.cluster.watch import Changes, ClusterWatch, Key
from leadline.sources.waivers.security_exceptions import KINDS as EXCEPTIONS
from leadline.untyped import mapping, mappings, text

_QUEUED = 8
"""Changes, each of up to some thousand objects, that wait to be judged."""
_LOOK_S = 0.5
"""So soon a thread notices that no one takes its changes any more."""
T = TypeVar("T")
DECIDING = frozenset((*EXCEPTIONS, "Namespace"))
"""Kinds of which each object says something about what is accepted."""
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class Owner(Struct, frozen=True):
    api_version: str
    kind: str
    name: str
    uid: str


class Running(Struct, frozen=True):
    """A pod, or an object that makes pods, as far as its images are concerned."""

    key: Key
    """``("ReplicaSet.apps", namespace, name)``."""
    api_version: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owner: Owner | None
    """What manages it."""
    created: str
    images: tuple[tuple[str, str], ...]
    """Name of the container, and the image as written."""
    digests: Mapping[str, str]
    """Of a pod: what runs, ``imageID`` of the status, by the name of the container."""
    pull_secrets: tuple[str, ...]
    service_account: str
    node: str
    phase: str
    """Of a pod."""

    @property
    def kind(self) -> str:
        return self.key[0].partition(".")[0]


class RunningImages:
    """The last known state of every pod and workload, for the half that looks at images.

    It is fed by the watch, from its threads. A reader gets what changed since it asked last; so much waits at most as
    there are objects.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._pending: dict[Key, Running | None] = {}
        self._known: set[Key] = set()
        self._seen: set[Key] = set()
        """Since the reading began that continues, or that was the last."""
        self._has_changed = asyncio.Event()
        self.exposed: Mapping[str, tuple[str, ...]] = {}
        """What leads to a workload from outside the cluster, by ``namespace/Kind/name``."""
        self.is_whole = False
        """Whether every pod of the cluster is known."""
        self.is_read = False
        """Whether the cluster was read once to its end."""
        self._deciding: dict[Key, Resource] = {}
        self.deciding: tuple[Resource, ...] = ()
        """Exceptions and namespaces: they decide what is accepted. Another tuple with each change."""

    def begin(self) -> None:
        """The cluster is read again."""
        with self._lock:
            self.is_whole = False
            self._seen.clear()

    def read(self, *, is_whole: bool, unread_kinds: Collection[str] = ()) -> None:
        """The cluster has been read: what was not seen since ``begin`` is gone, unless not all could be read.

        ``is_whole``: of pods and what makes them; ``unread_kinds``: keys of other kinds of which that is not so.
        """
        self.is_read = True
        if is_whole:
            for key in self._known - self._seen:
                self.forget(key)
            self.is_whole = True
        for key in self._deciding.keys() - self._seen:
            if key[0] not in unread_kinds:
                self.forget(key)
        self._wake()

    def observe(self, key: str, body: Mapping[str, Any]) -> None:
        """An object as the server sent it, of the kind ``key``."""
        if key in HANDS_POD_ON:
            one = _running(key, dict(body))
            self._put(one.key, one)
        elif key in DECIDING:
            self._decide(key, dict(body))

    def relisted(self, key: str, namespace: str, there: Collection[Key]) -> None:
        """All of a kind that is there, in one namespace or in all."""
        held = self._deciding.keys() if key in DECIDING else self._known
        for known in [known for known in held if known[0] == key and known not in there]:
            if namespace in ("", known[1]):
                self.forget(known)

    def forget(self, key: Key) -> None:
        if key[0] in HANDS_POD_ON:
            self._put(key, None)
        elif key[0] in DECIDING:
            with self._lock:
                self._deciding.pop(key, None)
                self.deciding = tuple(self._deciding.values())
            self._wake()

    async def changes(self) -> Mapping[Key, Running | None]:
        """Waits for changes; ``None`` for what is gone."""
        await self._has_changed.wait()
        with self._lock:
            taken, self._pending = self._pending, {}
            self._has_changed.clear()
        return taken

    def _decide(self, key: str, body: dict[str, Any]) -> None:
        metadata = mapping(body.get("metadata"))
        if key == "Namespace":
            body = {"metadata": {"name": metadata.get("name"), "labels": _texts(metadata.get("labels"))}}
            resource = Resource("v1", "Namespace", "", text(metadata.get("name")), body, CLUSTER)
        else:
            body = {name: body.get(name) for name in ("apiVersion", "kind", "spec")} | {
                "metadata": {name: metadata.get(name) for name in ("name", "namespace")}
            }
            resource = resource_of(body, CLUSTER)
        place = (key, resource.namespace, resource.name)
        with self._lock:
            self._seen.add(place)
            before = self._deciding.get(place)
            if before is not None and before.body == body:
                return
            self._deciding[place] = resource
            self.deciding = tuple(self._deciding.values())
        self._wake()

    def _put(self, key: Key, one: Running | None) -> None:
        with self._lock:
            self._pending[key] = one
            if one is None:
                self._known.discard(key)
            else:
                self._known.add(key)
                self._seen.add(key)
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._has_changed.set)


async def changes_of(watch: ClusterWatch) -> AsyncGenerator[Changes, None]:
    """Every change of the cluster from now on, until its connection is closed."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Changes | None] = asyncio.Queue(_QUEUED)
    has_left = threading.Event()

    def hand_on(changes: Changes | None) -> None:
        putting = queue.put(changes)
        try:
            waiting = asyncio.run_coroutine_threadsafe(putting, loop)
        except RuntimeError:
            # The loop has ended, and with it the program.
            putting.close()
            has_left.set()
            return
        while not has_left.is_set():
            try:
                waiting.result(_LOOK_S)
            except TimeoutError:
                continue
            except CancelledError:
                has_left.set()
            return

    def follow() -> None:
        for changes in watch.changes():
            if has_left.is_set():
                return
            hand_on(changes)
        if not has_left.is_set():
            hand_on(None)

    threading.Thread(target=follow, name="changes", daemon=True).start()
    try:
        while (changes := await queue.get()) is not None:
            yield changes
    finally:
        has_left.set()


async def in_thread(work: Callable[[], T]) -> T:
    """What ``work`` returns, from a thread that does not hold up the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except Exception as error:
            outcome = (None, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="work", daemon=True).start()
    return await future


def _running(key: str, body: dict[str, Any]) -> Running:
    metadata = mapping(body.get("metadata"))
    api_version, kind = text(body.get("apiVersion")), text(body.get("kind"))
    specs = [descend(body, (*path, "spec")) for path in pod_paths(api_version, kind, body)]
    status = mapping(body.get("status"))
    is_pod = key == "Pod"
    return Running(
        (key, text(metadata.get("namespace")), text(metadata.get("name"))),
        api_version,
        text(metadata.get("uid")),
        _texts(metadata.get("labels")),
        _texts(metadata.get("annotations")),
        _owner(metadata),
        text(metadata.get("creationTimestamp")),
        tuple(images_in(api_version, kind, body)),
        _digests(status) if is_pod else {},
        tuple(text(one.get("name")) for spec in specs for one in mappings(spec.get("imagePullSecrets"))),
        next((text(spec.get("serviceAccountName")) for spec in specs), ""),
        next((text(spec.get("nodeName")) for spec in specs), "") if is_pod else "",
        text(status.get("phase")) if is_pod else "",
    )


def _owner(metadata: Mapping[str, Any]) -> Owner | None:
    for one in mappings(metadata.get("ownerReferences")):
        if one.get("controller") is True:
            return Owner(*(text(one.get(name)) for name in ("apiVersion", "kind", "name", "uid")))
    return None


def _digests(status: Mapping[str, Any]) -> dict[str, str]:
    rows = [one for name in _STATUSES for one in mappings(status.get(name))]
    return {text(one.get("name")): text(one.get("imageID")) for one in rows if one.get("imageID")}


def _texts(value: Any) -> dict[str, str]:
    return {str(k): v for k, v in mapping(value).items() if isinstance(v, str)}
