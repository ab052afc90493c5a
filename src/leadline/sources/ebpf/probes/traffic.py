"""DNS, HTTP heads, TLS server names, SSH greetings; see ``traffic.bpf.c``. What arrives is hostile: nothing in it is believed."""

import socket
import struct

from leadline.model.event import OUTGOING, Requested, Resolved, SshGreeted, TlsStarted
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, address_text, content, number

_FIELDS = ("peer", "peer_port", "local_port", "size", "whole_size", "ip_version", "protocol", "unused")
_TYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    12: "PTR",
    15: "MX",
    16: "TXT",
    28: "AAAA",
    33: "SRV",
    65: "HTTPS",
}
_CODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
_LONGEST_NAME = 255
_MOST_ANSWERS = 32
_TCP = 6
_ANSWER = 0x80


def resolved(head: Head, fields: Fields, tail: bytes) -> Resolved | None:
    """RFC 1035, section 4."""
    packet = tail[: number(fields[3])]
    if number(fields[6]) == _TCP:
        packet = packet[2:]
    if len(packet) < 17:
        return None
    name, at = _name(packet, 12)
    if not name or at + 4 > len(packet):
        return None
    kind = int.from_bytes(packet[at : at + 2], "big")
    is_answer = bool(packet[2] & _ANSWER)
    code = packet[3] & 15
    return Resolved(
        *head,
        name=name,
        type=_TYPES.get(kind, str(kind)),
        code=(_CODES[code] if code < len(_CODES) else str(code)) if is_answer else "",
        addresses=tuple(_addresses(packet, at + 4)) if is_answer else (),
        peer=_peer(fields),
        peer_port=number(fields[1]),
    )


def requested(head: Head, fields: Fields, tail: bytes) -> Requested | None:
    lines = tail[: number(fields[3])].split(b"\r\n\r\n")[0].split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) < 2 or not words[0].isalpha():
        return None
    host = next((line[5:].strip() for line in lines[1:] if line[:5].lower() == b"host:"), b"")
    return Requested(
        *head,
        method=words[0].decode("ascii", "replace"),
        host=host.decode("utf-8", "replace"),
        path=words[1].decode("utf-8", "replace"),
        peer=_peer(fields),
        port=_server_port(head, fields),
    )


def tls(head: Head, fields: Fields, tail: bytes) -> TlsStarted | None:
    """The server name of a ClientHello: RFC 8446, section 4.1.2, and RFC 6066, section 3."""
    hello = tail[: number(fields[3])]
    at = 5 + 4 + 2 + 32
    try:
        at += 1 + hello[at]
        at += 2 + int.from_bytes(hello[at : at + 2], "big")
        at += 1 + hello[at] + 2
        while at + 4 <= len(hello):
            kind, size = struct.unpack_from(">HH", hello, at)
            if kind == 0:
                name_size = int.from_bytes(hello[at + 7 : at + 9], "big")
                name = hello[at + 9 : at + 9 + min(name_size, _LONGEST_NAME)].decode("ascii", "replace")
                return TlsStarted(
                    *head, server_name=name, peer=_peer(fields), port=_server_port(head, fields)
                )
            at += 4 + size
    except IndexError:
        return None
    return TlsStarted(*head, peer=_peer(fields), port=_server_port(head, fields))


def ssh(head: Head, fields: Fields, tail: bytes) -> SshGreeted:
    """The identification of RFC 4253, section 4.2."""
    line = tail[: min(number(fields[3]), _LONGEST_NAME)].split(b"\r")[0].split(b"\n")[0]
    return SshGreeted(
        *head,
        software=line.decode("ascii", "replace"),
        peer=_peer(fields),
        peer_port=number(fields[1]),
        local_port=number(fields[2]),
    )


def _peer(fields: Fields) -> str:
    return address_text(content(fields[0]), number(fields[5]) == 6)


def _server_port(head: Head, fields: Fields) -> int:
    return number(fields[1 if head[7] & OUTGOING else 2])


def _name(packet: bytes, at: int) -> tuple[str, int]:
    """A name and where it ends; of a question, which has no pointers."""
    labels: list[str] = []
    size = 0
    while at < len(packet) and (length := packet[at]):
        if length > 63 or size > _LONGEST_NAME:
            return "", at
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii", "replace"))
        size += length + 1
        at += length + 1
    return ".".join(labels), at + 1


def _addresses(packet: bytes, at: int) -> list[str]:
    found: list[str] = []
    for _ in range(min(int.from_bytes(packet[6:8], "big"), _MOST_ANSWERS)):
        while at < len(packet) and packet[at]:
            if packet[at] >= 0xC0:
                at += 1
                break
            at += packet[at] + 1
        at += 1
        if at + 10 > len(packet):
            break
        kind, _, _, size = struct.unpack_from(">HHIH", packet, at)
        at += 10
        family = {(1, 4): socket.AF_INET, (28, 16): socket.AF_INET6}.get((kind, size))
        if family is not None and at + size <= len(packet):
            found.append(socket.inet_ntop(family, packet[at : at + size]))
        at += size
    return found


TRAFFIC = Probe(
    "traffic",
    ("on_egress", "on_ingress"),
    "DNS names, HTTP requests in clear, TLS server names, SSH",
    (
        Decoder("RECORD_DNS", "packet_record", _FIELDS, resolved, tail="payload"),
        Decoder("RECORD_HTTP", "packet_record", _FIELDS, requested, tail="payload"),
        Decoder("RECORD_TLS", "packet_record", _FIELDS, tls, tail="payload"),
        Decoder("RECORD_SSH", "packet_record", _FIELDS, ssh, tail="payload"),
    ),
)
