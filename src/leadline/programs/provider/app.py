"""The application: one request in, one JSON answer out, over ASGI. Every body is bounded before and after decompression."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import zstandard

from leadline.api.provider.wire import Problem, encoded
from leadline.errors import LeadlineError
from leadline.foreign_errors import in_words
from leadline.programs.provider.doors import Doors
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.openapi import openapi
from leadline.programs.provider.routes import ROUTES, Call, Key, Nothing, Parts, Route
from leadline.programs.provider.tables import Role
from leadline.programs.serving.plain_server import Send

log = logging.getLogger(__name__)
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
LARGEST_BODY = 8 << 20
"""Bytes, as sent."""
LARGEST_PLAIN = 64 << 20
"""Bytes, decompressed."""
_LARGEST_WINDOW = 8 << 20
_BODY_S = 60.0
_AT_A_TIME = 4
"""Bodies that are decoded and stored; the others wait."""
_MOST_FIELDS = 50
_MAY: dict[Role, str] = {"write": "report", "read": "read", "admin": "administer"}
_JSON, _PROBLEM = b"application/json", b"application/problem+json"


class App:
    def __init__(self, parts: Parts, doors: Doors | None = None, routes: Sequence[Route] = ROUTES) -> None:
        self._parts = parts
        self._doors = doors or Doors(parts.tables)
        self._patterns = [(re.compile(re.sub(r"{\w+}", "([^/]+)", route.path)), route) for route in routes]
        self._document = msgspec.json.encode(openapi(routes))
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        self._lanes: dict[int | None, asyncio.Lock] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            status, body, media = 200, await self._answered(scope, receive), _JSON
        except Refused as refused:
            problem = Problem(refused.title, refused.status, refused.detail, refused.type, refused.expected)
            status, body, media = refused.status, encoded(problem), _PROBLEM
            extra = refused.headers
        except (LeadlineError, OSError) as error:
            log.error("cannot answer %s: %s", scope["path"], error)
            problem = Problem("This provider cannot read or write its data now", 503)
            status, body, media, extra = 503, encoded(problem), _PROBLEM, ((b"retry-after", b"60"),)
        except Exception:
            log.exception("a fault while answering %s", scope["path"])
            problem = Problem("A fault of this provider", 500, "its log says more")
            status, body, media = 500, encoded(problem), _PROBLEM
        headers = [
            (b"content-type", media),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"private, no-cache" if status == 200 else b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *extra,
        ]
        if status == 200 and scope["method"] == "GET":
            tag = b'"%s"' % sha256(body).hexdigest()[:32].encode()
            headers.append((b"etag", tag))
            if _is_known(tag, dict(scope["headers"]).get(b"if-none-match", b"")):
                status, body = 304, b""
                headers = [one for one in headers if one[0] not in (b"content-length", b"content-type")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answered(self, scope: Any, receive: Receive) -> bytes:
        """Raises: ``Refused`` for whatever is not to be done."""
        path = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        if path in ("/healthz", "/openapi.json"):
            if scope["method"] != "GET":
                raise _not_allowed({"GET"})
            return self._document if path == "/openapi.json" else b'{"status":"ok"}'
        found = [(match, route) for pattern, route in self._patterns if (match := pattern.fullmatch(path))]
        if not found:
            raise Refused(404, "This path does not exist", "/openapi.json lists the paths")
        if not (fitting := [one for one in found if one[1].method == scope["method"]]):
            raise _not_allowed({route.method for _, route in found})
        match, route = fitting[0]
        headers = dict(scope["headers"])
        token = await asyncio.to_thread(self._doors.token, scope, headers)
        if token.role not in route.roles:
            raise Refused(403, f"This token may only {_MAY[token.role]}")
        try:
            words = tuple(unquote(word, errors="strict") for word in match.groups())
            given = parse_qsl(
                scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                errors="strict",
            )
        except (ValueError, UnicodeDecodeError) as error:
            raise Refused(400, "The URL cannot be decoded") from error
        if len({name for name, _ in given}) < len(given):
            raise Refused(400, "A parameter is given twice")
        if any("\0" in one for one in (*words, *(value for _, value in given))):
            raise Refused(400, "No name may contain NUL")
        # A parameter that no route names is refused as well.
        query = _converted(dict(given), route.query)
        asked = {} if route.query is Nothing else {"asked": query}
        call = Call(token, words)
        if route.takes is None:
            return encoded(await asyncio.to_thread(route.answer, self._parts, call, **asked))
        key = headers.get(b"idempotency-key", b"").decode("latin-1")
        if route.is_message:
            _converted(key, Key, "Idempotency-Key: ")
        _check_type(headers)
        # One body of a source at a time, so that a slow one holds up no other source.
        async with self._lanes.setdefault(token.source, asyncio.Lock()):
            body = await body_of(receive, headers, LARGEST_BODY, "a body")
            async with self._turns:
                call = Call(token, words, body, key)
                return await asyncio.to_thread(self._stored, route, call, headers, asked)

    def _stored(self, route: Route, call: Call, headers: dict[bytes, bytes], asked: dict[str, Any]) -> bytes:
        plain = _decompressed(call.body, headers)
        try:
            content = msgspec.json.decode(plain, type=route.takes)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(400, "The body is not what this route takes", in_words(error)) from error
        call = msgspec.structs.replace(call, body=plain)
        return encoded(route.answer(self._parts, call, **asked, content=content))


def _is_known(tag: bytes, known: bytes) -> bool:
    """RFC 9110, 13.1.2: any of a list, and a weak one as well, which proxies that compress make of ours."""
    return any(one.strip().removeprefix(b"W/") in (tag, b"*") for one in known.split(b","))


def _not_allowed(methods: set[str]) -> Refused:
    allowed = ", ".join(sorted(methods))
    return Refused(405, "Method not allowed", f"use {allowed}", headers=((b"allow", allowed.encode()),))


def _converted(value: Any, kind: Any, where: str = "") -> Any:
    """Raises: ``Refused``."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, "Invalid parameter", f"{where}{in_words(error)}") from error


def _check_type(headers: dict[bytes, bytes]) -> None:
    """Raises: ``Refused``."""
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media != _JSON:
        raise Refused(415, "Send JSON", "Content-Type: application/json")
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b"zstd"):
        raise Refused(415, "Send it plain or compressed by zstd", "Content-Encoding: zstd")


async def body_of(receive: Receive, headers: Mapping[bytes, bytes], largest: int, what: str) -> bytes:
    """Of at most ``largest`` bytes as sent; ``what`` it is, for whom it is too large. Raises: ``Refused``."""
    too_large = Refused(413, "Too large", f"{what} has at most {largest:,} bytes as sent")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > largest:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "The body ended early")
                content += message.get("body", b"")
                if len(content) > largest:
                    raise too_large
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError:
        raise Refused(408, "The body took too long", f"it is awaited for {_BODY_S:.0f} s") from None


def _decompressed(body: bytes, headers: dict[bytes, bytes]) -> bytes:
    """Raises: ``Refused``."""
    if headers.get(b"content-encoding", b"identity").strip().lower() == b"identity":
        return body
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).stream_reader(body)
        plain = reader.read(LARGEST_PLAIN + 1)
    except zstandard.ZstdError as error:
        raise Refused(400, "The body cannot be decompressed") from error
    if len(plain) > LARGEST_PLAIN:
        raise Refused(413, "Too large", f"a body has at most {LARGEST_PLAIN:,} bytes decompressed")
    return plain
