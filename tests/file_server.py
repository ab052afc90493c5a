"""A web server for the files of one folder, which understands ranges and can break off."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class FileServer:
    folder: Path
    break_after: int = 0
    """Answers longer than that break off there, ``breaks`` times."""
    breaks: int = 0
    ignores_range: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Name, and the range asked for."""
    address: str = ""
    host: str = "127.0.0.1"

    def ranges(self, ending: str) -> list[str]:
        return [wanted for name, wanted in self.requests if name.endswith(ending)]


@contextmanager
def serving_files(server: FileServer) -> Iterator[FileServer]:
    class Handler(_Handler):
        files = server

    http = _Quiet((server.host, 0), Handler)
    server.address = f"http://{server.host}:{http.server_address[1]}/db/"
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
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    files: FileServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server, name = self.files, self.path.rpartition("/")[2]
        wanted = self.headers.get("Range", "")
        server.requests.append((name, wanted))
        path = server.folder / name
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and not server.ignores_range else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if server.breaks and len(rest) > server.break_after:
            server.breaks -= 1
            rest = rest[: server.break_after]
        self.wfile.write(rest)
