"""Stands between a client and an API server and answers some requests in the server's place."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    status: int
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()


CUT = Answer(0)
"""The server's own answer, cut off in the middle."""

Script = Callable[[str, int], Answer | None]
"""Given path with query, and how many requests of this path came before; ``None`` lets it through."""


class FaultProxy:
    """Use with ``with``; speaks plain HTTP to the client, and TLS with the client's certificate to the server."""

    def __init__(self, server: str, tls: ssl.SSLContext, script: Script) -> None:
        self._server = urlsplit(server)
        self._tls = tls
        self._script = script
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self.passed: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _request_class(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fault_for(self, target: str) -> Answer | None:
        path = target.partition("?")[0]
        with self._lock:
            count = self._counts[path] = self._counts.get(path, -1) + 1
        return self._script(target, count)

    def fetch(self, target: str, accept: str) -> tuple[int, bytes]:
        self.passed.append(target)
        connection = http.client.HTTPSConnection(
            self._server.hostname or "", self._server.port, context=self._tls, timeout=60
        )
        try:
            connection.request("GET", target, headers={"Accept": accept})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def client_tls(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    return context


def _request_class(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            fault = proxy.fault_for(self.path)
            if fault is None or fault is CUT:
                status, body = proxy.fetch(self.path, self.headers.get("Accept", ""))
                headers: tuple[tuple[str, str], ...] = ()
            else:
                status, headers = fault.status, fault.headers
                body = json.dumps({"kind": "Status", "code": status, "message": fault.message}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault is CUT else body)
            self.close_connection = fault is CUT

        def log_message(self, *_: object) -> None:
            pass

    return Request
