"""Soft and hard links; see ``link.bpf.c``."""

from leadline.model.event import Linked
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder


def linked(head: Head, fields: Fields, texts: tuple[str, str]) -> Linked:
    return Linked(*head, target=texts[0], path=texts[1], is_symbolic=fields[1] == 1)


LINK = Probe(
    "link",
    ("enter_symlink", "enter_symlinkat", "enter_link", "enter_linkat"),
    "which links are made",
    (call_decoder("RECORD_LINK", linked),),
)
