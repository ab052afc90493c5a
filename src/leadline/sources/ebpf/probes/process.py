"""Forks, exits, and the end of containers; see ``process.bpf.c``."""

from leadline.model.event import Exited, Forked
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, number


def forked(head: Head, fields: Fields, tail: bytes) -> Forked:
    return Forked(*head, child_ns_id=number(fields[0]), child_pid=number(fields[1]))


def exited(head: Head, fields: Fields, tail: bytes) -> Exited:
    """The kernel keeps code and signal in one word, as wait(2) returns it."""
    status = number(fields[0])
    return Exited(*head, code=status >> 8 & 255, signal=status & 127)


PROCESS = Probe(
    "process",
    ("on_fork", "on_exit", "exit_unshare"),
    "when a container ends, and with which exit code",
    (
        Decoder("RECORD_FORK", "fork_record", ("child_ns_id", "child_pid", "unused"), forked),
        Decoder("RECORD_EXIT", "exit_record", ("code",), exited),
    ),
)
