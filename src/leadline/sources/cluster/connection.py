"""One connection to an API server: asks, waits where the server asks for time, and bounds every answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx2
import orjson
from msgspec import Struct

from leadline.errors import ClusterError
from leadline.sources.cluster.exec_plugin import PluginAuth
from leadline.sources.cluster.kubeconfig import NAME_CLUSTER, SCAN_FILES, Access, choose_access
from leadline.sources.cluster.sign_in import (
    CredentialsError,
    auth_of,
    show_certificate,
    tls_of,
    why_refused,
)
from leadline.sources.proxies import is_loopback, proxies_of, proxy_address
from leadline.sources.temporary_folder import temporary_folder

MAX_ERROR_BYTES = 1 * 2**20
MAX_ANSWER_BYTES = 64 * 2**20
"""A page of 500 objects of 128 KiB; a larger page is asked for again with fewer objects."""

MOST_CONNECTIONS = 1_000
"""A watch holds one for each kind that it follows."""

_BUSY = frozenset({429, 500, 502, 503, 504})

_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})

_UNTRUSTED = "certificate verify failed: "
"""In OpenSSL's words."""
_DOUBTED = "its certificate is not trusted: "
"""In ours; asking again does not fix it."""

_JSON = {"Accept": "application/json"}

_MAX_FAULTS = 3
"""A 500 may be a hiccup of etcd, or a conversion webhook that is gone for good."""

OnWait = Callable[[float, str], None]
"""Called before each wait: seconds, and why."""

Said = Callable[[str], None]
"""Takes a line that a program which signs in writes for its user."""


def _unheard(line: str) -> None:
    del line


class Patience(Struct, frozen=True):
    """How long a slow or failing server is waited for."""

    attempts: int = 6
    """For one request, the first included."""
    first_attempts: int = 3
    """To reach a server that has not answered yet: there may be none, and no one sees what is waited for."""
    first_wait_s: float = 0.5
    """Doubled with each attempt."""
    longest_wait_s: float = 30.0
    """Bounds every single wait, the server's own Retry-After as well."""
    connect_s: float = 10.0
    silence_s: float = 90.0
    """Without a byte from the server."""
    answer_s: float = 300.0
    """For one whole answer, however steadily it drips."""


