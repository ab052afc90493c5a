"""Certificates of both sides, replaced while the server runs."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from certificates import Authority
from processes import free_port

from leadline.errors import UsageError
from leadline.programs.apiserver.exchange import Receive, Scope, Send
from leadline.programs.apiserver.main import Settings
from leadline.programs.serving.tls_server import Socket, Tls, listening, server


async def says_who(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the name in the client's certificate."""
    certificate = scope["state"]["certificate"] or {}
    names = [
        value for group in certificate.get("subject", ()) for name, value in group if name == "commonName"
    ]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": b"known as " + " ".join(names).encode()})


@asynccontextmanager
async def serving(folder: Path, ca: str, host: str = "127.0.0.1") -> AsyncIterator[tuple[Tls, int]]:
    certificate, key = Authority(folder, "server-ca").issue("server", "server", hosts=("127.0.0.1",))
    place = Socket(host, free_port(), certificate, key)
    tls = Tls(place, ca)
    running = server(says_who, place, tls, lambda: None)
    task = asyncio.ensure_future(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    try:
        yield tls, place.port
    finally:
        running.should_exit = True
        await task


async def ask(port: int, ca: Path, pair: tuple[Path, Path] | None = None) -> str:
    """The name we are known by; raises where the connection is refused."""
    context = ssl.create_default_context(cafile=ca)
    if pair:
        context.load_cert_chain(*pair)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
    _, known, name = answer.partition(b"known as ")
    if not known:
        # With TLS 1.3 the refusal comes after the client's own handshake is over.
        raise ConnectionError("no answer")
    return name.split(b"\r\n")[0].decode()


def test_the_ca_of_clients_is_replaced_not_added(tmp_path: Path):
    old, new = Authority(tmp_path, "old-ca"), Authority(tmp_path, "new-ca")
    old_pair, new_pair = old.issue("old", "old-client"), new.issue("new", "new-client")
    ours = tmp_path / "server-ca.crt"

    async def scenario() -> None:
        async with serving(tmp_path, old.file.read_text()) as (tls, port):
            assert await ask(port, ours, old_pair) == "old-client"
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await ask(port, ours, new_pair)
            tls.renew(new.file.read_text())
            assert await ask(port, ours, new_pair) == "new-client"
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await ask(port, ours, old_pair)

    asyncio.run(scenario())


def test_our_own_certificate_is_read_anew(tmp_path: Path):
    clients = Authority(tmp_path, "clients")
    (tmp_path / "next").mkdir()

    async def scenario() -> None:
        async with serving(tmp_path, clients.file.read_text()) as (tls, port):
            following = Authority(tmp_path / "next", "next-ca")
            certificate, key = following.issue("server", "server", hosts=("127.0.0.1",))
            shutil.copy(key, tmp_path / "server.key")
            shutil.copy(certificate, tmp_path / "server.crt")
            tls.renew(clients.file.read_text())
            with pytest.raises(ssl.SSLError):
                await ask(port, tmp_path / "server-ca.crt")
            await ask(port, following.file)

    asyncio.run(scenario())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_every_address_is_one_of_both_families(tmp_path: Path, loop: str) -> None:
    """A pod is asked at the address that its cluster gives it, of either family."""
    proxy_ca = Authority(tmp_path, "proxy-ca")

    async def asked() -> str:
        async with serving(tmp_path, proxy_ca.file.read_text(), Settings("").host) as (_, port):
            return await ask(port, tmp_path / "server-ca.crt", proxy_ca.issue("proxy", "the proxy"))

    assert (asyncio.run(asked()) if loop == "asyncio" else uvloop.run(asked())) == "the proxy"


@pytest.mark.parametrize("key", ["other.key", "ca.crt", "server.crt"])
def test_a_certificate_without_its_key_is_named(tmp_path: Path, key: str):
    ca = Authority(tmp_path, "ca")
    certificate, _ = ca.issue("server", "server", hosts=("127.0.0.1",))
    ca.issue("other", "other", hosts=("127.0.0.1",))
    with pytest.raises(OSError, match=rf"with its key in {tmp_path / key}") as caught:
        Tls(Socket("127.0.0.1", 0, certificate, tmp_path / key), "")
    assert caught.value.filename == str(certificate)


def test_a_machine_without_one_of_the_families_listens_by_the_other(monkeypatch: pytest.MonkeyPatch):
    here = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))
    # Of no machine, so that it cannot be bound.
    away = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [away, here])
    with listening("::", 0) as (only,):
        assert only.getsockname()[0] == "127.0.0.1"
    assert only.fileno() == -1
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [away])
    with pytest.raises(UsageError, match="cannot listen at :::0: cannot assign requested address"):
        listening("::", 0).__enter__()
