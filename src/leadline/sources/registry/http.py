"""Requests to registries over the standard library's HTTP client.

One connection per request; redirects are followed without showing credentials to another host.
"""

import http.client
import os
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import lru_cache
from threading import Event, Timer
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from msgspec import Struct

from leadline.errors import RegistryError
from leadline.sources.proxies import proxy_address
from leadline.sources.registry.options import RegistryOptions, Trust


class Proxy(Struct, frozen=True):
    host: str
    port: int
    headers: dict[str, str] = {}
    """What shows the proxy who asks."""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_for(parts: SplitResult, trust: Trust) -> Proxy | None:
    """The one on the way to the host of ``parts``; ``None`` where the way is direct.

    Raises:
        RegistryError: what is set is not a proxy that we can speak to.
    """
    address = proxy_address(parts.scheme, parts.netloc.rpartition("@")[2], trust.proxies)
    if not address:
        return None
    try:
        proxy = urlsplit(address)
        name, port = proxy.hostname, proxy.port
    except ValueError:
        name, port = None, None
    # Its password must be in no message.
    if not name:
        raise RegistryError("invalid proxy URL; use http://HOST:PORT", hint="write it as http://HOST:PORT")
    if proxy.scheme != "http":
        raise RegistryError(
            f"the proxy {name} is to be spoken to by {proxy.scheme}", hint="only http:// proxies are"
        )
    return Proxy(name, port or 80, _headers(proxy))


def _headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = b":".join(unquote_to_bytes(part or "") for part in (proxy.username, proxy.password))
    return {"Proxy-Authorization": f"Basic {b64encode(pair).decode()}"}


MOST_REDIRECTS = 5
PIECE_BYTES = 1 << 18
TIMEOUT_SECONDS = 60.0
"""Without a single byte."""
HEAD_SECONDS = 120.0
"""For the head of an answer, whatever trickles in."""
PIECE_SECONDS = 120.0
"""For a piece: two thousand bytes a second. A host that sends fewer never comes to an end with an image."""
USER_AGENT = "leadline"
BUSY = frozenset((429, 502, 503, 504))
FAULT = 500
"""An error of the host's own, which seldom passes while someone waits for it."""
REDIRECTS = frozenset((301, 302, 303, 307, 308))
_CONTEXTS = 8
"""Kept; one process trusts one or two sets of CAs."""
_OF_THE_FILE: set[str] = set()
"""Hosts for which no CA of the system's folder vouches: they are not shown it again."""
_MOST_REMEMBERED = 1_000
_BY_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
_RANGE = re.compile(r"bytes (\d{1,18})-")


class Dropped(Exception):  # noqa: N818 - what happened to the connection
    """The connection ended before the answer did."""


class UnreachableError(RegistryError):
    """There is no way to the host, or no answer that can be trusted: nothing is known of what was asked for."""


