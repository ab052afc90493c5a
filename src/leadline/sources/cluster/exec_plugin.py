"""Credentials from an exec plugin: the program that a kubeconfig names to sign its user in.

Tokens and client certificates, all versions of the protocol; one sign-in serves all threads.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
from msgspec import Struct

from leadline.errors import ClusterError
from leadline.sources.cluster.kubeconfig import Access
from leadline.sources.cluster.plugin_process import Overlong, Overtime, run_plugin
from leadline.sources.cluster.sign_in import Named
from leadline.untyped import mappings, texts

SIGN_IN_TIMEOUT_S = 300
"""Long enough for a person to sign in through a browser."""

_PROTOCOLS = frozenset(f"client.authentication.k8s.io/{v}" for v in ("v1alpha1", "v1beta1", "v1"))
_EARLY = timedelta(seconds=30)
_HINT_CHARACTERS = 300
_INSTALL = "install it, or name it with its folder"
_RUN = "run it by hand to see what it says"


class Credentials(Struct, frozen=True):
    token: str = ""
    pair: tuple[Named, Named] | None = None
    """Certificate and key, for TLS; ``None`` where the plugin gives a token."""
    expires: datetime | None = None


class PluginAuth(httpx2.Auth):
    """Signs each request with the plugin's token; asks again when it has expired or was refused."""

    def __init__(self, access: Access, environ: Mapping[str, str], said: Callable[[str], None]) -> None:
        """``said`` is given each line that the plugin writes for its user."""
        self._access = access
        self._environ = environ
        self._said = said
        self._lock = threading.Lock()
        self.credentials = ask_plugin(access, environ, said)

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        held = self._fresh()
        if held.token:
            request.headers["Authorization"] = f"Bearer {held.token}"
        response = yield request
        if response.status_code != 401 or not held.token:
            return
        held = self._replaced(held)
        request.headers["Authorization"] = f"Bearer {held.token}"
        yield request

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        flow = self.sync_auth_flow(request)
        outgoing = next(flow)
        while True:
            answer = yield outgoing
            try:
                outgoing = flow.send(answer)
            except StopIteration:
                return

    def _fresh(self) -> Credentials:
        held = self.credentials
        if held.expires is None or datetime.now(UTC) < held.expires - _EARLY:
            return held
        return self._replaced(held)

    def _replaced(self, old: Credentials) -> Credentials:
        with self._lock:
            if self.credentials is old:
                self.credentials = ask_plugin(self._access, self._environ, self._said)
            return self.credentials


def ask_plugin(access: Access, environ: Mapping[str, str], said: Callable[[str], None]) -> Credentials:
    """Runs the plugin once; ``said`` is given its prompts and complaints, line by line as they come.

    Raises:
        ClusterError: it cannot be started, fails, or answers with no credentials.
    """
    plugin = access.exec_plugin
    protocol, command = plugin.get("apiVersion"), plugin.get("command")
    if (
        not isinstance(protocol, str)
        or protocol not in _PROTOCOLS
        or not isinstance(command, str)
        or not command
    ):
        raise ClusterError(
            f"exec of {access.user_place} names no command with a known apiVersion",
            hint="client.authentication.k8s.io/v1 is one",
        )
    if "/" in command and not Path(command).is_absolute():
        command = str(Path(access.folder) / command)
    argv = [command, *texts(plugin.get("args"))]
    hint = " ".join(str(plugin.get("installHint") or "").split())[:_HINT_CHARACTERS]
    try:
        code, answer = run_plugin(argv, _plugin_environ(access, environ), said, SIGN_IN_TIMEOUT_S)
    except (OSError, ValueError) as error:
        why = str(getattr(error, "strerror", "") or error).lower()
        raise ClusterError(
            f"exec of {access.user_place}: {command} cannot be started: {why}", hint=hint or _INSTALL
        ) from error
    except Overtime as error:
        raise ClusterError(
            f"exec of {access.user_place}: {command} did not sign in within {SIGN_IN_TIMEOUT_S} s", hint=_RUN
        ) from error
    except Overlong as error:
        raise ClusterError(
            f"exec of {access.user_place}: {command} gave no credentials: {error}", hint=_RUN
        ) from error
    if code:
        raise ClusterError(
            f"exec of {access.user_place}: {command} could not sign in: exit code {code}", hint=hint or _RUN
        )
    return _credentials(f"exec of {access.user_place}: {command}", answer)


def _plugin_environ(access: Access, environ: Mapping[str, str]) -> dict[str, str]:
    plugin = access.exec_plugin
    added = {
        str(entry["name"]): str(entry.get("value", ""))
        for entry in mappings(plugin.get("env"))
        if "name" in entry
    }
    spec: dict[str, Any] = {"interactive": plugin.get("interactiveMode") != "Never"}
    if plugin.get("provideClusterInfo"):
        server = access.server
        cluster: dict[str, Any] = {"server": server.server, "insecure-skip-tls-verify": server.insecure}
        if server.ca_data:
            cluster["certificate-authority-data"] = server.ca_data
        spec["cluster"] = cluster
    request = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}
    return {**environ, **added, "KUBERNETES_EXEC_INFO": orjson.dumps(request).decode()}


def _credentials(who: str, answer: bytes) -> Credentials:
    try:
        status = orjson.loads(answer)["status"]
        expires = status.get("expirationTimestamp")
        token = str(status.get("token") or "")
        certificate, key = (
            (f"{who}: {name}", str(status.get(name) or "").encode())
            for name in ("clientCertificateData", "clientKeyData")
        )
        until = datetime.fromisoformat(expires) if expires else None
        if until is not None and until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"{who} gave no credentials that can be read", hint=_RUN) from error
    pair = (certificate, key) if certificate[1] and key[1] else None
    if not token and not pair:
        raise ClusterError(f"{who} gave neither a token nor a certificate", hint=_RUN)
    return Credentials(token, pair, until)
