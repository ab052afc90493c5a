"""The application: one request in, one page out, over ASGI. It answers GET and HEAD alone."""

import asyncio
import gzip
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Struct

from leadline.errors import LeadlineError
from leadline.programs.ui.doors import Asked, Door, Turned
from leadline.programs.ui.html import Html
from leadline.programs.ui.keeping import Shown
from leadline.scans.pages.page import PAGE_ROWS, Ask, Cell, Page, PageKind, Words, built, link
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.twins import page_csv, page_json
from leadline.scans.pages.world import World

log = logging.getLogger(__name__)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types leadline"
)
_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_KEPT: Header = (b"cache-control", b"private, max-age=31536000, immutable")
_NOT_KEPT: Header = (b"cache-control", b"no-store")
_HTML, _JSON, _CSV, _TEXT = (
    "text/html; charset=utf-8",
    "application/json",
    "text/csv; charset=utf-8",
    "text/plain; charset=utf-8",
)
_GZIP_FROM = 1_400
_MOST_FIELDS = 100
_KINDS = {kind.name: kind for kind in PAGES}


class Patience(Struct, frozen=True):
    beat_s: float = 15.0
    """Between two signs of life of a stream."""
    most_streams: int = 200
    most_of_part: int = 50
    """Of those who see the same namespaces and no others: they leave room for everybody else."""


