"""Files that were opened; see ``open.bpf.c``."""

from leadline.model.event import Opened
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, joined_path, number


def opened(head: Head, fields: Fields, tail: bytes) -> Opened:
    return Opened(*head, joined_path(tail[: number(fields[3])], head[7]), number(fields[2]))


_CALLS = ("open", "creat", "openat", "openat2")
OPEN = Probe(
    "open",
    tuple(f"{when}_{call}" for call in _CALLS for when in ("enter", "exit")),
    "which files are opened, to read or to write",
    (
        Decoder(
            "RECORD_OPEN",
            "file_record",
            ("inode", "device", "open_flags", "path_size", "parts"),
            opened,
            tail="path",
        ),
    ),
)
