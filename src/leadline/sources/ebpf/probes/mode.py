"""Modes of files; see ``mode.bpf.c``."""

from leadline.model.event import ModeChanged
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number


def mode_changed(head: Head, fields: Fields, texts: tuple[str, str]) -> ModeChanged:
    return ModeChanged(*head, path=texts[0], mode=number(fields[1]) & 0o7777)


MODE = Probe(
    "mode",
    ("enter_chmod", "enter_fchmodat", "enter_fchmodat2", "enter_fchmod"),
    "which modes of files are changed",
    (call_decoder("RECORD_MODE", mode_changed),),
)
