"""What a server would store for a manifest, without storing it: defaults filled in, admission done."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

from control_plane import ControlPlane

from leadline.kube.kinds import plural_of
from leadline.kube.workload import descend, pod_paths
from leadline.sources.cluster.discovery import ApiKind, Served

_CUSTOM = ("cilium.io", "projectcalico.org", "istio.io", "gateway.networking.k8s.io", "openshift.io")
"""Ends of the groups that clusters add."""
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TRIES = 100


class DryRun:
    """Creates with ``dryRun=All`` (https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run)."""

    def __init__(self, plane: ControlPlane, served: Served) -> None:
        plane.admin()
        tls = ssl.create_default_context(cafile=plane.authority_file)
        tls.load_cert_chain(plane.folder / "user-admin.crt", plane.folder / "user-admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=tls, timeout=60)
        self._kinds = {(kind.api_version, kind.kind): kind for kind in served.kinds.values()}
        self._custom: list[ApiKind] = []
        self._present: set[tuple[str, str]] = set()
        self.last_message = ""
        """Why the server refused the last object."""

    def close(self) -> None:
        """Takes the custom kinds away again: other tests of the session ask the same server what it serves."""
        for kind in self._custom:
            self._send("DELETE", f"{_DEFINITIONS}/{kind.plural}.{kind.group}", {})
        groups = {kind.group for kind in self._custom}
        self._until(lambda: not groups & self._served_groups(), "the custom kinds stay")
        self._connection.close()

    def _served_groups(self) -> set[str]:
        return {group["name"] for group in self._send("GET", "/apis", {})[1]["groups"]}

    def _until(self, is_so: Callable[[], bool], complaint: str) -> None:
        for _ in range(_TRIES):
            if is_so():
                return
            time.sleep(0.1)
        raise RuntimeError(complaint)

    def prepare(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Makes the namespaces and service accounts that admission asks for, and the custom kinds."""
        for body in bodies:
            self._make_kind(body)
            namespace = body["metadata"].get("namespace") or "default"
            paths = pod_paths(str(body.get("apiVersion")), str(body.get("kind")), body)
            pods = [descend(body, (*path, "spec")) for path in paths]
            accounts = [pod.get("serviceAccountName") or pod.get("serviceAccount") for pod in pods]
            self._make("/api/v1/namespaces", namespace)
            for name in ("default", *accounts):
                if isinstance(name, str):
                    self._make(f"/api/v1/namespaces/{namespace}/serviceaccounts", name)

    def stored(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """``None`` where the server refuses the object or does not serve its kind."""
        name = (str(body.get("apiVersion")), str(body.get("kind")))
        kind = self._kinds.get(name) or next(
            (one for one in self._custom if (one.api_version, one.kind) == name), None
        )
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

    def _make_kind(self, body: dict[str, Any]) -> None:
        """A definition that takes any fields, for a kind that only some cluster serves; the server's own stay refused."""
        version, kind = str(body.get("apiVersion")), str(body.get("kind"))
        group, _, short = version.partition("/")
        known = {(one.api_version, one.kind) for one in self._custom}
        if (version, kind) in {*self._kinds, *known} or not group.endswith(_CUSTOM):
            return
        made = ApiKind(group, short, kind, plural_of(kind), bool(body["metadata"].get("namespace")))
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        row = {"name": short, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        definition = {
            "metadata": {
                "name": f"{made.plural}.{group}",
                "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
            },
            "spec": {
                "group": group,
                "scope": "Namespaced" if made.is_namespaced else "Cluster",
                "names": {"kind": kind, "plural": made.plural, "singular": kind.lower()},
                "versions": [row],
            },
        }
        status, answer = self._post(_DEFINITIONS, definition)
        if status == 409:
            status, answer = self._add_version(
                f"{_DEFINITIONS}/{made.plural}.{group}", {**row, "storage": False}
            )
        if status not in (200, 201):
            raise RuntimeError(f"{kind}: {answer.get('message')}")
        self._until(lambda: self._send("GET", made.path(""), {})[0] == 200, f"{kind} is not served")
        self._custom.append(made)

    def _add_version(self, path: str, row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        _, definition = self._send("GET", path, {})
        definition["spec"]["versions"].append(row)
        return self._send("PUT", path, definition)

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
        raw = answer.read()
        content: dict[str, Any] = json.loads(raw) if raw.startswith(b"{") else {"message": raw.decode()}
        self.last_message = str(content.get("message", "")) if answer.status >= 400 else ""
        return answer.status, content
