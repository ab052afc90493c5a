"""A source of events that replays what a test lays out."""

from collections.abc import Iterator, Mapping

from leadline.model.event import Event, Executed
from leadline.runtime.needs import NEEDS
from leadline.sources.ebpf.event_source import KernelContainer

SECOND = 1_000_000_000


class Replayed:
    """A source that gives what a test lays out."""

    ring_fd = -1
    unreadable = 0
    working = frozenset(name for names in NEEDS.values() for name in names)

    def __init__(self) -> None:
        self.next: list[Event] = []
        self.rows: dict[int, KernelContainer] = {}
        self.used: dict[int, frozenset[str]] = {}
        self.learning: list[bool] = []
        self.forgotten: list[int] = []
        self._sweeps = 0
        self.living: set[int] = set()

    def read(self) -> list[Event]:
        events, self.next = self.next, []
        return events

    def sweep(self) -> int:
        self._sweeps += 1
        return self._sweeps

    def containers(self) -> Iterator[KernelContainer]:
        for ns_id, row in self.rows.items():
            seen = self._sweeps if ns_id in self.living else row.last_sweep
            yield KernelContainer(ns_id, row.executed_ns, row.was_there, seen, row.lost, row.collapsed)

    def forget(self, ns_id: int) -> None:
        self.forgotten.append(ns_id)

    def syscalls(self) -> Mapping[int, frozenset[str]]:
        return self.used

    def learn_syscalls(self, is_wanted: bool) -> None:
        self.learning.append(is_wanted)

    def host_ns_id(self) -> int:
        return 1

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return {}

    def close(self) -> None:
        pass


def head(at_ns: int, ns_id: int, flags: int = 0) -> tuple[int, int, int, int, int, int, str, int]:
    return at_ns, ns_id, 77, 100, 1, 0, "sh", flags


def started(at_ns: int, ns_id: int, cgroup: str, flags: int = 0) -> Executed:
    return Executed(*head(at_ns, ns_id, flags), path="/bin/sh", arguments=("sh",), cgroup=cgroup)
