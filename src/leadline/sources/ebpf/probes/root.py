"""Processes that take another root folder; see ``root.bpf.c``."""

from leadline.model.event import RootChanged
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def root_changed(head: Head, fields: Fields, texts: tuple[str, str]) -> RootChanged:
    return RootChanged(*head, call="pivot_root" if number(fields[1]) == 2 else "chroot", path=texts[0])


ROOT = Probe(
    "root",
    ("enter_chroot", "enter_pivot_root"),
    "who takes another root folder, such as that of the node",
    (call_decoder("RECORD_ROOT", root_changed),),
)
