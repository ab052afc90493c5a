"""Connections; see ``socket.bpf.c``."""

from leadline.model.event import Connected
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, address_text, content, number

_DIRECTIONS = {1: "connects", 2: "sends", 3: "receives", 4: "listens", 5: "accepts"}
_PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}
_IPV4, _IPV6 = 2, 10


def connected(head: Head, fields: Fields, tail: bytes) -> Connected | None:
    family, protocol = number(fields[2]), number(fields[3])
    if family not in (_IPV4, _IPV6):
        return None
    return Connected(
        *head,
        direction=_DIRECTIONS.get(number(fields[6]), ""),
        address=address_text(content(fields[1]), family == _IPV6),
        port=number(fields[4]),
        local_port=number(fields[5]),
        protocol=_PROTOCOLS.get(protocol, str(protocol)),
        net_id=number(fields[0]),
    )


_FIELDS = ("net_id", "address", "family", "protocol", "port", "local_port", "direction", "unused")
SOCKET = Probe(
    "socket",
    (
        "on_connect4", "on_connect6", "on_sendmsg4", "on_sendmsg6", "on_recvmsg4", "on_recvmsg6", "on_tcp_state",
    ),
    "who connects to whom",
    (Decoder("RECORD_SOCKET", "socket_record", _FIELDS, connected),),
)  # fmt: skip
