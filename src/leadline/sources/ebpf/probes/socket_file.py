"""Connections to sockets that are files; see ``socket_file.bpf.c``."""

from leadline.model.event import SocketFileConnected
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder


def socket_file_connected(head: Head, fields: Fields, texts: tuple[str, str]) -> SocketFileConnected:
    return SocketFileConnected(*head, path=texts[0])


SOCKET_FILE = Probe(
    "socket_file",
    ("enter_connect",),
    "who connects to sockets that are files, such as that of the container runtime",
    (call_decoder("RECORD_SOCKET_FILE", socket_file_connected),),
)
