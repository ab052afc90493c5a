"""One request and its answer over ASGI: query, bounded body, compressed answers, readers that are too slow dropped."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from isal import igzip, isal_zlib
from msgspec import Struct

from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.refusal import Refusal

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = "application/json"
GZIP_FROM_BYTES = 128 * 2**10
"""As kube-apiserver: smaller answers are not worth it."""
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_MAX_QUERY_FIELDS = 50


class Patience(Struct, frozen=True):
    """How long a client may keep us waiting."""

    body_s: float = 30.0
    """Between two pieces of its request."""
    answer_s: float = 60.0
    """For it to take a piece of its answer."""
    mark_s: float = 60.0
    """Between two bookmarks of a watch. They keep watchers of quiet kinds within the history; as often it is asked
    whether the client may still watch.
    """


class ClientGoneError(Exception):
    """The reader of the answer has left."""


class Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send, patience: Patience) -> None:
        self.scope: Scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"].rstrip("/")
        self.headers: dict[bytes, bytes] = {}
        """The first of each name."""
        for name, value in reversed(scope["headers"]):
            self.headers[name] = value
        try:
            pairs = parse_qsl(
                scope["query_string"].decode("latin-1"),
                keep_blank_values=True,
                max_num_fields=_MAX_QUERY_FIELDS,
            )
        except ValueError as error:
            raise refusal.bad_request("too many parameters") from error
        self.query: dict[str, str] = dict(pairs)
        self.receive = receive
        self.code = 0
        """Of the answer, once it has begun."""
        self.warnings: list[str] = []
        self._send = send
        self.patience = patience
        self._gzip: Any = None

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    def is_on(self, name: str) -> bool:
        """Whether a parameter says yes."""
        return self.query.get(name, "").lower() in ("1", "t", "true")

    async def body(self, limit: int, what: str) -> bytes:
        """Raises: ``Refusal`` where it is larger than ``limit``, or does not come."""
        length = self.header(b"content-length")
        if length.isdecimal() and int(length) > limit:
            raise refusal.too_large(what, limit)
        pieces: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout(self.patience.body_s):
                    message = await self.receive()
            except TimeoutError as error:
                raise Refusal(408, "Timeout", "the body of the request did not come in time") from error
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise refusal.too_large(what, limit)
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)

    @property
    def media_type(self) -> str:
        return self.header(b"content-type").split(";")[0].strip().lower()

    async def answer(
        self, content: bytes, code: int = 200, media_type: str = JSON, headers: tuple[Header, ...] = ()
    ) -> None:
        if len(content) >= GZIP_FROM_BYTES and self._takes_gzip():
            content = await asyncio.to_thread(igzip.compress, content, _GZIP_LEVEL)
            headers = (*headers, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))
        length = (b"content-length", str(len(content)).encode())
        await self._sent(self._head(code, media_type, (length, *headers)), _piece(content, False))

    async def refuse(self, refused: Refusal) -> None:
        headers: tuple[Header, ...] = ()
        if refused.retry_after_s:
            headers = ((b"retry-after", str(refused.retry_after_s).encode()),)
        if refused.code in (408, 413):
            # The rest of the request is not read.
            headers = (*headers, (b"connection", b"close"))
        await self.answer(orjson.dumps(refused.status), refused.code, headers=headers)

    async def begin(self, *, compressed: bool = False) -> None:
        """An answer of unknown length, sent in pieces and ended by ``end``."""
        headers: tuple[Header, ...] = ()
        if compressed and self._takes_gzip():
            self._gzip = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
            headers = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))
        await self._sent(self._head(200, JSON, headers))

    async def piece(self, content: bytes) -> None:
        if self._gzip is not None:
            content = self._gzip.compress(content)
        if content or self._gzip is None:
            await self._sent(_piece(content, True))

    async def end(self, content: bytes = b"") -> None:
        if self._gzip is not None:
            content = self._gzip.compress(content) + self._gzip.flush()
        await self._sent(_piece(content, False))

    def abort(self) -> None:
        """Cuts the connection, so that what was sent cannot be taken for the whole."""
        transport = self.scope.get("state", {}).get("transport")
        if transport is not None:
            transport.abort()

    def _takes_gzip(self) -> bool:
        return "gzip" in self.header(b"accept-encoding")

    def _head(self, code: int, media_type: str, headers: tuple[Header, ...]) -> Message:
        self.code = code
        warnings = tuple(
            (b"warning", f'299 - "{text}"'.encode("latin-1", "replace")) for text in self.warnings
        )
        fixed = ((b"content-type", media_type.encode()), (b"cache-control", b"no-cache, private"))
        return {"type": "http.response.start", "status": code, "headers": [*fixed, *headers, *warnings]}

    async def _sent(self, *messages: Message) -> None:
        try:
            async with asyncio.timeout(self.patience.answer_s):
                for message in messages:
                    await self._send(message)
        except TimeoutError as error:
            self.abort()
            raise ClientGoneError from error


def _piece(content: bytes, is_more: bool) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": is_more}
