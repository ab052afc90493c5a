"""Loads the probes into the kernel, attaches what this kernel has, reads their ring and tables, and leaves nothing behind.

Nothing is pinned: programs and tables end with the process, however that ends.
"""

import ctypes as c
import errno
import lzma
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.libbpf import RECORD_CALLBACK, Libbpf
from leadline.sources.ebpf.places import Places

OBJECTS = Path(__file__).parent / "objects"
_LARGEST_OBJECT = 8 << 20
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_REFUSED = re.compile(r"prog '(\w+)': failed to load")
_TYPEDEF = 8
"""Kind of a BTF type."""
COUNTERS = ("sent", "lost", "repeated", "collapsed", "unowned")
"""In the order of the kernel side's ``counter``."""


class LoadSettings(Struct, frozen=True):
    ring_bytes: int = 8 << 20
    """A power of two, 4096 at least."""
    with_host: bool = False
    with_repeats: bool = False
    with_processes: bool = False
    with_environment: bool = False
    repeat_after_s: float = 3600.0
    file_budget: int = 400
    other_budget: int = 400
    without: frozenset[str] = frozenset()
    """Programs that are not to be loaded."""


def read_object(machine: str = "") -> bytes:
    """The compiled probes for ``machine``, by default this one. Raises: ``SourceError`` where there are none."""
    name = _MACHINES.get(machine or platform.machine())
    path = OBJECTS / f"{name}.bpf.o.xz"
    if name is None or not path.is_file():
        raise SourceError(
            f"no probes for processors of type {machine or platform.machine()}",
            hint="there are x86_64 and aarch64",
        )
    return lzma.LZMADecompressor().decompress(path.read_bytes(), _LARGEST_OBJECT)


def load_probes(content: bytes, settings: LoadSettings, places: Places) -> "LoadedProbes":
    """Loads all that this kernel takes. A program that it refuses disables only itself, or those of its type.

    Raises: ``SourceError`` where none can be loaded.
    """
    refused: dict[str, str] = {}
    while True:
        probes = LoadedProbes(content, replace(settings, without=settings.without | refused.keys()), places)
        try:
            name = probes.load()
        except SourceError:
            probes.close()
            raise
        if not name:
            probes.off.update(refused)
            return probes
        probes.close()
        kind = probes.types.programs()[name].partition("/")[0]
        same = probes.types.programs().items()
        # The network's programs need CAP_NET_ADMIN, all of them.
        names = [one for one, section in same if kind.startswith("cgroup") and section.startswith("cgroup")]
        refused |= dict.fromkeys(names or [name], "the kernel refuses to load it")


