"""A server that speaks the part of the Kubernetes API that reading a cluster uses, out of prepared bytes.

Serves discovery (aggregated or plain), lists in pages, single objects and OpenAPI documents, on loopback. Faults are
scripted: each is given to one matching request.
"""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Fault(NamedTuple):
    """What one request gets instead of its answer."""

    status: int = 0
    """0: the connection is cut in the middle of the true answer."""
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


class Row(NamedTuple):
    """One served kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def status(code: int, message: str = "", **metadata: str) -> bytes:
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata,
            "status": "Failure",
            "message": message,
            "code": code,
        }
    ).encode()


class ListServer:
    """Start with ``with``; ``url`` is where it listens."""

    def __init__(self, rows: tuple[Row, ...], *, aggregated: bool = True, version: str = "v1.36.3") -> None:
        self.rows = rows
        self.aggregated = aggregated
        self.version = version
        self.stale: tuple[tuple[str, str], ...] = ()
        """(group, version) of APIs whose own server is down."""
        self.objects: dict[Row, list[tuple[str, str, bytes]]] = {row: [] for row in rows}
        self.schemas: dict[str, Any] = {}
        self.faults: list[tuple[str, Fault]] = []
        """(text that the path and query contain, fault), each used once."""
        self.forbidden: set[str] = set()
        """Paths of collections that answer 403."""
        self.requests: list[str] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _request_class(self))
        self._http.daemon_threads = True
        self._scheme = "http"

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    def speak_tls(self, certificate: Path, key: Path) -> None:
        """From the start on."""
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._http.socket = context.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        self._scheme = "https"

    def add(self, row: Row, *bodies: Mapping[str, Any]) -> None:
        for body in bodies:
            metadata = body["metadata"]
            self.objects[row].append(
                (metadata.get("namespace", ""), metadata["name"], json.dumps(body).encode())
            )

    def __enter__(self) -> "ListServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, query: Mapping[str, str], accept: str) -> tuple[int, bytes]:
        if path == "/version":
            return 200, json.dumps({"gitVersion": self.version}).encode()
        if path in ("/api", "/apis"):
            return 200, json.dumps(self._groups(path, accept)).encode()
        if path == "/openapi/v3":
            return 200, json.dumps(
                {"paths": {k: {"serverRelativeURL": f"/openapi/v3/{k}?hash=1"} for k in self.schemas}}
            ).encode()
        if path.startswith("/openapi/v3/"):
            return 200, json.dumps(self.schemas[path.removeprefix("/openapi/v3/")]).encode()
        for row in self.rows:
            if path == row.path:
                return 200, json.dumps(
                    {"kind": "APIResourceList", "resources": [_plain(r) for r in self.rows if r.path == path]}
                ).encode()
            if path == f"{row.path}/{row.plural}":
                return self._page(row, "", query, path)
            if row.namespaced and path.startswith(f"{row.path}/namespaces/"):
                namespace, plural, *name = [*path.removeprefix(f"{row.path}/namespaces/").split("/"), ""]
                if plural == row.plural:
                    return (
                        self._one(row, namespace, name[0])
                        if name[0]
                        else self._page(row, namespace, query, path)
                    )
            elif path.startswith(f"{row.path}/{row.plural}/"):
                return self._one(row, "", path.rpartition("/")[2])
        return 404, status(404, "the server could not find the requested resource")

    def _page(self, row: Row, namespace: str, query: Mapping[str, str], path: str) -> tuple[int, bytes]:
        if path in self.forbidden:
            verb = f'User "eve" cannot list resource "{row.plural}" in API group "{row.group}" at the cluster scope'
            name = f"{row.plural}.{row.group}" if row.group else row.plural
            return 403, status(403, f"{name} is forbidden: {verb}")
        unwanted = {part.partition("!=")[2] for part in query.get("fieldSelector", "").split(",")}
        chosen = self.objects[row]
        if namespace or unwanted - {""}:
            chosen = [
                item for item in chosen if item[0] not in unwanted and (not namespace or item[0] == namespace)
            ]
        start, limit = int(query.get("continue", "0")), int(query.get("limit", "0")) or len(chosen)
        metadata: dict[str, Any] = {"resourceVersion": "1"}
        if start + limit < len(chosen):
            metadata |= {"continue": str(start + limit), "remainingItemCount": len(chosen) - start - limit}
        head = json.dumps({"kind": row.kind + "List", "apiVersion": row.version, "metadata": metadata})[
            :-1
        ].encode()
        return 200, head + b', "items": [' + b",".join(
            item[2] for item in chosen[start : start + limit]
        ) + b"]}"

    def _one(self, row: Row, namespace: str, name: str) -> tuple[int, bytes]:
        for item in self.objects[row]:
            if item[:2] == (namespace, name):
                return 200, item[2]
        return 404, status(404, f'{row.plural} "{name}" not found')

    def _groups(self, path: str, accept: str) -> dict[str, Any]:
        rows = [row for row in self.rows if (row.group == "") == (path == "/api")]
        versions = dict.fromkeys((row.group, row.version) for row in rows)
        if path == "/apis":
            versions.update(dict.fromkeys(self.stale))
        if self.aggregated and "g=apidiscovery.k8s.io" in accept:
            return {"kind": "APIGroupDiscoveryList", "items": [self._aggregated(*pair) for pair in versions]}
        if path == "/api":
            return {"kind": "APIVersions", "versions": [version for _, version in versions]}
        return {
            "kind": "APIGroupList",
            "groups": [
                {"name": g, "versions": [{"version": v}], "preferredVersion": {"version": v}}
                for g, v in versions
            ],
        }

    def _aggregated(self, group: str, version: str) -> dict[str, Any]:
        resources = [
            {
                "resource": row.plural,
                "responseKind": {"group": group, "version": version, "kind": row.kind},
                "scope": "Namespaced" if row.namespaced else "Cluster",
                "singularResource": row.kind.lower(),
                "shortNames": list(row.short),
                "verbs": ["get", "list"],
            }
            for row in self.rows
            if (row.group, row.version) == (group, version)
        ]
        freshness = "Stale" if (group, version) in self.stale else "Current"
        return {
            "metadata": {"name": group},
            "versions": [{"version": version, "resources": resources, "freshness": freshness}],
        }

    def fault_for(self, target: str) -> Fault | None:
        with self._lock:
            self.requests.append(target)
            for i, (part, fault) in enumerate(self.faults):
                if part in target:
                    del self.faults[i]
                    return fault
        return None


def _plain(row: Row) -> dict[str, Any]:
    return {
        "name": row.plural,
        "kind": row.kind,
        "namespaced": row.namespaced,
        "verbs": ["get", "list"],
        "shortNames": list(row.short),
    }


def _request_class(server: ListServer) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            fault = server.fault_for(self.path)
            headers: tuple[tuple[str, str], ...] = ()
            if fault is not None and fault.status:
                code, body, headers = fault.status, fault.body, fault.headers
            else:
                code, body = server.answer(parts.path, query, self.headers.get("Accept", ""))
            sent = body
            if fault is not None and not fault.status:
                sent = body[: len(body) // 2]
                self.close_connection = True
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # of a client that has left
                self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            pass

    return Request