class NoTls(UnreachableError):  # noqa: N818 - what the host is
    """The host speaks, and not TLS."""

    def __init__(self, host: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.host = host
        """``host[:port]``, which may be one that the registry sent us on to."""


class NobodyListens(NoTls):
    """Nor does it speak at all where TLS is usual."""


def may_ask_again(answer: "HttpAnswer", attempt: int, options: RegistryOptions) -> bool:
    """Whether the request behind ``answer`` is to be repeated; waits until then."""
    if answer.status in BUSY:
        return options.wait(attempt, answer.retry_after_s())
    return answer.status == FAULT and options.retry(attempt, answer.retry_after_s())


class HttpAnswer:
    """An answer whose body is still to be read."""

    def __init__(
        self, host: str, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        self._host = host
        self._connection = connection
        self._response = response
        self.status = response.status
        self.is_delimited = response.chunked or response.length is not None
        """Whether its end can be distinguished from a closed connection."""
        self.elsewhere = ""
        """``host[:port]`` that the host which was asked sent us on to; empty where it answered itself."""

    def header(self, name: str) -> str:
        return self._response.headers.get(name) or ""

    def headers(self, name: str) -> list[str]:
        return self._response.headers.get_all(name) or []

    def retry_after_s(self) -> float:
        """How long the host wants to be left alone; 0 where it does not say so (RFC 9110, section 10.2.3)."""
        asked = self.header("Retry-After").strip()
        if asked.isascii() and asked.isdigit():
            return float(asked)
        try:
            now = self.header("Date")
            # By the host's own clock, where it shows one: ours may go wrong.
            start = parsedate_to_datetime(now).timestamp() if now else time.time()
            return max(0.0, parsedate_to_datetime(asked).timestamp() - start)
        except (ValueError, OverflowError):
            return 0.0

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            RegistryError: it is larger than ``limit``.
            Dropped: it ends early.
        """
        parts = []
        for piece in self.pieces():
            parts.append(piece)
            limit -= len(piece)
            if limit < 0:
                self.close()
                raise RegistryError("the registry's answer is larger than allowed")
        return b"".join(parts)

    def start(self, asked: int) -> int:
        """Where in the whole the body begins; ``asked`` is what was asked for (RFC 9110, section 14.4)."""
        if self.status != 206:
            return 0
        begins = _RANGE.match(self.header("Content-Range"))
        return int(begins[1]) if begins else asked

    def pieces_behind(self, got: int) -> Iterator[bytes]:
        """The pieces behind the first ``got`` bytes of the whole, which the host may send again.

        Raises: as ``pieces``, and ``Dropped`` where another part came than was asked for.
        """
        passed_over = got - self.start(got)
        if passed_over < 0:
            self.close()
            raise Dropped("another part came than was asked for")
        for piece in self.pieces():
            if new := piece[passed_over:]:
                yield new
            passed_over -= len(piece) - len(new)

    def pieces(self) -> Iterator[bytes]:
        """The body piece by piece.

        Raises:
            Dropped: it ends early.
            RegistryError: it comes too slowly to wait for.
        """
        try:
            while piece := self._piece():
                yield piece
            if self._response.length:
                raise Dropped("the answer ends early")
        except (OSError, http.client.HTTPException) as error:
            raise Dropped(str(error) or type(error).__name__) from error
        finally:
            self.close()

    def _piece(self) -> bytes:
        """A full piece, or what came before the end."""
        parts: list[bytes] = []
        missing = PIECE_BYTES
        start = time.monotonic()
        try:
            while missing and (part := self._response.read1(missing)):
                parts.append(part)
                missing -= len(part)
                if missing and time.monotonic() - start > PIECE_SECONDS:
                    raise UnreachableError(f"{self._host} sends its answer too slowly")
        except (OSError, http.client.HTTPException):
            # What came before is not asked for again.
            if not parts:
                raise
        return b"".join(parts)

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def send(
    url: str, headers: Mapping[str, str], trust: Trust, body: bytes | None = None, *, sent_by: str = ""
) -> HttpAnswer:
    """The answer to a GET (with ``body`` a POST), redirects followed.

    ``sent_by``: the registry that named the address; empty where the image did. Only a user may name a host that answers
    this machine alone.

    Raises:
        RegistryError: there is no way to the host, its certificate is not trusted, or redirects do not end.
        Dropped: the connection ended before there was an answer.
    """
    shown = dict(headers)
    first = urlsplit(url)
    elsewhere = ""
    for _ in range(MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        sender = sent_by or (first.netloc.rpartition("@")[2] if elsewhere else "")
        answer = _send_once(parts, shown, trust, body, sender=sender)
        if answer.status not in REDIRECTS:
            answer.elsewhere = elsewhere
            return answer
        url = _target(url, answer)
        after = urlsplit(url)
        if (after.scheme, after.netloc) != (first.scheme, first.netloc):
            # Storage behind a registry has its own signature in the address; ours is none of its business.
            shown.pop("Authorization", None)
            elsewhere = after.netloc.rpartition("@")[2]
            if body is not None:
                raise RegistryError(f"{first.netloc} wants what it is sent, a secret, to go to {elsewhere}")
    raise RegistryError(f"{first.netloc} redirects without end")


def _target(url: str, answer: HttpAnswer) -> str:
    """Where ``answer`` sends those who asked for ``url``. Raises ``RegistryError`` where no request should go."""
    location = answer.header("Location")
    answer.close()
    before = urlsplit(url)
    try:
        # Some servers write an address as people read it; the library takes it for raw bytes.
        target = urljoin(url, quote(location, safe="!#$%&'()*+,/:;=?@[]~", encoding="latin-1"))
        after = urlsplit(target)
    except ValueError as error:
        raise RegistryError(
            f"{before.netloc} sends its clients on to an address that makes no sense"
        ) from error
    if after.scheme not in ("http", "https") or (before.scheme == "https" and after.scheme == "http"):
        raise RegistryError(f"{before.netloc} sends its clients on to an unsafe address")
    return target


def _send_once(
    parts: SplitResult, headers: Mapping[str, str], trust: Trust, body: bytes | None, *, sender: str
) -> HttpAnswer:
    host = parts.netloc.rpartition("@")[2]
    proxy = proxy_for(parts, trust)
    is_named = not sender and (trust.named is None or not trust.named.isdisjoint((host, parts.hostname)))
    if not is_named:
        # Few images come from elsewhere.
        from leadline.sources.registry.own_services import refuse_own_services

        refuse_own_services(parts.hostname or "", host, sender)
    connection = _connected(parts, host, trust, proxy)
    try:
        if not is_named and proxy is None:
            refuse_own_services(connection.sock.getpeername()[0], host, sender)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        method = "GET" if body is None else "POST"
        shown = {"User-Agent": USER_AGENT, "Host": host, **headers}
        if proxy and parts.scheme == "http":
            # Proxies open tunnels for TLS alone (RFC 9112, section 3.2.2).
            target = f"http://{host}{target}"
            shown.update(proxy.headers)
        connection.request(method, target, body, shown)
        answer = HttpAnswer(host, connection, _response(host, connection))
    except BaseException as error:
        connection.close()
        raise _translated(error, host, f" by way of the proxy {proxy.name}" if proxy else "") from error
    if proxy and answer.status == 407:
        answer.close()
        raise RegistryError(
            f"the proxy {proxy.name} wants to know who asks", hint="name it as http://NAME:PASSWORD@HOST:PORT"
        )
    return answer


def _response(host: str, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """The head of the answer. Raises ``RegistryError`` where it has not come after ``HEAD_SECONDS``."""
    with _given_up(host, connection.sock):
        return connection.getresponse()


class _Impatient(ssl.SSLSocket):
    """Waits for a handshake no longer than for the head of an answer; its timeout alone counts from byte to byte."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            with _given_up(self.server_hostname or "the host", self):
                super().do_handshake(block)
        except RegistryError:
            self.close()  # which the library does after errors of its own alone
            raise


@contextmanager
def _given_up(host: str, wire: socket.socket) -> Iterator[None]:
    """Cuts ``wire`` off where the block has not ended after ``HEAD_SECONDS``; then raises ``RegistryError``."""
    is_cut = Event()
    clock = Timer(HEAD_SECONDS, _cut, (wire, is_cut))
    clock.daemon = True
    clock.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if is_cut.is_set():
            raise UnreachableError(f"{host} timed out waiting for response headers") from error
        raise
    finally:
        clock.cancel()


def _cut(wire: socket.socket, is_cut: Event) -> None:
    is_cut.set()
    with suppress(OSError):
        # Not by the method of a TLS socket, which another thread is using.
        socket.socket.shutdown(wire, socket.SHUT_RDWR)


def _translated(error: BaseException, host: str, way: str) -> BaseException:
    """What ``error`` means to a caller."""
    match error:
        case ssl.SSLCertVerificationError():
            return UnreachableError(
                f"the certificate of {host} is not trusted: {error.verify_message}",
                hint="give the CA's certificate, or allow unverified registries",
            )
        case ssl.SSLError():
            return NoTls(
                host, f"no TLS with {host}: {error.reason or error}", hint="is it a registry without TLS?"
            )
        case ConnectionRefusedError():
            return NobodyListens(host, f"cannot reach {host}{way}: connection refused")
        case ConnectionResetError() | http.client.RemoteDisconnected() | http.client.IncompleteRead():
            return Dropped(str(error))
        case ValueError() if not isinstance(error, http.client.HTTPException):
            # Its text may hold the header that could not be sent, and that a password.
            return UnreachableError(
                f"cannot reach {host}{way}: no request can hold its name, or what is to be sent"
            )
        case OSError() | http.client.HTTPException():
            reason = getattr(error, "strerror", None) or str(error)
            return UnreachableError(f"cannot reach {host}{way}: {reason.lower()}")
    return error


def _connected(
    parts: SplitResult, host: str, trust: Trust, proxy: Proxy | None
) -> http.client.HTTPConnection:
    """A connection that a request may go over. Raises ``RegistryError``, and ``Dropped``."""
    way = f" by way of the proxy {proxy.name}" if proxy else ""
    contexts = iter((None,)) if parts.scheme == "http" else _contexts(host, trust)
    context = next(contexts)
    while True:
        connection = _connection(parts, host, context, proxy)
        try:
            connection.connect()
        except BaseException as error:
            connection.close()
            is_unknown = isinstance(error, ssl.SSLCertVerificationError)
            context = next(contexts, None) if is_unknown else None
            if context is None:
                raise _translated(error, host, way) from error
            if len(_OF_THE_FILE) >= _MOST_REMEMBERED:
                _OF_THE_FILE.clear()
            _OF_THE_FILE.add(host)
        else:
            return connection


def _connection(
    parts: SplitResult, host: str, context: ssl.SSLContext | None, proxy: Proxy | None
) -> http.client.HTTPConnection:
    try:
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RegistryError(f"cannot reach {host}: {error}") from error
    first, at = (proxy.host, proxy.port) if proxy else (name, port)
    if context is None:
        return http.client.HTTPConnection(first, at, timeout=TIMEOUT_SECONDS)
    connection = http.client.HTTPSConnection(first, at, timeout=TIMEOUT_SECONDS, context=context)
    if proxy:
        connection.set_tunnel(name, port or 443, proxy.headers)
    return connection


def _contexts(host: str, trust: Trust) -> Iterator[ssl.SSLContext]:
    """The first that vouches for a host counts. Raises ``RegistryError`` where the file of CAs cannot be used.

    Reading all CAs of a system takes longer than all else that one request does. Where they lie in a folder by the hashes of their
    names, only those are read that a host shows; what is in the system's file alone is looked for in a second try.
    """
    is_whole = trust.ca_file or trust.is_unverified or host in _OF_THE_FILE
    folder = "" if is_whole else _folder_of_cas()
    if folder:
        yield _made_context("", False, (_stamp(folder),), folder)
    yield _context(trust)


def _folder_of_cas() -> str:
    """Empty where the system has none that is sorted by names."""
    folder = ssl.get_default_verify_paths().capath or ""
    try:
        return folder if folder and any(map(_BY_NAME.fullmatch, os.listdir(folder))) else ""  # noqa: PTH208
    except OSError:
        return ""


def _context(trust: Trust) -> ssl.SSLContext:
    if trust.ca_file:
        named = [trust.ca_file]
    else:
        usual = ssl.get_default_verify_paths()
        named = [path for path in (usual.cafile, usual.capath) if path]
    return _made_context(trust.ca_file, trust.is_unverified, tuple(map(_stamp, named)))


def _stamp(path: str) -> tuple[int, ...]:
    """Changes with what lies at ``path``, such as CAs that a cluster has renewed; empty where that cannot be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(_CONTEXTS)
def _made_context(
    ca_file: str, is_unverified: bool, stamps: tuple[tuple[int, ...], ...], folder: str = ""
) -> ssl.SSLContext:
    """Reading the system's CAs takes 16 ms, and an image takes several requests. ``folder``: of CAs, instead of a file."""
    del stamps
    if is_unverified and not ca_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = _verifying(ca_file, folder)
    if is_unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = _Impatient
    return context


def _verifying(ca_file: str, folder: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None, capath=folder or None)
    except ssl.SSLError as error:
        raise RegistryError(f"cannot use the certificates in {ca_file}: it holds none") from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise RegistryError(f"cannot use the certificates in {ca_file}: {why}") from error
