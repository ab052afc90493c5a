"""A small registry that conforms to the distribution specification, on a loopback port, for tests."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from urllib.parse import parse_qs, urlsplit

from image_archives import Blobs


@dataclass
class Server:
    """What a test may set, and what it may look at afterwards."""

    blobs: Blobs = field(default_factory=Blobs)
    tags: dict[str, str] = field(default_factory=dict)
    """``repository:tag`` to the digest of a manifest."""
    users: dict[str, str] = field(default_factory=dict)
    auth: str = ""
    """``basic``, ``token``, or empty for an open registry."""
    challenge: str = ""
    """Sent in place of the usual one."""
    realm: str = ""
    """Where tokens are given; empty means here."""
    token: bytes = b'{"token":"good"}'
    """What the token service says to those it knows."""
    token_answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses that it gives first."""
    redirect_to: str = ""
    """Where blobs really are."""
    break_after: int = 0
    """A blob breaks off after so many bytes, ``breaks`` times."""
    breaks: int = 0
    ignores_range: bool = False
    odd: "Callable[[BaseHTTPRequestHandler, bytes, int], None] | None" = None
    """Answers for a blob in place of the server: to the request, with the blob, from that byte on."""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses to give, first to last, before requests are looked at."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    host: str = ""
    scheme: str = "http"

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@contextmanager
def serving(server: Server, certificate: Path | None = None) -> Iterator[Server]:
    """Runs ``server``; with ``certificate`` (PEM, key included) over TLS."""

    class Handler(_Handler):
        registry = server

    http = _Quiet(("127.0.0.1", 0), Handler)
    if certificate:
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    server.host = f"127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up or does not trust us is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    registry: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.registry.requests.append((f"{self.path} {body}", dict(self.headers)))
        if self.registry.token_answers:
            status, headers = self.registry.token_answers.pop(0)
            self._send(status, b"", headers)
            return
        form = {key: values[0] for key, values in parse_qs(body).items()}
        good = form.get("refresh_token") in self.registry.users.values()
        self._send(200 if good else 401, b'{"access_token":"good"}' if good else b"{}")

    def do_GET(self) -> None:
        server = self.registry
        server.requests.append((self.path, dict(self.headers)))
        if server.answers:
            status, headers = server.answers.pop(0)
            self._send(status, b"", headers)
            return
        path = urlsplit(self.path).path
        if path == "/token":
            self._give_token()
        elif path.startswith("/storage/"):
            self._give_blob(path.rpartition("/")[2])
        elif not self._is_allowed():
            self._challenge()
        else:
            repository, what, name = path.removeprefix("/v2/").rsplit("/", 2)
            self._give(repository, what, name)

    def _give(self, repository: str, what: str, name: str) -> None:
        server = self.registry
        if what == "blobs" and server.redirect_to:
            self._send(307, b"", {"Location": f"{server.redirect_to}/storage/{name}"})
        elif what == "blobs":
            self._give_blob(name)
        else:
            name = server.tags.get(f"{repository}:{name}", name)
            content = server.blobs.blobs.get(name)
            headers = {"Content-Type": server.blobs.types.get(name, ""), "Docker-Content-Digest": name}
            self._send(404 if content is None else 200, content or b"", headers)

    def _give_blob(self, name: str) -> None:
        server = self.registry
        content = server.blobs.blobs.get(name)
        if content is None:
            self._send(404, b"")
            return
        start = 0
        wanted = self.headers.get("Range", "")
        if wanted and not server.ignores_range:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if server.odd is not None:
            server.odd(self, content, start)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if server.breaks and len(rest) > server.break_after:
            server.breaks -= 1
            rest = rest[: server.break_after]
        self.wfile.write(rest)

    def _is_allowed(self) -> bool:
        server = self.registry
        shown = self.headers.get("Authorization", "")
        if server.auth == "basic":
            return shown in {_basic(name, password) for name, password in server.users.items()}
        return server.auth != "token" or shown == "Bearer good"

    def _challenge(self) -> None:
        server = self.registry
        realm = server.realm or f"{server.scheme}://{server.host}/token"
        challenge = (
            'Basic realm="test"'
            if server.auth == "basic"
            else f'Bearer realm="{realm}",service="test registry"'
        )
        self._send(401, b"{}", {"WWW-Authenticate": server.challenge or challenge})

    def _give_token(self) -> None:
        users = self.registry.users
        if self.registry.token_answers:
            status, headers = self.registry.token_answers.pop(0)
            self._send(status, b"", headers)
            return
        shown = self.headers.get("Authorization", "")
        good = not users or shown in {_basic(name, password) for name, password in users.items()}
        self._send(200 if good else 401, self.registry.token if good else b"{}")

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)  # a date only where a test gives one
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
