"""A warm connection to a server: a request at a time, or the lines of a watch."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from msgspec import Struct


class Listening(Protocol):
    host: str
    port: int

    def tls(self) -> ssl.SSLContext: ...


class Answered(Struct):
    code: int
    head: bytes
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Connection:
    def __init__(
        self, host: str, token: str, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        self._reader, self._writer = streams
        self._head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"

    @classmethod
    @asynccontextmanager
    async def to(cls, server: Listening, token: str = "anyone") -> AsyncIterator["Connection"]:
        streams = await asyncio.open_connection(server.host, server.port, ssl=server.tls(), limit=2**26)
        connection = cls(server.host, token, streams)
        try:
            yield connection
        finally:
            connection.close()

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, accept: str = "application/json", more: str = ""
    ) -> Answered:
        """``more`` are further headers, each with its end of line."""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Accept: {accept}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        code, answered = await self._answered()
        lower = answered.lower()
        if b"transfer-encoding: chunked" in lower:
            return Answered(code, answered, b"".join([chunk async for chunk in self._chunks()]))
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return Answered(code, answered, await self._reader.readexactly(length))

    async def lines(self, path: str, *, accept: str = "application/json") -> AsyncIterator[bytes]:
        """Those of a watch, for as long as it lasts; one for what refuses it, as an ``ERROR`` event."""
        self._writer.write(f"GET {path} HTTP/1.1\r\n{self._head}Accept: {accept}\r\n\r\n".encode())
        code, head = await self._answered()
        if code != 200:
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            yield b'{"type":"ERROR","object":%s}' % await self._reader.readexactly(length)
            return
        rest = b""
        async for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line

    def close(self) -> None:
        """At once, without a word to the server."""
        self._writer.transport.abort()
        self._writer.close()

    async def _answered(self) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            yield await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
