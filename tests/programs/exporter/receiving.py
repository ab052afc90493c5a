"""Receivers of alerts on this machine: an HTTP server that keeps what it is sent, and a syslog server."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Inbox(ThreadingHTTPServer):
    """Keeps every body; answers ``code``."""

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Answers)
        self.code = 200
        self.is_endless = False
        """Whether the body of an answer goes on for as long as anyone listens."""
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]}:{self.server_address[1]}/hook/secret"

    def __enter__(self) -> "Inbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: Inbox

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.code < 300:
            self.server.bodies.append(json.loads(content))
            self.server.headers.append(dict(self.headers))
        self.send_response(self.server.code)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(1 << 40) if self.server.is_endless else "0")
        self.end_headers()
        with suppress(OSError):
            while self.server.is_endless:
                self.wfile.write(b"x" * 65_536)


class SyslogServer:
    """``messages`` as they came; over TCP the lengths are taken off."""

    def __init__(self, transport: str) -> None:
        self.transport = transport
        self.messages: list[bytes] = []
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"{transport}://127.0.0.1:{self._socket.getsockname()[1]}"
        if transport == "tcp":
            self._socket.listen()
        threading.Thread(target=self._receive, daemon=True).start()

    def __enter__(self) -> "SyslogServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _receive(self) -> None:
        try:
            while True:
                if self.transport == "udp":
                    self.messages.append(self._socket.recv(65536))
                    continue
                connection, _ = self._socket.accept()
                with connection, connection.makefile("rb") as stream:
                    while length := _number(stream):
                        self.messages.append(stream.read(length))
        except OSError:
            return


def _number(stream: Any) -> int:
    digits = b""
    while (one := stream.read(1)) not in (b"", b" "):
        digits += one
    return int(digits or 0)
