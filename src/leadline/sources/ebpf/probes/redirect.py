"""Connections that became standard input or output; see ``redirect.bpf.c``."""

from leadline.model.event import Redirected
from leadline.sources.ebpf.probe import Fields, Head, Probe, address_text, call_decoder, number


def redirected(head: Head, fields: Fields, texts: tuple[str, str]) -> Redirected:
    address = number(fields[2]) & 0xFFFFFFFF
    shown = address_text(address.to_bytes(4, "little"), False) if address else ""
    return Redirected(*head, descriptor=number(fields[1]), address=shown, port=number(fields[3]))


REDIRECT = Probe(
    "redirect",
    ("enter_dup2", "enter_dup3"),
    "which processes talk to a connection as to a terminal",
    (call_decoder("RECORD_REDIRECT", redirected),),
)
