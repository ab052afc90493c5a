"""Indexes over the objects of one world that follow every change.

An ``Index`` says which rows an object puts under which keys; that depends on the object alone, so that adding or
removing one costs what the object is worth and not what the world is. What is read while a verdict is worked out is
written down (``trace``), and a change names the reads that it makes stale.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from leadline.kube.kinds import GROUP_ALIASES
from leadline.model.resource import Resource
from leadline.posture.apply_unit import DEFAULT_NAMESPACE, Spaces, filed_under, folder_of
from leadline.posture.subject import Workload, workloads_of

WORKLOADS = "workloads"
"""Stands among the ``kinds`` of a control for every object that runs pods."""
EVERY_KIND = "objects"
"""Stands among the ``kinds`` of a control for every object there is."""
WITHOUT_NAMESPACE = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole.rbac.authorization.k8s.io",
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "StorageClass.storage.k8s.io",
        "IngressClass.networking.k8s.io",
        "GatewayClass.gateway.networking.k8s.io",
        "LinuxKernelVariables.hostdata.kubescape.cloud",
    }
)
ROWS_OF_ONE = 1 << 32
"""Rows are numbered by the object's rank times this, so that they sort as the objects were read."""

V = TypeVar("V")
T = TypeVar("T")
Workloads = Callable[[Resource], tuple[Workload, ...]]


def kind_name(resource: Resource) -> str:
    """``Kind`` for the core group, ``Kind.group`` for others; groups that were renamed count as the present one."""
    group = resource.group
    key = f"{resource.kind}.{group}" if group else resource.kind
    return GROUP_ALIASES.get(key, key)


class Filed:
    """An object as an index files it."""

    __slots__ = ("_workloads", "folder", "resource")

    def __init__(self, resource: Resource, workloads: Workloads) -> None:
        self.resource = resource
        self._workloads = workloads
        self.folder = folder_of(resource.origin)
        """The folder within which objects without a namespace join; empty where all join."""

    @property
    def spaces(self) -> Spaces:
        """The namespaces that it is filed under."""
        return filed_under(self.folder, self.resource.namespace)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return self._workloads(self.resource)

    def spaces_of(self, namespace: str) -> Spaces:
        """Where objects are looked for that it names in ``namespace``; empty for its own."""
        own = (namespace or DEFAULT_NAMESPACE) == (self.resource.namespace or DEFAULT_NAMESPACE)
        return self.spaces if own else filed_under(self.folder, namespace)

    @property
    def everywhere(self) -> str:
        """The key of what holds in every namespace."""
        return f"*{self.folder}"


Rows = Callable[[Filed], Iterable[tuple[Hashable, V]]]


class Index(Generic[V]):
    """What the objects of ``kinds`` put under which keys; ``rows`` may look at nothing but the object."""

    __slots__ = ("kinds", "rows")

    def __init__(self, kinds: Iterable[str], rows: Rows[V]) -> None:
        self.kinds = frozenset(kinds)
        self.rows = rows


_RUNNING: Index[Resource] = Index((WORKLOADS,), lambda filed: (("", filed.resource),))
"""Every object that runs pods, so that the others are asked but once."""
Read = tuple[Hashable, Hashable, bool]
"""An index, a key, and whether only the presence of something under it was asked; or the topic of a kept answer and
the question."""
ALL: Read = ("\0all", "", False)
"""The read of every object there is."""
_OF_KIND = "\0kind"
_ABSENT = object()


class _Table:
    """The rows of one index: under each key the values by their row numbers."""

    __slots__ = ("_unsorted", "buckets")

    def __init__(self) -> None:
        self.buckets: dict[Hashable, dict[int, Any]] = {}
        self._unsorted: set[Hashable] = set()

    def bucket(self, key: Hashable) -> dict[int, Any]:
        """Row to value, in the order of reading."""
        if self._unsorted and key in self._unsorted:
            self._unsorted.discard(key)
            self.buckets[key] = dict(sorted(self.buckets[key].items()))
        return self.buckets[key]

    def put(self, key: Hashable, row: int, value: Any) -> None:
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = {}
        elif row < next(reversed(bucket)):
            self._unsorted.add(key)
        bucket[row] = value

    def drop(self, key: Hashable, row: int) -> None:
        bucket = self.buckets[key]
        del bucket[row]
        if not bucket:
            del self.buckets[key]
            self._unsorted.discard(key)


