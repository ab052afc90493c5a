"""Files that were mapped to be executed; see ``map.bpf.c``."""

from leadline.model.event import Mapped
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, joined_path, number


def mapped(head: Head, fields: Fields, tail: bytes) -> Mapped:
    return Mapped(*head, joined_path(tail[: number(fields[3])], head[7]))


MAP = Probe(
    "map",
    ("enter_mmap",),
    "which libraries are in use",
    (
        Decoder(
            "RECORD_MAP",
            "file_record",
            ("inode", "device", "open_flags", "path_size", "parts"),
            mapped,
            tail="path",
        ),
    ),
)