def _give_memory_back() -> None:
    """To load, libbpf reads the types of the kernel and frees them: 9 MiB, which glibc would keep. Other C libraries do not."""
    trim = getattr(c.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class LoadedProbes:
    """The object in the kernel. ``off`` says of each program that does not run why."""

    def __init__(self, content: bytes, settings: LoadSettings, places: Places) -> None:
        """Opens without loading. Raises: ``SourceError``."""
        self.types = ObjectTypes(content)
        self.off: dict[str, str] = {}
        self._lib = Libbpf()
        self._problems: list[str] = []
        self._lib.hear(self._problems.append)
        self._content = content
        self._places = places
        self._links: dict[str, int] = {}
        self._ring = 0
        self._callback: object = None
        self._object = self._lib.bpf_object__open_mem(content, len(content), None)
        if not self._object:
            raise SourceError("libbpf cannot open the probes: " + os.strerror(c.get_errno()))
        self._programs = {
            self._lib.bpf_program__name(one).decode(): one for one in self._next("bpf_object__next_program")
        }
        self._sections = self.types.programs()
        self._set(settings)
        kernel = self._lib.btf__load_vmlinux_btf()
        for name in self._programs:
            self._choose(name, settings, kernel)
        self._lib.btf__free(kernel)

    def load(self) -> str:
        """The program that the kernel refused, empty where all are loaded.

        Raises: ``SourceError`` with what is missing where all programs need it.
        """
        code = self._lib.bpf_object__load(self._object)
        if not code:
            _give_memory_back()
            return ""
        refused = _REFUSED.search("\n".join(self._problems))
        if refused is not None:
            return refused[1]
        if -code in (errno.EPERM, errno.EACCES):
            hint = "run it as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"
            raise SourceError("the kernel does not let this process load BPF programs", hint=hint)
        problem = " ".join(" ".join(self._problems[-3:]).split())[-300:]
        raise SourceError(f"the kernel refused the probes: {os.strerror(-code)}: {problem}")

    def attach(self, *, only: frozenset[str] | None = None) -> None:
        """Attaches what is not yet; ``only`` these."""
        for name, program in self._programs.items():
            wanted = only is None or name in only
            if not wanted or name in self.off or name in self._links or self._is_iterator(name):
                continue
            if self._sections[name].startswith("cgroup"):
                link = self._lib.bpf_program__attach_cgroup(program, self._places.cgroup_fd)
            else:
                link = self._lib.bpf_program__attach(program)
            if link:
                self._links[name] = link
            else:
                self.off[name] = f"cannot be attached: {os.strerror(c.get_errno()).lower()}"

    def detach(self, name: str) -> None:
        link = self._links.pop(name, 0)
        if link:
            self._lib.bpf_link__destroy(link)

    @property
    def attached(self) -> frozenset[str]:
        return frozenset(self._links)

    def iterate(self, name: str) -> None:
        """Runs an iterator to its end; what it finds is in the ring then."""
        if name in self.off:
            return
        link = self._lib.bpf_program__attach_iter(self._programs[name], None)
        if not link:
            self.off[name] = f"cannot be attached: {os.strerror(c.get_errno()).lower()}"
            return
        number = self._lib.bpf_iter_create(self._lib.bpf_link__fd(link))
        try:
            if number >= 0:
                while os.read(number, 4096):
                    pass
        finally:
            if number >= 0:
                os.close(number)
            self._lib.bpf_link__destroy(link)

    def open_ring(self, take: Callable[[bytes], None]) -> int:
        """The descriptor that is readable when the ring fills; ``drain`` gives every record to ``take``."""

        def callback(_: int, record: int, size: int) -> int:
            take(c.string_at(record, size))
            return 0

        self._callback = RECORD_CALLBACK(callback)
        self._ring = self._lib.ring_buffer__new(self._map("records"), self._callback, None, None)
        if not self._ring:
            raise SourceError("the ring of records cannot be opened: " + os.strerror(c.get_errno()))
        return int(self._lib.ring_buffer__epoll_fd(self._ring))

    def drain(self) -> int:
        """How many records there were."""
        return int(self._lib.ring_buffer__consume(self._ring))

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """By kind of record: sent, lost, repeated, collapsed, and those of no known process."""
        kinds = {number: name for name, number in self.types.numbers("RECORD_EXEC").items()}
        processors = self._lib.libbpf_num_possible_cpus()
        values = (c.c_uint64 * processors)()
        found: dict[str, dict[str, int]] = {}
        table = self._map("counts")
        for index in range(len(kinds) * len(COUNTERS)):
            if self._lib.bpf_map_lookup_elem(table, c.byref(c.c_uint32(index)), values) == 0 and sum(values):
                kind = kinds.get(index // len(COUNTERS), "?").removeprefix("RECORD_").lower()
                found.setdefault(kind, {})[COUNTERS[index % len(COUNTERS)]] = sum(values)
        return found

    def rows(self, table: str, size: int) -> Iterator[tuple[int, bytes]]:
        """Key and value of each row of a table whose keys are of eight bytes."""
        descriptor = self._map(table)
        key, following = c.c_uint64(), c.c_uint64()
        value = c.create_string_buffer(size)
        before = None
        while self._lib.bpf_map_get_next_key(descriptor, before, c.byref(following)) == 0:
            key.value = following.value
            before = c.byref(key)
            if self._lib.bpf_map_lookup_elem(descriptor, before, value) == 0:
                yield key.value, value.raw

    def remove_row(self, table: str, key: int) -> None:
        self._lib.bpf_map_delete_elem(self._map(table), c.byref(c.c_uint64(key)))

    def read_variable(self, name: str) -> int:
        offset, size = self.types.constants(".bss")[name]
        return int.from_bytes(self._variables()[offset : offset + size], "little")

    def write_variable(self, name: str, value: int) -> None:
        """Not while programs that write variables run: these are the iterators alone."""
        offset, size = self.types.constants(".bss")[name]
        content = bytearray(self._variables())
        content[offset : offset + size] = value.to_bytes(size, "little")
        key = c.c_uint32(0)
        self._lib.bpf_map_update_elem(self._bss()[0], c.byref(key), bytes(content), 0)

    def _variables(self) -> bytes:
        descriptor, size = self._bss()
        value = c.create_string_buffer(size)
        self._lib.bpf_map_lookup_elem(descriptor, c.byref(c.c_uint32(0)), value)
        return value.raw

    def _bss(self) -> tuple[int, int]:
        pointer, size = self._section_map(".bss")
        return int(self._lib.bpf_map__fd(pointer)), size

    def close(self) -> None:
        """Detaches everything. The ring goes before its map."""
        if self._ring:
            self._lib.ring_buffer__free(self._ring)
            self._ring = 0
            self._callback = None
        for name in tuple(self._links):
            self.detach(name)
        if self._object:
            self._lib.bpf_object__close(self._object)
            self._object = 0

    def _choose(self, name: str, settings: LoadSettings, kernel: int) -> None:
        kind, _, rest = (section := self._sections.get(name, "")).partition("/")
        why = "switched off" if name in settings.without else self._places.missing(section)
        if kind == "tp_btf" and kernel:
            found = self._lib.btf__find_by_name_kind(kernel, f"btf_trace_{rest}".encode(), _TYPEDEF)
            why = why or ("this kernel has no such tracepoint" if found <= 0 else "")
        if why:
            self.off[name] = why
            self._lib.bpf_program__set_autoload(self._programs[name], False)

    def _set(self, settings: LoadSettings) -> None:
        numbers = {
            "with_host": settings.with_host,
            "with_repeats": settings.with_repeats,
            "with_processes": settings.with_processes,
            "with_environment": settings.with_environment,
            "repeat_after_ns": int(settings.repeat_after_s * 1e9),
            "wake_bytes": settings.ring_bytes // 4,
            "file_budget": settings.file_budget,
            "other_budget": settings.other_budget,
        }
        for name, value in numbers.items():
            at, size = self._constant(name)
            c.memmove(at, int(value).to_bytes(size, "little"), size)
        self._lib.bpf_map__set_max_entries(self._map_pointer("records"), settings.ring_bytes)

    def _constant(self, name: str) -> tuple[int, int]:
        offset, size = self.types.constants(".rodata")[name]
        pointer, _ = self._section_map(".rodata")
        return int(self._lib.bpf_map__initial_value(pointer, c.byref(c.c_size_t()))) + offset, size

    def _section_map(self, section: str) -> tuple[int, int]:
        """Pointer and size of the map of a section of variables."""
        length = c.c_size_t()
        for one in self._next("bpf_object__next_map"):
            if self._lib.bpf_map__name(one).decode().endswith(section):
                self._lib.bpf_map__initial_value(one, c.byref(length))
                return one, length.value
        raise KeyError(section)

    def _next(self, function: str) -> Iterator[int]:
        one = getattr(self._lib, function)(self._object, None)
        while one:
            yield one
            one = getattr(self._lib, function)(self._object, one)

    def _map(self, name: str) -> int:
        return int(self._lib.bpf_map__fd(self._map_pointer(name)))

    def _map_pointer(self, name: str) -> int:
        return int(self._lib.bpf_object__find_map_by_name(self._object, name.encode()))

    def _is_iterator(self, name: str) -> bool:
        return self._sections.get(name, "").startswith("iter/")