class App:
    """``bases`` are paths of the collection of pages, ``documents`` fixed answers by their path."""

    def __init__(
        self,
        shown: Shown,
        door: Door,
        bases: Sequence[str] = ("/pages",),
        documents: Mapping[str, bytes] = MappingProxyType({}),
        patience: Patience = Patience(),  # noqa: B008
    ) -> None:
        self._shown = shown
        self._door = door
        self._bases = bases
        self._documents = documents
        self._html = Html()
        self._patience = patience
        self._streams: Counter[frozenset[str] | None] = Counter()
        """That are open, by what their users may see."""
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends streams."""
        self._stopping.set()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _Answer(send, scope)
        try:
            await self._answered(scope, receive, answer)
        except Turned as turned:
            # A part of it may be what was asked for: no header of its own, and no other host.
            extra = [(b"location", quote(turned.location).encode())] if turned.location else []
            extra += [(b"set-cookie", turned.cookie.encode())] if turned.cookie else []
            await answer.whole(turned.status, f"{turned}\n".encode(), _TEXT, (*extra, _NOT_KEPT))
        except Exception:
            log.exception("a fault while answering %s", scope["path"])
            if not answer.has_begun:
                await answer.whole(500, b"a fault of this program; its log says more\n", _TEXT, (_NOT_KEPT,))

    async def _answered(self, scope: Any, receive: Receive, answer: "_Answer") -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise Turned(405, "pages are read alone")
        path: str = scope["path"]
        try:
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise Turned(400, "too many parameters") from error
        headers = dict(scope["headers"])
        if (document := self._documents.get(path)) is not None:
            await answer.whole(200, document, _JSON, (_NOT_KEPT,))
            return
        asked = Asked(scope["method"], path, headers, query.get("key", [""])[0], scope)
        seen = await self._door.seen(asked, self._shown.namespaces)
        base = next((one for one in self._bases if path == one or path.startswith(f"{one}/")), "")
        if path == base or not base:
            if query.get("watch", [""])[0] in ("true", "1") and base:
                known = asked.header(b"last-event-id") or query.get("since", [""])[0]
                await self._stream(asked, seen, known, receive, answer)
                return
            if base and b"text/html" not in headers.get(b"accept", b"text/html"):
                await answer.whole(200, _table(), _JSON, (_NOT_KEPT,))
                return
            if path != (base or "/"):
                raise Turned(404, "no page is called so")
            raise Turned(303, "", location=f"{(base or self._bases[0]).rpartition('/')[2]}/overview")
        name = path.removeprefix(f"{base}/")
        if (file := self._html.assets.files.get(name)) is not None:
            await answer.whole(200, *file, (_KEPT,))
            return
        await self._page(name, query, seen, answer)

    async def _page(
        self, name: str, query: dict[str, list[str]], seen: frozenset[str] | None, answer: "_Answer"
    ) -> None:
        name, _, form = name.partition(".")
        kind, revision = _KINDS.get(name), self._shown.revision
        world = await self._shown.world(seen)
        if kind is None or form not in ("", "json", "csv"):
            await self._not_there("no page is called so", world, answer)
            return
        try:
            if form == "csv":
                await _csv(kind, world, Ask(query), answer)
                return
            page = await built(kind, world, Ask(query, PAGE_ROWS))
        except LookupError as absent:
            await self._not_there(str(absent.args[0]), world, answer)
            return
        except LeadlineError as error:
            await self._not_there(str(error), world, answer, 503)
            return
        if form == "json":
            await answer.whole(200, page_json(page, world), _JSON, (_NOT_KEPT,))
        else:
            await answer.whole(200, self._html.page(page, world, revision), _HTML, (_NOT_KEPT,))

    async def _not_there(self, why: str, world: World, answer: "_Answer", status: int = 404) -> None:
        words = Words("", (f"{why[:1].upper()}{why[1:]}.",))
        page = Page(
            "overview",
            "Not found" if status == 404 else "Not now",
            (words,),
            crumbs=(Cell("Overview", link("overview")),),
        )
        html = self._html.page(page, world, self._shown.revision)
        await answer.whole(status, html, _HTML, (_NOT_KEPT,))

    async def _stream(
        self, asked: Asked, seen: frozenset[str] | None, known: str, receive: Receive, answer: "_Answer"
    ) -> None:
        """Says that something changed since the revision ``known``, and again and again that it is still there."""
        most = self._patience.most_streams if seen is None else self._patience.most_of_part
        if self._streams.total() >= self._patience.most_streams or self._streams[seen] >= most:
            raise Turned(503, "too many pages are open")
        self._streams[seen] += 1
        gone = asyncio.ensure_future(_gone(receive))
        stopped = asyncio.ensure_future(self._stopping.wait())
        # A proxy that gathers an answer before it passes it on would hold every event back.
        await answer.begin("text/event-stream", (_NOT_KEPT, (b"x-accel-buffering", b"no")))
        # A page that was made before the newest change, and asks only now, hears of it at once.
        revision, lost = known or str(self._shown.revision), ""
        try:
            await answer.piece(b": here\n\n")
            while not (gone.done() or stopped.done()):
                changed = asyncio.ensure_future(self._shown.changed.wait())
                if str(self._shown.revision) == revision and self._shown.why_old == lost:
                    await asyncio.wait(
                        {changed, gone, stopped},
                        timeout=self._patience.beat_s,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                changed.cancel()
                try:
                    # Rights may have been taken away since.
                    await self._door.seen(asked, self._shown.namespaces)
                except Turned:
                    break
                text = ": here\n\n"
                if self._shown.why_old != lost:
                    lost = self._shown.why_old
                    text = f"event: lost\ndata: {lost}\n\n"
                if str(self._shown.revision) != revision:
                    revision = str(self._shown.revision)
                    text += f"id: {revision}\nevent: changed\ndata: {revision}\n\n"
                await answer.piece(text.encode())
        finally:
            self._streams[seen] -= 1
            self._streams += Counter()  # forgets what no one has open
            gone.cancel()
            stopped.cancel()
        await answer.end()


def _table() -> bytes:
    """As ``kubectl get pages`` shows it."""
    rows = [
        {"cells": [kind.name, kind.title], "object": {"kind": "Page", "metadata": {"name": kind.name}}}
        for kind in PAGES
    ]
    columns = [
        {"name": name, "type": "string", "format": "", "description": name, "priority": 0}
        for name in ("Name", "Title")
    ]
    table = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": columns,
        "rows": rows,
    }
    return msgspec.json.encode(table)


async def _csv(kind: PageKind, world: World, ask: Ask, answer: "_Answer") -> None:
    pieces = page_csv(kind, world, ask)
    first = await anext(pieces)
    await answer.begin(
        _CSV, (_NOT_KEPT, (b"content-disposition", f'attachment; filename="{kind.name}.csv"'.encode()))
    )
    await answer.piece(first)
    async for piece in pieces:
        await answer.piece(piece)
        await asyncio.sleep(0)
    await answer.end()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Answer:
    def __init__(self, send: Send, scope: Any) -> None:
        self._send = send
        self._is_head = scope["method"] == "HEAD"
        self._takes_gzip = b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"")
        self.has_begun = False

    async def whole(self, status: int, body: bytes, media: str, extra: tuple[Header, ...] = ()) -> None:
        if self._takes_gzip and len(body) > _GZIP_FROM:
            body = gzip.compress(body, 5, mtime=0)
            extra = (*extra, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))
        await self.begin(media, (*extra, (b"content-length", str(len(body)).encode())), status)
        await self._send({"type": "http.response.body", "body": b"" if self._is_head else body})

    async def begin(self, media: str, extra: tuple[Header, ...], status: int = 200) -> None:
        self.has_begun = True
        heads = [(b"content-type", media.encode()), *_HEADERS, *extra]
        await self._send({"type": "http.response.start", "status": status, "headers": heads})

    async def piece(self, content: bytes) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})
