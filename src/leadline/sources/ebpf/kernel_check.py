"""Tries what this kernel allows, by loading and attaching every probe once."""

from msgspec import Struct

from leadline.errors import SourceError
from leadline.sources.ebpf.event_source import EventSource, all_probes
from leadline.sources.ebpf.loading import LoadSettings


class ProbeState(Struct, frozen=True, rename="camel"):
    name: str
    gives: str
    works: bool
    """Some part of it."""
    off: dict[str, str]
    """Why, by program; empty where all of them run."""


class KernelCheck(Struct, frozen=True, rename="camel"):
    probes: tuple[ProbeState, ...]
    problem: str = ""
    """Why nothing runs at all."""


def check_kernel() -> KernelCheck:
    """Never raises: what is missing is in the answer."""
    try:
        source = EventSource(LoadSettings(ring_bytes=1 << 16))
    except SourceError as error:
        nothing = tuple(ProbeState(one.name, one.gives, works=False, off={}) for one in all_probes())
        return KernelCheck(nothing, str(error))
    try:
        return KernelCheck(states_of(source))
    finally:
        source.close()


def states_of(source: EventSource) -> tuple[ProbeState, ...]:
    states = []
    for probe in all_probes():
        off = {name: why for name, why in source.probes.off.items() if name in probe.programs}
        states.append(ProbeState(probe.name, probe.gives, works=len(off) < len(probe.programs), off=off))
    return tuple(states)