class RefusedError(ClusterError):
    """The server answered, and not with what was asked for."""

    def __init__(self, status: int, message: str, continue_token: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.continue_token = continue_token
        """With 410: the token that continues with a list whose snapshot has expired."""


class LostError(ClusterError):
    """No whole answer came, however often it was asked."""


class TooLargeError(ClusterError):
    """The answer exceeds ``MAX_ANSWER_BYTES``."""


class Cluster:
    """An API server that can be asked. Safe to use from several threads."""

    def __init__(self, access: Access, http: httpx2.Client, patience: Patience) -> None:
        self.context = access.context
        self.server = access.host
        self.namespace = access.namespace
        self.patience = patience
        self.server_version = ""
        """``v1.36.3``; empty where the server does not say."""
        self.stopped = threading.Event()
        """Once set, no further request is made and every wait ends."""
        self._http = http
        self._extensions: dict[str, Any] = {}
        if access.tls_server_name:
            self._extensions["sni_hostname"] = access.tls_server_name
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._noting = threading.Lock()
        self._extensions["trace"] = self._note_connection
        self._is_gone = False
        self._has_answered = False

    @property
    def title(self) -> str:
        return f"context {self.context}" if self.context else "this pod"

    def close(self) -> None:
        """Ends requests that are under way as well."""
        self.stopped.set()
        with self._noting:
            connected = list(self._sockets)
        for one in connected:
            # Closing alone wakes no thread that waits for more.
            with suppress(OSError):
                # Of the base class: that of TLS takes apart what the thread is using.
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        self._http.close()

    def ask(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "",
        on_wait: OnWait | None = None,
        parse: Callable[[bytes], Any] = orjson.loads,
    ) -> Any:
        """The parsed JSON at ``path``. ``parse`` raises ``orjson.JSONDecodeError`` where it is none.

        Raises:
            RefusedError: any answer but 200, once 429 and 5xx have been waited for.
            LostError: the connection fails, or the answer is not JSON.
            CredentialsError: their file cannot be read, or holds what no request may.
            TooLargeError: it exceeds the bound.
        """
        attempts = 1 if self._is_gone else self.patience.attempts
        attempt = faults = 0
        while True:
            attempt += 1
            try:
                content = self._once(path, params or {}, accept)
                return parse(content)
            except _BusyError as busy:
                failure: ClusterError = busy.failure
                wait_s = busy.retry_after_s
                faults += busy.failure.status == 500
            except httpx2.LocalProtocolError:
                # Its message shows the header, which holds the token.
                why = "the token or the user's name holds what no HTTP header may"
                raise CredentialsError(_unusable(self.context, why)) from None
            except OSError as error:
                raise CredentialsError(_unusable(self.context, str(error))) from error
            except (httpx2.TransportError, orjson.JSONDecodeError) as error:
                failure = LostError(_reason(error))
                wait_s = None
                if failure.args[0].startswith(_DOUBTED):
                    attempts = attempt
                elif not self._has_answered:
                    attempts = min(attempts, self.patience.first_attempts)
            if attempt >= attempts or faults >= _MAX_FAULTS or self.stopped.is_set():
                self._is_gone = isinstance(failure, LostError)
                raise failure
            if wait_s is None:
                wait_s = self.patience.first_wait_s * 2 ** (attempt - 1)
            self._wait(wait_s, failure, on_wait)

    def lines(self, path: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """The lines of an answer as they come, until the server ends it. Asks once, and waits for nothing.

        Raises: as ``ask``.
        """
        try:
            with self._http.stream(
                "GET", path, params=dict(params), headers=_JSON, extensions=dict(self._extensions)
            ) as response:
                if response.status_code != 200:
                    raise _refused(response, _bounded(response, MAX_ERROR_BYTES, self.patience.answer_s))
                # One that was opened while the others were closed is left to no one else.
                if not self.stopped.is_set():
                    yield from _lines(response)
        except httpx2.LocalProtocolError:
            why = "the token or the user's name holds what no HTTP header may"
            raise CredentialsError(_unusable(self.context, why)) from None
        except (httpx2.TransportError, httpx2.StreamError) as error:
            raise LostError(_reason(error)) from error
        except (OSError, RuntimeError) as error:
            if self.stopped.is_set():
                raise LostError("stopped") from error
            raise CredentialsError(_unusable(self.context, str(error))) from error

    def _note_connection(self, event: str, about: Mapping[str, Any]) -> None:
        """Is shown what becomes of a request, step by step."""
        if event in _CONNECTED:
            found = about["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                with self._noting:
                    self._sockets.add(found)

    def _once(self, path: str, params: Mapping[str, str], accept: str) -> bytes:
        if self.stopped.is_set():
            raise LostError("stopped")
        headers = {"Accept": accept or "application/json"}
        with self._http.stream(
            "GET", path, params=dict(params), headers=headers, extensions=dict(self._extensions)
        ) as response:
            self._has_answered = True
            if response.status_code == 200:
                content = _bounded(response, MAX_ANSWER_BYTES, self.patience.answer_s)
                self._is_gone = False
                return content
            refused = _refused(response, _bounded(response, MAX_ERROR_BYTES, self.patience.answer_s))
            if response.status_code in _BUSY:
                raise _BusyError(refused, _retry_after_s(response))
            raise refused

    def _wait(self, seconds: float, failure: ClusterError, on_wait: OnWait | None) -> None:
        bounded = min(max(seconds, 0.0), self.patience.longest_wait_s)
        if on_wait is not None:
            on_wait(bounded, str(failure))
        self.stopped.wait(bounded)


def connect(
    context: str = "",
    kubeconfig: str = "",
    *,
    environ: Mapping[str, str],
    patience: Patience = Patience(),  # noqa: B008 frozen
    said: Said = _unheard,
) -> Cluster:
    """A cluster that has answered once. Empty ``context`` and ``kubeconfig`` mean kubectl's choice.

    ``said`` is given what a program that signs in says to its user.

    Raises:
        ClusterError: no cluster is configured, it cannot be reached, or it does not accept the credentials.
    """
    access = choose_access(context, kubeconfig, environ)
    cluster = Cluster(access, _client(access, environ, patience, said, httpx2.Client), patience)
    try:
        version = cluster.ask("/version")
    except RefusedError as refused:
        if refused.status == 401:
            cluster.close()
            why = why_refused(access)
            raise ClusterError(
                f"the cluster of {cluster.title} at {cluster.server} does not accept the credentials"
                + (f": {why}" if why else ""),
                hint="sign in again, or choose another --context",
            ) from refused
        version = {}
    except CredentialsError:
        cluster.close()
        raise
    except ClusterError as error:
        cluster.close()
        is_doubted = error.args[0].startswith(_DOUBTED)
        raise ClusterError(
            f"cannot reach the cluster of {cluster.title} at {cluster.server}: {error.args[0]}",
            hint=f"certificate-authority of {access.server_place} says whom to trust"
            if is_doubted
            else SCAN_FILES,
        ) from error
    if isinstance(version, dict):
        cluster.server_version = str(version.get("gitVersion") or "")
    return cluster


class _BusyError(Exception):
    """The server asks for time. Never leaves this module."""

    def __init__(self, failure: RefusedError, retry_after_s: float | None) -> None:
        super().__init__()
        self.failure = failure
        self.retry_after_s = retry_after_s


def async_client(
    context: str = "",
    kubeconfig: str = "",
    *,
    environ: Mapping[str, str],
    patience: Patience = Patience(),  # noqa: B008 frozen
    said: Said = _unheard,
) -> httpx2.AsyncClient:
    """For what is not reading: an HTTP client with the address and the credentials that ``connect`` would choose.

    Raises: ``ClusterError``.
    """
    try:
        access = choose_access(context, kubeconfig, environ)
    except ClusterError as error:
        if error.hint == SCAN_FILES:
            # Of stored results there are none in files of manifests.
            error.hint = NAME_CLUSTER
        raise
    return _client(access, environ, patience, said, httpx2.AsyncClient)


C = TypeVar("C", httpx2.Client, httpx2.AsyncClient)


def _client(access: Access, environ: Mapping[str, str], patience: Patience, said: Said, kind: type[C]) -> C:
    server = access.server.server
    headers = [("User-Agent", "leadline"), *access.impersonate]
    try:
        parts = urlsplit(server)
        if is_loopback(parts.hostname or ""):
            headers.append(("Accept-Encoding", "identity"))
        # Certificates of the kubeconfig's text and of a plugin are on disk for this moment only.
        with temporary_folder() as folder:
            tls = tls_of(access, folder)
            auth = auth_of(access)
            if access.exec_plugin:
                auth = plugin = PluginAuth(access, environ, said)
                if held := plugin.credentials.pair:
                    show_certificate(tls, *held, folder)
        return kind(
            base_url=server,
            verify=tls,
            auth=auth,
            headers=headers,
            timeout=httpx2.Timeout(patience.silence_s, connect=patience.connect_s),
            proxy=access.proxy or proxy_address(parts.scheme, parts.netloc, proxies_of(environ)) or None,
            trust_env=False,
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=20),
        )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CredentialsError(
            f"a certificate cannot be written to a temporary file: {why}", hint="TMPDIR names another folder"
        ) from error
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise CredentialsError(_unusable(access.context, str(error))) from error


def _unusable(context: str, why: str) -> str:
    return f"{context or 'this pod'}: the credentials cannot be used: {why}"


def _bounded(response: httpx2.Response, limit: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > limit:
            raise TooLargeError(f"an answer is larger than {limit // 2**20} MiB")
        if time.monotonic() > deadline:
            raise httpx2.ReadTimeout(f"an answer took more than {seconds:.0f} s")
        chunks.append(chunk)
    return b"".join(chunks)


def _lines(response: httpx2.Response) -> Iterator[bytes]:
    """Each line that holds something."""
    parts: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        end, *starts = chunk.split(b"\n")
        parts.append(end)
        size += len(end)
        if size > MAX_ANSWER_BYTES:
            raise TooLargeError(f"an object is larger than {MAX_ANSWER_BYTES // 2**20} MiB")
        for start in starts:
            if size:
                yield b"".join(parts)
            parts, size = [start], len(start)


def _refused(response: httpx2.Response, content: bytes) -> RefusedError:
    """The refusal in the server's own words (https://kubernetes.io/docs/reference/using-api/api-concepts/)."""
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict):
        return RefusedError(response.status_code, f"HTTP {response.status_code}")
    message = str(status.get("message") or f"HTTP {response.status_code}").strip()
    metadata = status.get("metadata")
    token = metadata.get("continue") if isinstance(metadata, dict) else None
    return RefusedError(response.status_code, message[:2000], token if isinstance(token, str) else "")


def _retry_after_s(response: httpx2.Response) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date; ``None`` where the server does not say."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, orjson.JSONDecodeError):
        return "the answer is not JSON"
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    text = str(error).strip() or type(error).__name__
    if _UNTRUSTED in text:
        return _DOUBTED + text.partition(_UNTRUSTED)[2].partition(" (_ssl")[0]
    return "connection refused" if "Connection refused" in text else text
