"""The socket: HTTP/1.1 over TLS, where a client certificate is optional and, if there is one, verified and passed on."""

import errno
import logging
import signal
import socket as sockets
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadline.errors import UsageError
from leadline.sources.regular_file import open_regular

log = logging.getLogger(__name__)
KEEP_ALIVE_S = 120
"""Longer than Go keeps idle connections (90 s): who closes first must be the client, lest it writes into a closed one."""
GOODBYE_S = 5
BACKLOG = 2048


class Socket(Struct, frozen=True):
    host: str
    port: int
    certificate: Path
    key: Path
    most_connections: int | None = None
    """What comes beyond is closed at once; ``None`` for no bound."""


class Tls:
    """Certificates of both sides, each connection with the newest: they can be replaced while we run."""

    def __init__(self, socket: Socket, ca: str) -> None:
        """Raises: ``OSError``, which names the file that cannot be used."""
        self._socket = socket
        self._ca = ca
        self._newest = self._context()
        self._stamp = self._stamped()
        self.entrance = self._context()
        """What the server is started with; every handshake is handed on to the newest context."""
        self.entrance.sni_callback = self._hand_on

    def renew(self, ca: str) -> None:
        """Takes another CA for client certificates, and our own certificate if its file has changed."""
        stamp = self._stamped()
        if ca == self._ca and stamp == self._stamp:
            return
        self._ca, self._stamp = ca, stamp
        self._newest = self._context()
        log.info("renewed certificates were loaded")

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for file in (self._socket.certificate, self._socket.key):
            # OpenSSL would wait for ever for what comes out of a pipe.
            open_regular(file).close()
        try:
            context.load_cert_chain(self._socket.certificate, self._socket.key, password="")
        except ssl.SSLError as error:
            why = f"not a certificate in PEM with its key in {self._socket.key}"
            raise OSError(errno.EINVAL, why, str(self._socket.certificate)) from error
        context.set_alpn_protocols(["http/1.1"])
        if self._ca:
            context.load_verify_locations(cadata=self._ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _hand_on(self, connection: Any, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _stamped(self) -> tuple[int, int]:
        return self._socket.certificate.stat().st_mtime_ns, self._socket.key.stat().st_mtime_ns


class Peer(HttpToolsProtocol):
    """Says who is at the other end: ``certificate`` (verified, or empty) and ``transport``, in the state of the scope."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        certificate = connection.getpeercert() if connection is not None else None
        self.app_state = {**self.app_state, "certificate": certificate, "transport": transport}
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()


Application = Callable[[Any, Any, Any], Any]
"""As ASGI has it: scope, receive, send."""


class Server(uvicorn.Server):
    """``on_stop`` is called at the first signal, before connections are waited for."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_stop: Callable[[], None] = lambda: None,
        linger_s: float = 0.0,
        sockets: list[sockets.socket] | None = None,
    ) -> None:
        """``linger_s``: so long after SIGTERM it serves on, until those who ask know that it goes.

        ``sockets``: where it listens; ``None`` for what ``config`` says.
        """
        super().__init__(config)
        self._sockets = sockets
        self._on_stop = on_stop
        self._linger_s = linger_s
        self._end_at: float | None = None

    async def serve(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().serve(sockets or self._sockets)

    async def on_tick(self, counter: int) -> bool:
        is_over = self._end_at is not None and time.monotonic() >= self._end_at
        return await super().on_tick(counter) or is_over

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Not as uvicorn, which ends the process by the same signal before the store is closed."""
        self._on_stop()
        if sig == signal.SIGTERM and self._linger_s and self._end_at is None:
            self._end_at = time.monotonic() + self._linger_s
            return
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    def leave(self) -> None:
        """At once."""
        self._on_stop()
        self.should_exit = True


@contextmanager
def listening(host: str, port: int) -> Iterator[list[sockets.socket]]:
    """At every address of ``host``, as an event loop would; taken before anything is announced. Raises: ``UsageError``."""
    with ExitStack() as taken:
        yield [taken.enter_context(one) for one in _bound_at(host, port)]


def _bound_at(host: str, port: int) -> list[sockets.socket]:
    """Raises: ``UsageError``."""
    made: list[sockets.socket] = []
    lacking: OSError | None = None
    try:
        # Of "::" one for each family.
        for family, kind, _, _, address in sockets.getaddrinfo(
            None if host == "::" else host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        ):
            try:
                made.append(_bound(family, kind, address))
            except OSError as error:
                # A machine without IPv6 answers by IPv4.
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                lacking = error
        if not made and lacking:
            raise lacking
    except OSError as error:
        for one in made:
            one.close()
        raise UsageError(
            f"cannot listen at {host}:{port}: {(error.strerror or str(error)).lower()}",
            hint="name another address or port",
        ) from error
    return made


def _bound(family: int, kind: int, address: Any) -> sockets.socket:
    """Raises: ``OSError``."""
    one = sockets.socket(family, kind)
    try:
        one.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        if family == sockets.AF_INET6:
            one.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, 1)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one


def config_of(application: Application, host: str = "", port: int = 0, **more: Any) -> uvicorn.Config:
    """What all our servers have in common, and what else is given."""
    common: dict[str, Any] = {
        "lifespan": "off",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        # No proxy in front of us says by such headers who the client is; any client that sent them would be believed.
        "proxy_headers": False,
        "timeout_graceful_shutdown": GOODBYE_S,
    }
    # By itself the event loop makes a socket of "::" that no IPv4 address reaches; of "" it makes one for each family.
    return uvicorn.Config(application, "" if host == "::" else host, port, **common | more)


def server(
    application: Application,
    socket: Socket,
    tls: Tls,
    on_stop: Callable[[], None],
    linger_s: float = 0.0,
    sockets: list[sockets.socket] | None = None,
) -> Server:
    config = config_of(
        application,
        socket.host,
        socket.port,
        http=Peer,
        backlog=BACKLOG,
        limit_concurrency=socket.most_connections,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    config.ssl = tls.entrance
    return Server(config, on_stop, linger_s, sockets)
