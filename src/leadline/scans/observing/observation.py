"""Watches the containers of one node: redacted events with the container that each belongs to, losses, profiles.

Nothing here waits: a program calls ``read`` when the ring is readable, and ``tend`` now and then.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol, TypeAlias

from msgspec import Struct

from leadline.model.container import HOST as HOST_CONTAINER
from leadline.model.container import Container
from leadline.model.event import HOST, SNAPSHOT, CallLearned, CallUsed, Event, Executed, Forked
from leadline.model.profile import BLIND, LOST, NO_CAPABILITIES, Profile
from leadline.runtime.continuing import continued
from leadline.runtime.identity import identity_of
from leadline.runtime.learning import Recorder
from leadline.runtime.needs import CAPABILITIES, blind
from leadline.scans.observing.redacting import redacted_event
from leadline.sources.ebpf.event_source import EventSource, KernelContainer
from leadline.sources.ebpf.loading import LoadSettings

MOST_WAITING = 5_000
"""Events whose container is not known yet."""
WAITING_NS = 10_000_000_000
NAMES_WAIT_NS = 5_000_000_000
"""So long events wait for the names of their container; then what is known has to do, until the names come."""
MOST_CONTAINERS = 4_096
MOST_PROGRAMS = 16_384
KEPT_SWEEPS = 2
"""A namespace that no process was in for so many sweeps has ended."""
Seen: TypeAlias = tuple[Event, Container | None]
"""``None`` where no control group says whose the process is."""


Details: TypeAlias = Callable[[Container], tuple[Container, bool]]
"""What the container runtime and the cluster know of a container by now, and whether that is all there will be."""


class Source(Protocol):
    """What ``EventSource`` offers; tests replay records."""

    ring_fd: int

    @property
    def unreadable(self) -> int: ...
    @property
    def working(self) -> frozenset[str]: ...
    def read(self) -> list[Event]: ...
    def sweep(self) -> int: ...
    def containers(self) -> Iterator[KernelContainer]: ...
    def forget(self, ns_id: int) -> None: ...
    def syscalls(self) -> Mapping[int, frozenset[str]]: ...
    def learn_syscalls(self, is_wanted: bool) -> None: ...
    def host_ns_id(self) -> int: ...
    def counts(self) -> Mapping[str, Mapping[str, int]]: ...
    def close(self) -> None: ...


class ObserveSettings(Struct, frozen=True):
    with_host: bool = False
    with_repeats: bool = False
    """Everything, not only what is done for the first time."""
    with_processes: bool = False
    with_others: bool = False
    """Processes in mount namespaces of their own that are in no container."""
    environment: frozenset[str] = frozenset()
    """Names of variables that are looked for at each execution."""
    ring_bytes: int = 8 << 20
    file_budget: int = 400
    other_budget: int = 400
    learns: bool = True
    learning_s: float = 24 * 3600.0
    """So long a container is learned from its first event; then its profile stays as it is."""


def open_source(settings: ObserveSettings) -> EventSource:
    """Raises: ``SourceError`` with what is missing."""
    load = LoadSettings(
        ring_bytes=settings.ring_bytes,
        with_host=settings.with_host,
        with_repeats=settings.with_repeats,
        with_processes=settings.with_processes,
        with_environment=bool(settings.environment),
        file_budget=settings.file_budget,
        other_budget=settings.other_budget,
        without=frozenset() if settings.learns else frozenset({"on_syscall"}),
    )
    return EventSource(load)


class Observation:
    def __init__(
        self,
        source: Source,
        settings: ObserveSettings,
        details: Details = lambda container: (container, True),
    ) -> None:
        self._source = source
        self._settings = settings
        self._details = details
        self._owners: dict[int, Container | None] = {}
        self._unnamed: dict[int, tuple[int, Container]] = {}
        """By namespace, since when its container waits for its names."""
        self._provisional: dict[int, Container] = {}
        """Those that waited long enough: named by what was known, and by their names once these come."""
        self._missed: dict[int, None] = {}
        """Namespaces of events that waited in vain: their profiles are not complete."""
        self._before: dict[str, Profile] = {}
        """What an earlier agent recorded, by container."""
        self._learned: set[str] = set()
        """Those of them whose learning was over."""
        self._since_ns: dict[str, int] = {}
        """And when that of the others began."""
        self._has_found = False
        """A container became known since the events that wait were looked at."""
        self._recorders: OrderedDict[str, Recorder] = OrderedDict()
        self._programs: OrderedDict[int, str] = OrderedDict()
        self._waiting: deque[tuple[int, Event]] = deque()
        self._now_ns = 0
        self._learns_syscalls = settings.learns
        self.watches_calls = False
        """Whether a rule asks about system calls: then they are learned for as long as it runs."""
        self._blind_for = [answer for answer, _ in blind(source.working)]
        self.nameless: Counter[str] = Counter()
        """Events that no container was found for, by kind."""
        self.late: Counter[str] = Counter()
        """Events that waited for their container, by kind."""
        self._late_in: dict[int, Counter[str]] = {}
        """The same by namespace, for as long as that exists."""
        self.events: Counter[str] = Counter()

    def read(self, now_ns: int) -> list[Seen]:
        """What arrived since the last call, in the order of time. ``now_ns`` counts from the start of the node."""
        self._now_ns = now_ns
        found = self._named()
        for raw in self._source.read():
            event = redacted_event(raw, self._settings.environment)
            self._learn_identity(event)
            is_known = event.ns_id in self._owners and event.ns_id not in self._unnamed
            if is_known or event.flags & HOST:
                found += self._seen(event)
            elif len(self._waiting) < MOST_WAITING:
                self._waiting.append((event.at_ns, event))
                self.late[_kind(event)] += 1
                self._late_in.setdefault(event.ns_id, Counter())[_kind(event)] += 1
            else:
                self._give_up(event)
        if self._has_found and self._waiting:
            found = sorted([*found, *self._release()], key=_time)
        self._has_found = False
        return found

    def _named(self) -> list[Seen]:
        """Events whose container has got its names, or has waited long enough for them."""
        ready = []
        for ns_id, (since_ns, container) in self._unnamed.items():
            known, is_all = self._details(container)
            if is_all or self._now_ns - since_ns > NAMES_WAIT_NS:
                self._owners[ns_id] = known
                ready.append(ns_id)
                if not is_all:
                    self._provisional[ns_id] = container
        for ns_id in ready:
            del self._unnamed[ns_id]
        return self._release() if ready else []

    def _name_later(self) -> None:
        """Gives their names to containers whose first events had to go without."""
        for ns_id, container in tuple(self._provisional.items()):
            known, is_all = self._details(container)
            if known != self._owners[ns_id]:
                self._owners[ns_id] = known
                if known.id in self._recorders:
                    self._recorders[known.id].container = known
            if is_all:
                del self._provisional[ns_id]

    def _release(self) -> list[Seen]:
        found: list[Seen] = []
        for _ in range(len(self._waiting)):
            at_ns, event = self._waiting.popleft()
            if event.ns_id in self._owners and event.ns_id not in self._unnamed:
                found += self._seen(event)
            elif self._now_ns - at_ns < WAITING_NS:
                self._waiting.append((at_ns, event))
            else:
                self._give_up(event)
                self._source.forget(event.ns_id)  # the next sweep sends its processes
        return found

    def _give_up(self, event: Event) -> None:
        self.nameless[_kind(event)] += 1
        self._missed[event.ns_id] = None
        if len(self._missed) > MOST_CONTAINERS:
            del self._missed[next(iter(self._missed))]

    def flush(self) -> list[Seen]:
        """At the end: everything that waits, by the names that there are."""
        for ns_id, (_, container) in self._unnamed.items():
            self._owners[ns_id], _ = self._details(container)
        self._unnamed.clear()
        return self._release()

    def tend(self) -> list[Seen]:
        """Once in a while: events whose container became known, sweeps out what ended, and notes what was lost."""
        self._name_later()
        found = self._release()
        sweep = self._source.sweep()
        learned = self._note()
        wants_calls = bool(learned) or self.watches_calls
        if self._settings.learns and wants_calls != self._learns_syscalls:
            # Each system call of the node pays for it, so it goes as soon as no container is learned.
            self._learns_syscalls = wants_calls
            self._source.learn_syscalls(self._learns_syscalls)
        if len(self._late_in) > MOST_CONTAINERS:
            self._late_in = {ns_id: late for ns_id, late in self._late_in.items() if ns_id in self._owners}
        for row in tuple(self._source.containers()):
            if sweep - row.last_sweep >= KEPT_SWEEPS and row.executed_ns < self._now_ns - WAITING_NS:
                self._source.forget(row.ns_id)
                ended = self._owners.pop(row.ns_id, None)
                self._unnamed.pop(row.ns_id, None)
                self._provisional.pop(row.ns_id, None)
                self._late_in.pop(row.ns_id, None)
                if ended is not None and ended.id in self._recorders and ended not in self._owners.values():
                    self._recorders[ended.id].has_ended = True
        return found

    def continue_with(self, profiles: Iterable[Profile], written_s: float, booted_s: float) -> None:
        """Takes up what an earlier agent recorded until ``written_s``: at the beginning, before the first ``read``.

        ``booted_s``: when the node was started, since 1970.
        """
        for profile in islice(profiles, MOST_CONTAINERS):
            self._before[profile.container.id] = profile
            if profile.since_s and profile.since_s + self._settings.learning_s <= written_s:
                self._learned.add(profile.container.id)
            else:
                self._since_ns[profile.container.id] = int((profile.since_s - booted_s) * 1e9)

    def profiles(self, booted_s: float = 0.0) -> list[Profile]:
        """Of every container that is remembered, as of now. ``booted_s``: when the node was started, since 1970."""
        self._name_later()
        self._note()
        found = {id: one.profile(booted_s) for id, one in self._recorders.items()}
        for id, before in self._before.items():
            is_whole = id not in found or id in self._learned
            found[id] = before if is_whole else continued(before, found[id])
        return list(found.values())

    def learned(self, booted_s: float, known: Mapping[str, object]) -> Iterator[tuple[Container, Profile]]:
        """Containers that are not in ``known``, by id, whose profile is complete: learned for the whole time, and without a hole."""
        for id, recorder in self._recorders.items():
            if id not in known and recorder.is_whole:
                yield recorder.container, recorder.profile(booted_s)

    def program_of(self, exe_id: int) -> str:
        """The path of the program with this id, empty where it was never seen to start."""
        return self._programs.get(exe_id, "")

    @property
    def containers(self) -> tuple[Container, ...]:
        return tuple(one.container for one in self._recorders.values())

    @property
    def running(self) -> tuple[Container, ...]:
        """Those of which a process was there a moment ago, as they are named by now."""
        return tuple({one.id: one for one in self._owners.values() if one is not None}.values())

    @property
    def unreadable(self) -> int:
        """Records that no decoder understood."""
        return self._source.unreadable

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """By kind of record: sent, lost, repeated, collapsed, unowned."""
        return self._source.counts()

    def counts_of_containers(self) -> Iterator[tuple[Container, str, str, int]]:
        """Of every container that exists and is not seen whole: kind, ``lost``, ``collapsed`` or ``late``, how many."""
        for row in tuple(self._source.containers()):
            container = self._owners.get(row.ns_id)
            if container is None:
                continue
            for outcome, counted in (("lost", row.lost), ("collapsed", row.collapsed)):
                for kind, number in sorted(counted.items()):
                    yield container, kind, outcome, number
        for ns_id, late in self._late_in.items():
            container = self._owners.get(ns_id)
            if container is not None:
                yield from ((container, kind, "late", number) for kind, number in sorted(late.items()))

    def close(self) -> None:
        self._source.close()

    def _note(self) -> int:
        """What only the kernel's tables say of each container: losses and system calls. The number that are being learned."""
        used = self._source.syscalls() if self._settings.learns else {}
        for row in tuple(self._source.containers()):
            container = self._owners.get(row.ns_id)
            recorder = self._recorders.get(container.id) if container is not None else None
            if recorder is not None and not recorder.has_ended:
                recorder.note(row.ns_id, used.get(row.ns_id, frozenset()), row.lost, row.collapsed)
        for ns_id in tuple(self._missed):
            container = self._owners.get(ns_id)
            recorder = self._recorders.get(container.id) if container is not None else None
            if recorder is not None:
                recorder.partial(LOST)
                del self._missed[ns_id]
        longest_ns = int(self._settings.learning_s * 1e9)
        for recorder in self._recorders.values():
            if not recorder.has_ended and self._now_ns - recorder.since_ns >= longest_ns:
                recorder.has_ended = recorder.has_learned = True
        return sum(1 for one in self._recorders.values() if not one.has_ended)

    def _learn_identity(self, event: Event) -> None:
        if isinstance(event, Forked) and event.child_ns_id and event.child_ns_id not in self._owners:
            # A namespace that a process of a container made for itself is still that container.
            if event.ns_id in self._owners:
                self._owners[event.child_ns_id] = self._owners[event.ns_id]
                if event.ns_id in self._unnamed:
                    self._unnamed[event.child_ns_id] = self._unnamed[event.ns_id]
                else:
                    self._has_found = True
                if event.ns_id in self._provisional:
                    self._provisional[event.child_ns_id] = self._provisional[event.ns_id]
            return
        if not isinstance(event, Executed):
            return
        self._programs[event.exe_id] = event.path
        self._programs.move_to_end(event.exe_id)
        if len(self._programs) > MOST_PROGRAMS:
            self._programs.popitem(last=False)
        if event.ns_id in self._owners or event.flags & HOST:
            return
        identity = identity_of(event.cgroup, event.parent_cgroup)
        if identity is None:
            self._owners[event.ns_id] = None
            self._has_found = True
            return
        container = Container(identity.container_id, pod_uid=identity.pod_uid)
        self._owners[event.ns_id], is_all = self._details(container)
        if is_all:
            self._has_found = True
        else:
            self._unnamed[event.ns_id] = (self._now_ns, container)

    def _seen(self, event: Event) -> Iterator[Seen]:
        container = HOST_CONTAINER if event.flags & HOST else self._owners.get(event.ns_id)
        if container is None and not self._settings.with_others:
            self.nameless[_kind(event)] += 1
            return
        self.events[_kind(event)] += 1
        if container is not None and self._settings.learns:
            self._recorder(container, event).add(event, self.program_of(event.exe_id))
        if not isinstance(event, CallLearned):
            yield event, container
        elif self.watches_calls:
            yield _call_used(event), container

    def _recorder(self, container: Container, event: Event) -> Recorder:
        """``event`` is the first of its container, where that is new here."""
        recorder = self._recorders.get(container.id)
        if recorder is None:
            recorder = self._recorders[container.id] = Recorder(container, event.at_ns)
            if self._blind_for:
                recorder.partial(NO_CAPABILITIES if self._blind_for == [CAPABILITIES] else BLIND)
            if event.flags & SNAPSHOT:
                recorder.has_ended = container.id in self._learned
                recorder.since_ns = self._since_ns.get(container.id, event.at_ns)
            else:
                # Another container that is called as one was before.
                self._before.pop(container.id, None)
            if not self._learns_syscalls and not recorder.has_ended:
                self._learns_syscalls = True
                self._source.learn_syscalls(True)
            if len(self._recorders) > MOST_CONTAINERS:
                ended = (id for id, one in self._recorders.items() if one.has_ended)
                del self._recorders[next(ended, next(iter(self._recorders)))]
        return recorder


def _time(seen: Seen) -> int:
    return seen[0].at_ns


def _call_used(event: CallLearned) -> CallUsed:
    head = (event.at_ns, event.ns_id, event.exe_id, event.pid, event.parent_pid, event.uid, event.program)
    return CallUsed(*head, event.flags, call=event.call)


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)
