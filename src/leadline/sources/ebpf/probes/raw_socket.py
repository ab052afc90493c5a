"""Sockets for whole packets; see ``raw_socket.bpf.c``."""

from leadline.model.event import RawSocketMade
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number

_FAMILIES = {2: "IPv4", 10: "IPv6", 17: "packet"}


def raw_socket_made(head: Head, fields: Fields, texts: tuple[str, str]) -> RawSocketMade:
    family = number(fields[1])
    return RawSocketMade(*head, family=_FAMILIES.get(family, str(family)))


RAW_SOCKET = Probe(
    "raw_socket",
    ("enter_socket",),
    "who listens to whole packets or makes them",
    (call_decoder("RECORD_RAW_SOCKET", raw_socket_made),),
)
