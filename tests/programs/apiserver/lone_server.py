"""Our server as a process of its own, with a stand-in for kube-apiserver at which everybody may do everything."""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from certificates import Authority
from processes import free_port

ROOT = Path(__file__).parents[3]
NAMESPACES = ("default", "leadline")
_STARTED_S = 60
_PEER = "127.0.0.1"


class StandIn(ThreadingHTTPServer):
    """Answers what our server asks of kube-apiserver. ``tokens`` that are not valid are refused."""

    daemon_threads = True

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__((_PEER, 0), _Answers)
        self.front_proxy_ca = authority.file.read_text()
        self.refused_tokens: set[str] = set()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*authority.issue("kube", "kube", hosts=(_PEER,)))
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.stopped = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that our server leaves are no news."""

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.endswith("/extension-apiserver-authentication"):
            settings = {
                "requestheader-client-ca-file": self.server.front_proxy_ca,
                "requestheader-allowed-names": '["front-proxy"]',
                "requestheader-username-headers": '["X-Remote-User"]',
                "requestheader-group-headers": '["X-Remote-Group"]',
                "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
            }
            self._say({"data": settings})
        elif path == "/api/v1/namespaces" and "watch=true" in query:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.server.stopped.wait()
        elif path == "/api/v1/namespaces":
            self._say({"metadata": {"resourceVersion": "1"}, "items": [_namespace(n) for n in NAMESPACES]})
        elif path.rpartition("/")[2] in NAMESPACES:
            self._say(_namespace(path.rpartition("/")[2]))
        else:
            self._say({"message": "not found"}, 404)

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status: dict[str, Any] = {"allowed": True}
        if review["kind"] == "TokenReview":
            is_valid = review["spec"]["token"] not in self.server.refused_tokens
            user = {"username": "writer", "groups": ["system:authenticated"]}
            status = {"authenticated": is_valid, "user": user if is_valid else None}
        self._say({**review, "status": status}, 201)

    def _say(self, whole: dict[str, Any], code: int = 200) -> None:
        content = json.dumps(whole).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _namespace(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": "Active"}}


class LoneServer:
    """Started with ``start``; a folder of its own holds the store and the log."""

    def __init__(self, *arguments: str, database: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.database = database or self.folder / "results.db"
        self.authority = Authority(self.folder, "ca")
        self.front_proxy = Authority(self.folder, "front-proxy-ca")
        self.kube = StandIn(self.folder, self.authority)
        self.kube.front_proxy_ca = self.front_proxy.file.read_text()
        self.host, self.port = _PEER, free_port()
        self._pair = self.authority.issue("ours", "ours", hosts=(_PEER,))
        self._arguments = arguments
        (self.folder / "token").write_text("ours")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LoneServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def tls(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def launch(self, *, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Without waiting until it answers."""
        certificate, key = self._pair
        command = [
            *(sys.executable, "-m", "leadline.programs.cli.main", "apiserver"),
            f"--database={self.database}",
            *(f"--certificate={certificate}", f"--key={key}"),
            *(f"--host={self.host}", f"--port={self.port}"),
            f"--kube=https://{_PEER}:{self.kube.server_address[1]}",
            f"--kube-ca={self.authority.file}",
            f"--token-file={self.folder / 'token'}",
            *self._arguments,
        ]
        variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **(environment or {})}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=variables, cwd=self.folder)
        return self._process

    def start(self, *, environment: dict[str, str] | None = None) -> None:
        process = self.launch(environment=environment)
        waiting = threading.Event()
        for _ in range(_STARTED_S * 50):
            if process.poll() is not None:
                raise RuntimeError(f"our server ended: {self.log[-3000:]}")
            try:
                url = f"https://{self.host}:{self.port}/readyz"
                with urllib.request.urlopen(url, timeout=5, context=self.tls()):
                    return
            except (urllib.error.URLError, OSError):
                waiting.wait(0.02)
        raise RuntimeError(f"our server does not answer: {self.log[-3000:]}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def close(self) -> None:
        self.kube.stop()
        self._folder.cleanup()
