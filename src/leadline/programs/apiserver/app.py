"""The application: one request in, one answer out, over ASGI."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from msgspec.structs import replace

from leadline.api.kind import Kind
from leadline.api.protocol import AwayError, FullError, FutureError, GoneError, Paging, Store, TokenError
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.programs.apiserver import reading
from leadline.programs.apiserver.asked import Target, target_of
from leadline.programs.apiserver.computed.computing import Computing
from leadline.programs.apiserver.computed.finding_views import FindingShape, ImageFindingShape
from leadline.programs.apiserver.computed.tending import complete
from leadline.programs.apiserver.computed.views import Shape, View
from leadline.programs.apiserver.documents.discovery import Documents
from leadline.programs.apiserver.encoding.forms import Served, serve
from leadline.programs.apiserver.exchange import ClientGoneError, Exchange, Patience, Receive, Scope, Send
from leadline.programs.apiserver.feed import Feed
from leadline.programs.apiserver.refused_writes import RefusedWrites
from leadline.programs.apiserver.shares import Shares
from leadline.programs.apiserver.watching import Watch
from leadline.programs.apiserver.writing import Writes, most_bytes
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import Access, Asked, Namespaces, User
from leadline.programs.serving.cluster.refusal import Refusal

log = logging.getLogger(__name__)
HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_USUAL_HOME = "kubescape"
_OF_IMAGES = frozenset({"vulnerabilitymanifests", "sbomsyfts", "sbomsyftfiltereds"})
_HOMES = 10
"""Namespaces that results of one image may be kept in."""
_FORBIDDEN = 403


class App:
    def __init__(
        self,
        store: Store,
        kinds: Iterable[Kind],
        access: Access,
        namespaces: Namespaces,
        patience: Patience = Patience(),  # noqa: B008
        *,
        own_namespace: str = "",
    ) -> None:
        """``own_namespace``: whose accounts take nothing of the others' share; empty for none."""
        kinds = tuple(kinds)
        self._store = store
        self._served = {(kind.group, kind.version, kind.plural): serve(kind) for kind in kinds}
        self._documents = Documents(kinds)
        self.computing = Computing(store, self._served.values())
        self.feed = Feed(store)
        """Both to be run beside the application."""
        self._shapes: dict[str, Shape] = {"findings": FindingShape(), "imagefindings": ImageFindingShape()}
        self._turn = asyncio.Lock()
        self._access = access
        self._writes = Writes(store, access, namespaces)
        self._patience = patience
        self._writers: Counter[str] = Counter()
        self._shares = Shares(own_namespace)
        self.refused_writes = RefusedWrites()
        self._stopping = asyncio.Event()

    async def prepare(self) -> None:
        """To be called before anything is served. Raises: ``StoreError``."""
        if count := await complete(self._store, self._served.values()):
            log.info("%d objects that a command had written were completed", count)

    @property
    def served(self) -> tuple[Served, ...]:
        return tuple(self._served.values())

    def stop(self) -> None:
        """Ends watches and refuses what comes."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange | None = None
        try:
            exchange = Exchange(scope, receive, send, self._patience)
            await self._answer(exchange)
        except Refusal as refused:
            if exchange is None:
                exchange = Exchange({**scope, "query_string": b""}, receive, send, self._patience)
            await _refuse(exchange, refused)
        except ClientGoneError:
            return
        except (GoneError, FutureError, TokenError, FullError, StoreError) as error:
            assert exchange is not None
            await _refuse(exchange, _refusal_of(error))
        except Exception:
            log.exception("a fault while answering %s %s", scope["method"], scope["path"])
            assert exchange is not None
            await _refuse(exchange, Refusal(500, "InternalError", "a fault of this server"))

    async def _answer(self, exchange: Exchange) -> None:
        if self._stopping.is_set():
            raise refusal.unavailable("the server is stopping")
        if exchange.path in HEALTH:
            await exchange.answer(b"ok", media_type="text/plain")
            return
        user = await self._access.user_of(exchange)
        target = target_of(exchange, self._served)
        if target is None:
            await self._access.check(user, Asked(exchange.method.lower(), exchange.scope["path"]))
            await self._document(exchange)
            return
        with self._watched(user, target):
            await self._check(user, target)
            await self._verb(exchange, target, user)

    def _watched(self, user: User, target: Target) -> AbstractContextManager[None]:
        if target.verb in ("get", "list", "watch"):
            return nullcontext()
        return self.refused_writes.watched(target.kind.plural, is_own=self._shares.is_own(user))

    async def _check(self, user: User, target: Target) -> None:
        kind = target.kind
        asked = Asked(target.verb, "", kind.group, kind.version, kind.plural, target.namespace)
        await self._access.check(user, asked, target.name)

    async def _verb(self, exchange: Exchange, target: Target, user: User) -> None:
        if target.kind.is_computed and not target.kind.is_view and target.verb in ("get", "list"):
            await self.computing.settled(self._store.revision)
        match target.verb:
            case "get":
                await reading.get(self._source(target), exchange, await self._moved(target, user))
            case "list":
                await reading.list_(self._source(target), exchange, target)
            case "watch":

                async def check_again() -> None:
                    await self._check(await self._access.user_of(exchange), target)

                with self._shares.take(user, "watches"):
                    watch = Watch(self._source(target), self._followed(target), exchange, target, check_again)
                    await watch.run(self._stopping)
            case verb:
                if target.kind.is_computed:
                    raise refusal.computed(target.kind)
                async with self._writing(target.kind, exchange, user):
                    write = {
                        "create": self._writes.create,
                        "update": self._writes.update,
                        "patch": self._writes.patch,
                        "delete": self._writes.delete,
                        "deletecollection": self._writes.delete_collection,
                    }[verb]
                    await write(exchange, target, user)

    async def _moved(self, target: Target, user: User) -> Target:
        """Where what is asked for is kept, if not there.

        Results of images are kept in the namespace of the installation; a dashboard asks in the one that others install into.
        The user must be allowed to read the object where it really is.
        """
        plural = target.kind.plural
        if target.namespace != _USUAL_HOME or plural not in _OF_IMAGES:
            return target
        if await self._store.get(Key(plural, target.namespace, target.name)) is not None:
            return target
        page = await self._store.list(
            Selection(plural, name=target.name, with_body=False), Paging(limit=_HOMES)
        )
        for entry in page.entries:
            moved = replace(target, namespace=entry.key.namespace)
            try:
                await self._check(user, moved)
            except Refusal as refused:
                if refused.code != _FORBIDDEN:
                    raise
                continue
            return moved
        return target

    def _source(self, target: Target) -> reading.Source:
        if not target.kind.is_view:
            return self._store
        return View(self._store, target.served, self._shapes[target.kind.plural], self._turn)

    def _followed(self, target: Target) -> Feed:
        """What is worked out for one watcher is nothing that others could share."""
        if not target.kind.is_view:
            return self.feed
        return Feed(View(self._store, target.served, self._shapes[target.kind.plural], self._turn))

    async def _document(self, exchange: Exchange) -> None:
        if exchange.method not in ("GET", "HEAD"):
            raise refusal.no_such_method()
        found = self._documents.find(exchange.path, exchange.header(b"accept"))
        if found is None:
            raise refusal.no_such_path()
        headers = ((b"etag", found.tag.encode()), (b"vary", b"Accept"))
        is_same = found.tag in exchange.header(b"if-none-match")
        await exchange.answer(
            b"" if is_same else found.content, 304 if is_same else 200, found.media_type, headers
        )

    @asynccontextmanager
    async def _writing(self, kind: Kind, exchange: Exchange, user: User) -> AsyncIterator[None]:
        if self._writers[kind.plural] >= kind.max_writers:
            raise refusal.too_many()
        length = exchange.header(b"content-length")
        # What comes in chunks may be as long as any.
        unsaid = most_bytes(kind) if exchange.header(b"transfer-encoding") else 0
        size = int(length) if length.isdecimal() else unsaid
        if size > most_bytes(kind):
            raise refusal.too_large(f"an object of {kind.plural}", most_bytes(kind))
        with self._shares.take(user, "writes"), self._shares.take(user, "body_bytes", size):
            self._writers[kind.plural] += 1
            try:
                yield
            finally:
                self._writers[kind.plural] -= 1


async def _refuse(exchange: Exchange, refused: Refusal) -> None:
    if exchange.code:
        exchange.abort()
        return
    try:
        await exchange.refuse(refused)
    except ClientGoneError:
        return


def _refusal_of(error: StoreError) -> Refusal:
    match error:
        case GoneError():
            return refusal.expired(str(error))
        case TokenError():
            return refusal.bad_request(str(error))
        case FutureError():
            return refusal.of_the_future(str(error))
        case FullError():
            log.error("%s", error)
            return Refusal(507, "InsufficientStorage", str(error))
        case AwayError():
            log.warning("%s", error)
            return refusal.unavailable(str(error))
        case _:
            log.error("%s", error)
            return Refusal(500, "InternalError", str(error))
