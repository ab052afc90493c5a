"""File systems mounted; see ``mount.bpf.c``."""

from leadline.model.event import Mounted
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def mounted(head: Head, fields: Fields, texts: tuple[str, str]) -> Mounted:
    return Mounted(*head, source=texts[0], target=texts[1], mount_flags=number(fields[1]))


MOUNT = Probe(
    "mount",
    ("enter_mount", "enter_move_mount"),
    "what is mounted",
    (call_decoder("RECORD_MOUNT", mounted),),
)
