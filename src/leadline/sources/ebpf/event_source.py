"""The probes in the kernel as a source of events: attach, read, count, sweep, close.

Events come raw, with arguments and addresses as they were: ``scans.observing`` redacts them first.
"""

import struct
from collections.abc import Iterator, Mapping

from msgspec import Struct

from leadline.discover import discover
from leadline.errors import SourceError
from leadline.model.event import Event
from leadline.sources.ebpf import probes as probe_package
from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.loading import LoadSettings, load_probes, read_object
from leadline.sources.ebpf.places import Places, require_btf
from leadline.sources.ebpf.probe import HEAD, Decoder, Probe, program_name
from leadline.sources.ebpf.syscall_names import syscall_names

_KIND_AT = 24
"""Where the kind is in the head of a record."""


class KernelContainer(Struct, frozen=True):
    """What the kernel keeps of one mount namespace."""

    ns_id: int
    executed_ns: int
    """When something was last executed in it, since the node was started."""
    was_there: bool
    """Before the agent."""
    last_sweep: int
    lost: Mapping[str, int]
    collapsed: Mapping[str, int]


class RecordReader:
    """Decodes records by the layouts of one object. Needs no kernel."""

    def __init__(self, types: ObjectTypes) -> None:
        """Raises: ``SourceError`` where the object is not of this version."""
        numbers = types.numbers("RECORD_EXEC")
        self.kinds = {number: name.removeprefix("RECORD_").lower() for name, number in numbers.items()}
        self._decoders: dict[int, tuple[struct.Struct, int, Decoder]] = {}
        for probe in all_probes():
            for decoder in probe.decoders:
                layout = types.layout(decoder.layout, tail=decoder.tail)
                if layout.names != HEAD + decoder.fields:
                    raise SourceError(f"the probes are of another version: {decoder.layout} differs")
                self._decoders[numbers[decoder.kind]] = struct.Struct(layout.format), layout.tail_at, decoder
        self.unreadable = 0
        """Records that no decoder understood."""

    def event(self, record: bytes) -> Event | None:
        found = self._decoders.get(record[_KIND_AT] if len(record) > _KIND_AT else 0)
        if found is None or len(record) < found[1]:
            self.unreadable += 1
            return None
        form, tail_at, decoder = found
        at_ns, ns_id, exe_id, _, flags, pid, parent_pid, uid, _, _, program, *fields = form.unpack_from(
            record
        )
        head = (at_ns, ns_id, exe_id, pid, parent_pid, uid, program_name(program), flags)
        event = decoder.decode(head, tuple(fields), record[tail_at:])
        if event is None:
            self.unreadable += 1
        return event


class EventSource:
    """Attached probes. Nothing of them is left once this is closed or the process has ended."""

    def __init__(self, settings: LoadSettings) -> None:
        """Raises: ``SourceError`` with what is missing where nothing can be loaded."""
        require_btf()
        self._places = Places()
        try:
            self.probes = load_probes(read_object(), settings, self._places)
        except SourceError:
            self._places.close()
            raise
        self._container_layout = self.probes.types.layout("container")
        self._container_form = struct.Struct(self._container_layout.format)
        self.reader = RecordReader(self.probes.types)
        self._arrived: list[bytes] = []
        self._sweep = 0
        self.ring_fd = self.probes.open_ring(self._arrived.append)
        # What a node is must be known before the first event, and what was there before is not missed in between.
        self.sweep()
        self.probes.attach()
        self.sweep()
        self.probes.iterate("snapshot_maps")

    @property
    def unreadable(self) -> int:
        """Records that no decoder understood."""
        return self.reader.unreadable

    @property
    def working(self) -> frozenset[str]:
        """Names of the probes of which some program runs."""
        off = self.probes.off.keys()
        return frozenset(one.name for one in all_probes() if not off >= set(one.programs))

    def read(self) -> list[Event]:
        """What arrived, in the order of time: two processors write the ring in turn."""
        self.probes.drain()
        records = self._arrived.copy()
        self._arrived.clear()
        events = [event for event in map(self.reader.event, records) if event is not None]
        events.sort(key=_time)
        return events

    def sweep(self) -> int:
        """Looks at all processes: what is new is in the ring, and what lives is marked. The number of the sweep."""
        self._sweep += 1
        self.probes.write_variable("sweep", self._sweep)
        self.probes.iterate("snapshot_processes")
        return self._sweep

    def containers(self) -> Iterator[KernelContainer]:
        names = self._container_layout.names
        for ns_id, raw in tuple(self.probes.rows("containers", self._container_layout.size)):
            row = dict(zip(names, self._container_form.unpack_from(raw), strict=True))
            yield KernelContainer(
                ns_id,
                row["executed_ns"],
                was_there=row["found_sweep"] != 0,
                last_sweep=row["sweep"],
                lost=self._by_kind(row["lost"]),
                collapsed=self._by_kind(row["collapsed"]),
            )

    def forget(self, ns_id: int) -> None:
        """Makes room for another container. If it still lives, the next sweep finds it."""
        self.probes.remove_row("containers", ns_id)
        self.probes.remove_row("syscalls_used", ns_id)

    def syscalls(self) -> Mapping[int, frozenset[str]]:
        """Names of the system calls used, by namespace."""
        names = syscall_names()
        found = {}
        for ns_id, raw in tuple(self.probes.rows("syscalls_used", 64)):
            bits = int.from_bytes(raw, "little")
            found[ns_id] = frozenset(
                names.get(number, str(number)) for number in range(512) if bits >> number & 1
            )
        return found

    def learn_syscalls(self, is_wanted: bool) -> None:
        """Attaches or detaches what costs every system call of the node."""
        if is_wanted:
            self.probes.attach(only=frozenset({"on_syscall"}))
        else:
            self.probes.detach("on_syscall")

    def host_ns_id(self) -> int:
        return self.probes.read_variable("host_ns_id")

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self.probes.counts()

    def close(self) -> None:
        self.probes.close()
        self._places.close()

    def _by_kind(self, raw: bytes) -> Mapping[str, int]:
        numbers = struct.unpack(f"<{len(raw) // 4}I", raw)
        return {self.reader.kinds[kind]: number for kind, number in enumerate(numbers) if number}


def all_probes() -> list[Probe]:
    return discover(probe_package, Probe)


def _time(event: Event) -> int:
    return event.at_ns
