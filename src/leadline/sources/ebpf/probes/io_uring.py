"""Requests of io_uring; see ``io_uring.bpf.c``."""

from leadline.model.event import RingUsed
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def ring_used(head: Head, fields: Fields, texts: tuple[str, str]) -> RingUsed:
    return RingUsed(*head, operation=number(fields[1]))


IO_URING = Probe(
    "io_uring",
    ("on_io_uring",),
    "who uses io_uring, by which no other probe sees files and connections",
    (call_decoder("RECORD_IO_URING", ring_used),),
)