class Store:
    """The objects of one world and every index over them that was asked for so far."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._objects: dict[int, Resource] = dict(enumerate(resources))
        self._ranks = {id(resource): rank for rank, resource in self._objects.items()}
        self._is_sorted = True
        self._next_rank = len(self._objects)
        self._tables: dict[Index[Any], _Table] = {}
        self._workloads: dict[int, tuple[Workload, ...]] = {}
        self._answers_until_change: dict[Hashable, Any] = {}
        """Those worked out while no reads were written down."""
        self._answers: dict[Hashable, Any] = {}
        self._reads_of: dict[Hashable, set[Read]] = {}
        self._answers_by_read: dict[Read, set[Hashable]] = {}
        self._about: dict[int, set[Hashable]] = {}
        """The kept answers about one object, which go with it."""
        self._log: dict[tuple[object, Hashable], tuple[bool, dict[int, Any]]] = {}
        self.trace: set[Read] | None = None
        """Where reads are written down; ``None`` where no one wants to know."""

    def __contains__(self, resource: Resource) -> bool:
        """Whether this very object is part of the world."""
        return id(resource) in self._ranks

    @property
    def resources(self) -> tuple[Resource, ...]:
        self._note(ALL)
        if not self._is_sorted:
            self._objects = dict(sorted(self._objects.items()))
            self._is_sorted = True
        return tuple(self._objects.values())

    def workloads_of(self, resource: Resource) -> tuple[Workload, ...]:
        """The workloads of a resource, built once; kept for the objects of the world."""
        found = self._workloads.get(id(resource))
        if found is None:
            found = workloads_of(resource)
            if id(resource) in self._ranks:
                self._workloads[id(resource)] = found
        return found

    def of_kind(self, kind: str) -> list[Resource]:
        self._note((_OF_KIND, kind, False))
        return list(self._by_kind.bucket(kind).values()) if kind in self._by_kind.buckets else []

    def find(self, index: Index[V], keys: Sequence[Hashable]) -> list[V]:
        """The values under any of ``keys``, in the order of reading."""
        table = self._tables.get(index) or self._build(index)
        if self.trace is not None:
            self.trace.update((index, key, False) for key in keys)
        buckets = table.buckets
        if not buckets:  # as most are of files: of routes, quotas, policies of plugins
            return []
        found = keys if len(keys) == 1 else [key for key in keys if key in buckets]
        if len(found) == 1:
            return list(table.bucket(found[0]).values()) if found[0] in buckets else []
        rows = {row: value for key in found for row, value in buckets[key].items()}
        return [rows[row] for row in sorted(rows)]

    def has(self, index: Index[V], keys: Sequence[Hashable]) -> bool:
        """Whether there is anything under one of ``keys``."""
        table = self._tables.get(index) or self._build(index)
        if self.trace is not None:
            self.trace.update((index, key, True) for key in keys)
        return any(key in table.buckets for key in keys)

    def once(self, question: Hashable, answer: Callable[[], T]) -> T:
        """``answer()``, kept until something changes that it read; where that is not written down, until any change."""
        kept: Any = None
        if self.trace is None:
            kept = self._answers_until_change.get(question, _ABSENT)
            if kept is _ABSENT:
                kept = self._answers_until_change[question] = answer()
            return kept  # type: ignore[no-any-return]
        if question not in self._answers:
            outer, inner = self.trace, set[Read]()
            self.trace = inner
            try:
                self._answers[question] = answer()
            except BaseException:
                outer |= inner
                raise
            finally:
                self.trace = outer
            self._reads_of[question] = inner
            for read in inner:
                self._answers_by_read.setdefault(read, set()).add(question)
        self.trace.add(_answer(question))
        return cast(T, self._answers[question])

    def about(self, resource: Resource, question: str, answer: Callable[[], T]) -> T:
        """As ``once``, for a question about one object of the world."""
        if id(resource) not in self._ranks:
            return answer()
        key = (question, id(resource))
        if self.trace is not None and key not in self._answers:
            self._about.setdefault(id(resource), set()).add(key)
        return self.once(key, answer)

    def change(self, removed: Iterable[Resource], added: Iterable[Resource]) -> set[Read]:
        """Takes objects out and puts others in, and names the reads that this makes stale.

        An added object with the id of a removed one takes its place in the order. What is ``removed`` are the
        very objects that were added.
        """
        self._answers_until_change.clear()
        ranks: dict[str, int] = {}
        stale: set[Read] = {ALL}
        for resource in removed:
            rank = self._ranks.pop(id(resource))
            ranks[resource.id] = rank
            self._take_out(resource, rank)
            for question in self._about.pop(id(resource), ()):
                if question in self._answers:
                    self._forget(question)
                    stale.add(_answer(question))
        for resource in added:
            rank = ranks.pop(resource.id, self._next_rank)
            self._next_rank = max(self._next_rank, rank + 1)
            self._is_sorted = self._is_sorted and rank == self._next_rank - 1
            self._put_in(resource, rank)
        return self._stale(stale)

    def kinds_behind(self, reads: Iterable[Read]) -> frozenset[str]:
        """The kinds of objects that can change what was read."""
        kinds: set[str] = set()
        waiting, seen = list(reads), set[Read]()
        while waiting:
            read = waiting.pop()
            if read in seen:
                continue
            seen.add(read)
            source, key, _ = read
            if isinstance(source, Index):
                kinds |= source.kinds
            elif key in self._reads_of:
                waiting += self._reads_of[key]
            else:
                kinds.add(str(key) if source == _OF_KIND else EVERY_KIND)
        return frozenset(kinds)

    def _put_in(self, resource: Resource, rank: int) -> None:
        self._objects[rank] = resource
        self._ranks[id(resource)] = rank
        for index, table, rows in self._rows(resource):
            for row, (key, value) in enumerate(rows, rank * ROWS_OF_ONE):
                self._remember(index, key, table.buckets.get(key, {}), row)
                table.put(key, row, value)

    def _take_out(self, resource: Resource, rank: int) -> None:
        for index, table, rows in self._rows(resource):
            for row, (key, _) in enumerate(rows, rank * ROWS_OF_ONE):
                self._remember(index, key, table.buckets[key], row)
                table.drop(key, row)
        del self._objects[rank]
        self._workloads.pop(id(resource), None)

    def _rows(self, resource: Resource) -> Iterator[tuple[object, _Table, Iterable[tuple[Hashable, Any]]]]:
        kind = kind_name(resource)
        filed = Filed(resource, self.workloads_of)
        yield _OF_KIND, self._by_kind, ((kind, resource),)
        for index, table in self._tables.items():
            if (
                kind in index.kinds
                or EVERY_KIND in index.kinds
                or (WORKLOADS in index.kinds and filed.workloads)
            ):
                yield index, table, tuple(index.rows(filed))

    def _remember(self, index: object, key: Hashable, bucket: dict[int, Any], row: int) -> None:
        """What stood in a row before the change at hand."""
        kept = self._log.get((index, key))
        if kept is None:
            kept = self._log[index, key] = (bool(bucket), {})
        kept[1].setdefault(row, bucket.get(row, _ABSENT))

    def _stale(self, stale: set[Read]) -> set[Read]:
        for (index, key), (was_there, before) in self._log.items():
            table = self._by_kind if index is _OF_KIND else self._tables[cast(Index[Any], index)]
            bucket = table.buckets.get(key, {})
            if any(_differs(bucket.get(row, _ABSENT), value) for row, value in before.items()):
                stale.add((index, key, False))
            if was_there != bool(bucket):
                stale.add((index, key, True))
        self._log.clear()
        waiting = list(stale)
        while waiting:
            for question in self._answers_by_read.pop(waiting.pop(), ()):
                if question in self._answers:
                    self._forget(question)
                    read = _answer(question)
                    stale.add(read)
                    waiting.append(read)
        return stale

    def _forget(self, question: Hashable) -> None:
        del self._answers[question]
        for read in self._reads_of.pop(question):
            askers = self._answers_by_read.get(read)
            if askers is not None:
                askers.discard(question)
                if not askers:
                    del self._answers_by_read[read]

    def _note(self, read: Read) -> None:
        if self.trace is not None:
            self.trace.add(read)

    @cached_property
    def _by_kind(self) -> _Table:
        table = _Table()
        for rank, resource in self._objects.items():
            table.put(kind_name(resource), rank * ROWS_OF_ONE, resource)
        return table

    def _build(self, index: Index[Any]) -> _Table:
        table = self._tables[index] = _Table()
        buckets = table.buckets
        for first, resource in self._chosen(index):
            for row, (key, value) in enumerate(index.rows(Filed(resource, self.workloads_of)), first):
                bucket = buckets.get(key)
                if bucket is None:
                    buckets[key] = {row: value}
                else:  # rows come in order here
                    bucket[row] = value
        return table

    def _chosen(self, index: Index[Any]) -> Iterable[tuple[int, Resource]]:
        """The objects of its kinds with their first rows, in the order of reading."""
        if index is _RUNNING:
            everything = self._objects.items()
            return (
                (rank * ROWS_OF_ONE, one)
                for rank, one in sorted(everything, key=_rank)
                if self.workloads_of(one)
            )
        if EVERY_KIND in index.kinds:
            return ((rank * ROWS_OF_ONE, one) for rank, one in sorted(self._objects.items(), key=_rank))
        by_kind = self._by_kind
        tables = [by_kind.bucket(kind) for kind in index.kinds if kind in by_kind.buckets]
        if WORKLOADS in index.kinds:
            running = self._tables.get(_RUNNING) or self._build(_RUNNING)
            if "" in running.buckets:
                tables.append(running.bucket(""))
        if len(tables) == 1:
            return tables[0].items()
        return sorted({row: one for table in tables for row, one in table.items()}.items(), key=_rank)


def _differs(new: object, old: object) -> bool:
    return new is not old and (new is _ABSENT or old is _ABSENT or new != old)


def _rank(entry: tuple[int, Resource]) -> int:
    return entry[0]


def _answer(question: Hashable) -> Read:
    """The read of a kept answer; its topic is how the question begins."""
    return question[0] if isinstance(question, tuple) else question, question, False
