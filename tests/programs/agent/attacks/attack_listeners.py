"""What attackers talk to: listeners of this process in the network namespace of a container, on its loopback device.

Nothing leaves the namespace: the addresses are the device's own.
"""

import contextlib
import ctypes
import http.server
import json
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NETWORK = 0x40000000
_JOB = b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"1","job":{},"status":"OK"}}\n'
_POSTINSTALL = b"#!/bin/sh\nid > /tmp/who\n"
_DOCKER = {
    "/version": {"Version": "27.0.0", "ApiVersion": "1.46"},
    "/containers/create": {"Id": "c1", "Warnings": []},
}


class Web(http.server.BaseHTTPRequestHandler):
    """Files, metadata, the API server, the kubelet."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self._answer(self.files.get(self.path, b"{}"))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(json.dumps(_DOCKER.get(self.path, {})).encode())

    def address_string(self) -> str:
        return "container"

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


class Pool(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        if b"login" in self.request.recv(4096):
            self.request.sendall(_JOB)


class Relay(socketserver.BaseRequestHandler):
    """Hands bytes to and fro between the container and a server of this machine."""

    port = 0

    def handle(self) -> None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as server,
        ):
            back = threading.Thread(target=_pass_on, args=(server, self.request), daemon=True)
            back.start()
            _pass_on(self.request, server)
            back.join(10)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while read := source.recv(1 << 16):
            target.sendall(read)
        target.shutdown(socket.SHUT_WR)


class Controller(socketserver.BaseRequestHandler):
    """Types two commands into the shell that it is given."""

    def handle(self) -> None:
        self.request.settimeout(10)
        with contextlib.suppress(OSError):
            self.request.sendall(b"id\nexit\n")
            while self.request.recv(4096):
                pass


class Resolver(socketserver.BaseRequestHandler):
    """Answers a text record, an address, and for all of ``dga.example`` that there is no such name."""

    def handle(self) -> None:
        question, reply = self.request
        name_end = question.index(b"\0", 12)
        asked = question[12 : name_end + 5]
        (kind,) = struct.unpack(">H", question[name_end + 1 : name_end + 3])
        value = {1: b"\xc0\x58\x63\x42", 16: b"\x04run1"}.get(kind, b"")
        is_gone = b"\x03dga\x07example" in asked
        answers = 0 if is_gone or not value else 1
        head = question[:2] + struct.pack(">5H", 0x8183 if is_gone else 0x8180, 1, answers, 0, 0)
        record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(value)) + value
        reply.sendto(head + asked + (record if answers else b""), self.client_address)


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A container that ended in the middle of a conversation is none of ours."""


class _Tls(_Tcp):
    context: ssl.SSLContext

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        request.settimeout(10)
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, client_address, self)


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


class Outside:
    """Everything that the containers of a run may talk to."""

    def __init__(self, folder: Path, miner: bytes, api_port: int = 0) -> None:
        """``api_port``: of a real API server of this machine."""
        self._servers: list[socketserver.BaseServer] = []
        web = type("_Files", (Web,), {"files": {"/kdevtmpfsi": miner, "/postinstall.sh": _POSTINSTALL}})
        tls = type("_TlsWithKey", (_Tls,), {"context": _certificate(folder)})
        self._kinds: dict[str, tuple[Any, type]] = {
            "files": (_Tcp, web), "metadata": (_Tcp, web), "pool": (_Tcp, Pool), "controller": (_Tcp, Controller),
            "resolver": (_Udp, Resolver), "foreign_resolver": (_Udp, Resolver),
            "api": (tls, web), "kubelet": (tls, web), "dns_over_https": (tls, web),
        }  # fmt: skip
        if api_port:
            self._kinds["api"] = (_Tcp, type("_Api", (Relay,), {"port": api_port}))
        self.docker = folder / "docker.sock"
        version = {"/version": json.dumps(_DOCKER["/version"]).encode()}
        self._serve(_Unix(str(self.docker), type("_Docker", (Web,), {"files": version})))

    def open(self, pid: int, addresses: Iterable[tuple[str, str]]) -> None:
        """Listeners in the network of the process ``pid``: their kinds with ``ADDRESS:PORT``."""
        inside = ["nsenter", "-t", str(pid), "-n"]
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True, timeout=60)
        listeners = [(kind, *place.rsplit(":", 1)) for kind, place in addresses]
        for address in sorted({address for _, address, _ in listeners}):
            subprocess.run(
                [*inside, "ip", "address", "add", f"{address}/32", "dev", "lo"], check=True, timeout=60
            )

        def listen() -> None:
            for kind, address, port in listeners:
                server, answers = self._kinds[kind]
                self._serve(server((address, int(port)), answers))

        _in_network_of(pid, listen)

    def _serve(self, server: socketserver.BaseServer) -> None:
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()

    def close(self) -> None:
        stops = [threading.Thread(target=server.shutdown) for server in self._servers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        for server in self._servers:
            server.server_close()


def _in_network_of(pid: int, function: Callable[[], None]) -> None:
    """Calls it in a thread that is in the network of ``pid``; a socket stays where it was made."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with Path(f"/proc/{pid}/ns/net").open() as network:
                if _LIBC.setns(network.fileno(), _NEW_NETWORK):
                    raise OSError(ctypes.get_errno(), "setns")
            function()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _certificate(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    # What busybox speaks: RSA, TLS 1.2.
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=outside"]
    subprocess.run(
        [*command, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("AES128-SHA256:AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    return context
