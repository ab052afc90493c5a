"""What a server would store for a manifest, without storing it: defaults filled in, admission done."""

import http.client
import json
import ssl
from collections.abc import Iterable
from typing import Any

from control_plane import ControlPlane

from leadline.kube.workload import descend, pod_paths
from leadline.sources.cluster.discovery import ApiKind, Served


class DryRun:
    """Creates with ``dryRun=All`` (https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run)."""

    def __init__(self, plane: ControlPlane, served: Served) -> None:
        plane.admin()
        tls = ssl.create_default_context(cafile=plane.authority_file)
        tls.load_cert_chain(plane.folder / "user-admin.crt", plane.folder / "user-admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=tls, timeout=60)
        self._kinds = {(kind.api_version, kind.kind): kind for kind in served.kinds.values()}
        self._present: set[tuple[str, str]] = set()
        self.last_message = ""
        """Why the server refused the last object."""

    def close(self) -> None:
        self._connection.close()

    def prepare(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Makes the namespaces and service accounts that admission asks for."""
        for body in bodies:
            namespace = body["metadata"].get("namespace") or "default"
            paths = pod_paths(str(body.get("apiVersion")), str(body.get("kind")), body)
            accounts = [descend(body, (*path, "spec")).get("serviceAccountName") for path in paths]
            self._make("/api/v1/namespaces", namespace)
            for name in ("default", *accounts):
                if isinstance(name, str):
                    self._make(f"/api/v1/namespaces/{namespace}/serviceaccounts", name)

    def stored(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """``None`` where the server refuses the object or does not serve its kind."""
        kind = self._kinds.get((str(body.get("apiVersion")), str(body.get("kind"))))
        if kind is None:
            return None
        status, answer = self._post(f"{self._path(kind, body)}?dryRun=All", body)
        if status == 409:
            return self._replaced(kind, body)
        return answer if status == 201 else None

    def _replaced(self, kind: ApiKind, body: dict[str, Any]) -> dict[str, Any] | None:
        path = f"{self._path(kind, body)}/{body['metadata']['name']}?dryRun=All"
        status, answer = self._send("PUT", path, body)
        return answer if status == 200 else None

    def _path(self, kind: ApiKind, body: dict[str, Any]) -> str:
        return kind.path(body["metadata"].get("namespace") or "default")

    def _make(self, path: str, name: str) -> None:
        if (path, name) not in self._present:
            self._present.add((path, name))
            self._post(path, {"metadata": {"name": name}})

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._connection.request(
            method, path, json.dumps(body, default=str), {"Content-Type": "application/json"}
        )
        answer = self._connection.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        self.last_message = str(content.get("message", "")) if answer.status >= 400 else ""
        return answer.status, content
