"""``create``, ``update``, ``patch``, ``delete``, ``deletecollection``: read, change, put if no other writer was faster."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import cached_property, partial
from typing import Any, TypeVar

import orjson
from msgspec import Struct, structs

from leadline.api.kind import Kind, Writer, nothing_to_decide
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Store, pages_of
from leadline.api.selection import Key
from leadline.programs.apiserver import asked, patches
from leadline.programs.apiserver.asked import Target
from leadline.programs.apiserver.encoding import fields, wire
from leadline.programs.apiserver.encoding.fields import Application
from leadline.programs.apiserver.encoding.forms import Served, now
from leadline.programs.apiserver.encoding.wire import Metadata, Object
from leadline.programs.apiserver.exchange import JSON, Exchange
from leadline.programs.apiserver.meaning import ORDERS, check_meaning
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import Access, Asked, Namespaces, User
from leadline.programs.serving.cluster.refusal import Refusal
from leadline.sources.yaml.parser import Limits, parse_documents

_MAX_OPTIONS_BYTES = 64 * 2**10
_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
"""The garbage collector takes them off once it has seen to the dependants."""
_POLICIES = ("", "Background", *_FINALIZERS)


class Deletion(Struct, frozen=True):
    preconditions: dict[str, Any]
    policy: str
    is_dry: bool

    def marked(self, old: dict[str, Any]) -> dict[str, Any] | None:
        """The metadata of an object that its finalizers keep; ``None`` where it can go now."""
        metadata = dict(old)
        finalizers = list(metadata.get("finalizers") or ())
        wanted = _FINALIZERS.get(self.policy)
        if wanted and wanted not in finalizers and "deletionTimestamp" not in metadata:
            finalizers.append(wanted)
        if not finalizers:
            return None
        metadata["finalizers"] = finalizers
        metadata.setdefault("deletionTimestamp", now())
        metadata.setdefault("deletionGracePeriodSeconds", 0)
        return metadata


async def deletion_asked_for(exchange: Exchange) -> Deletion:
    """From the parameters and the body, which may be empty. Raises: ``Refusal``."""
    content = await exchange.body(_MAX_OPTIONS_BYTES, "DeleteOptions")
    options: dict[str, Any] = {}
    if content.strip():
        if exchange.media_type not in (JSON, ""):
            raise refusal.unsupported_media((JSON,))
        options = wire.parse(content)
    policy = options.get("propagationPolicy") or exchange.query.get("propagationPolicy") or ""
    if policy not in _POLICIES:
        raise refusal.bad_request(f"invalid propagationPolicy: {str(policy)[:100]!r}")
    dry = options.get("dryRun") or []
    if dry not in ([], ["All"]):
        raise refusal.bad_request("invalid dryRun")
    preconditions = options.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise refusal.bad_request("invalid preconditions")
    return Deletion(preconditions, policy, bool(dry) or asked.is_dry(exchange))


MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
_ATTEMPTS = 8
T = TypeVar("T")
_LARGE_BYTES = 2**20
"""Larger bodies are worked on in a thread, one at a time: parsed, each takes many times its size."""
MAX_BYTES = 32 << 20
"""Of any body, whatever its kind allows."""
_YAML = Limits(size_bytes=3 << 20, documents=2, nodes=200_000, alias_nodes=0, depth=wire.DEEPEST)
"""As large as kube-apiserver takes it. Aliases repeat what they represent: a few hundred bytes fill the memory."""
_AT_A_TIME = 100


class Old:
    """An object as it is stored; its body is parsed for those who look at it."""

    def __init__(self, served: Served, entry: Entry) -> None:
        self.entry = entry
        self.metadata: Metadata = orjson.loads(entry.content.metadata)
        self._served = served

    @cached_property
    def whole(self) -> Object:
        return wire.object_of(self._served, self.entry)


Change = Callable[[Old | None], Object | None]
"""From the object as it is to what it shall be; ``None`` deletes it."""


class Saved(Struct, frozen=True):
    """What came of a change. ``entry`` shows what was stored, or would have been."""

    entry: Entry
    is_new: bool = False
    is_deleted: bool = False


class Writes:
    """The verbs that write, for one request each."""

    def __init__(self, store: Store, access: Access, namespaces: Namespaces) -> None:
        self._store = store
        self._access = access
        self._namespaces = namespaces
        self._large = asyncio.Lock()

    async def create(self, exchange: Exchange, target: Target, user: User) -> None:
        kind = target.kind
        sent = await self._content(exchange, target, (JSON,))

        def read() -> Object:
            whole = self._object(exchange, target, sent)
            wire.prepare(kind, whole, target.namespace)
            _decide(kind, whole, None, user)
            check_meaning(kind, whole, None)
            return whole

        def made(whole: Object) -> tuple[Key, Content]:
            metadata = whole["metadata"]
            wire.make_new(metadata)
            metadata.pop("managedFields", None)
            fields.track(kind, None, whole, exchange.query.get("fieldManager", ""))
            return wire.key_of(kind, metadata), wire.content_of(target.served, whole)

        is_large = len(sent) > _LARGE_BYTES
        async with self._turn(is_large):
            whole = await _worked(is_large, read)
            await self._check_namespace(target)
            key, content = await _worked(is_large, partial(made, whole))
            del whole
        if asked.is_dry(exchange):
            if await self._store.get(key):
                raise refusal.exists(kind, key.name)
            entry = Entry(key, self._store.revision, content)
        else:
            try:
                entry = await self._store.put(Put(key, content, ABSENT))
            except ConflictError as error:
                raise refusal.exists(kind, key.name) from error
        await exchange.answer(asked.shown(exchange, target).one(entry), 201)

    async def update(self, exchange: Exchange, target: Target, user: User) -> None:
        content = await self._content(exchange, target, (JSON,))
        is_large = len(content) > _LARGE_BYTES
        async with self._turn(is_large):
            whole = await _worked(is_large, partial(self._object, exchange, target, content))
            change = _decided(
                kind=target.kind, user=user, change=self._update_change(exchange, target, whole)
            )
            saved = await self._save(target, change, asked.is_dry(exchange), is_large=is_large)
        await exchange.answer(asked.shown(exchange, target).one(saved.entry))

    def _update_change(self, exchange: Exchange, target: Target, whole: Object) -> Change:
        kind = target.kind
        metadata = wire.prepare(kind, whole, target.namespace, target.name)
        sent = {name: metadata.get(name) for name in ("uid", "resourceVersion")}

        def change(old: Old | None) -> Object:
            if old is None:
                raise refusal.not_found(kind, target.name)
            _check_preconditions(kind, old, sent)
            if not sent["resourceVersion"]:
                why = "Invalid value: 0x0: must be specified for an update"
                raise refusal.invalid(kind, target.name, "metadata.resourceVersion", why)
            new: Object = {**whole, "metadata": dict(metadata)}
            manager = exchange.query.get("fieldManager", "")
            if manager or old.metadata.get("managedFields") or new["metadata"].get("managedFields"):
                fields.track(kind, old.whole, new, manager)
            return new

        return change

    async def patch(self, exchange: Exchange, target: Target, user: User) -> None:
        kind, name = target.kind, target.name
        content = await self._content(exchange, target, PATCHES)
        is_large = len(content) > _LARGE_BYTES
        async with self._turn(is_large):
            is_yaml = exchange.media_type == APPLY_PATCH and content[:1] != b"{"
            read = partial(self._patch_change, exchange, target, content)
            change = await _worked(is_large or is_yaml, read)
            if exchange.media_type == APPLY_PATCH:
                key = Key(kind.plural, target.namespace, name)
                if await self._store.get(key) is None:
                    await self._check_create(target, user)
            change = _decided(kind=kind, user=user, change=change)
            saved = await self._save(target, change, asked.is_dry(exchange), is_large=is_large)
        shown = asked.shown(exchange, target)
        await exchange.answer(shown.one(saved.entry), 201 if saved.is_new else 200)

    async def delete(self, exchange: Exchange, target: Target, user: User) -> None:
        deletion = await deletion_asked_for(exchange)
        saved = await self._drop(target, deletion, user)
        if not saved.is_deleted:
            await exchange.answer(asked.shown(exchange, target).one(saved.entry))
            return
        uid = orjson.loads(saved.entry.content.metadata).get("uid")
        details = {"name": target.name, "group": target.kind.group, "kind": target.kind.plural, "uid": uid}
        await exchange.answer(_success(details, saved.entry.revision))

    async def delete_collection(self, exchange: Exchange, target: Target, user: User) -> None:
        deletion = await deletion_asked_for(exchange)
        selection = asked.selection_of(exchange, target, with_body=False)
        async for entries in pages_of(self._store, selection):
            drops = [
                self._drop(
                    Target(target.served, entry.key.namespace, entry.key.name, "delete"), deletion, user
                )
                for entry in entries
            ]
            for start in range(0, len(drops), _AT_A_TIME):
                outcomes = await asyncio.gather(*drops[start : start + _AT_A_TIME], return_exceptions=True)
                for outcome in outcomes:
                    is_gone = isinstance(outcome, Refusal) and outcome.code == 404
                    if isinstance(outcome, BaseException) and not is_gone:
                        raise outcome
        await exchange.answer(_success({"group": target.kind.group, "kind": target.kind.plural}))

    def _turn(self, is_large: bool) -> AbstractAsyncContextManager[object]:
        """To be held while a large body, or an object that was made of one, is in memory as a whole."""
        return self._large if is_large else nullcontext()

    def _object(self, exchange: Exchange, target: Target, content: bytes) -> Object:
        whole = wire.parse(content)
        self._validate(exchange, target.served, whole, content)
        return whole

    async def _content(self, exchange: Exchange, target: Target, known: tuple[str, ...]) -> bytes:
        if exchange.media_type not in known:
            raise refusal.unsupported_media(known)
        return await exchange.body(most_bytes(target.kind), f"an object of {target.kind.plural}")

    def _patch_change(self, exchange: Exchange, target: Target, content: bytes) -> Change:
        kind = target.kind
        manager = exchange.query.get("fieldManager", "")
        if exchange.media_type == APPLY_PATCH:
            if not manager:
                raise refusal.bad_request(
                    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value'
                )
            application = Application(_applied(content), manager, exchange.is_on("force"))
            return self._apply_change(exchange, target, application)
        patch = _parsed_patch(content, exchange.media_type)

        def change(old: Old | None) -> Object:
            if old is None:
                raise refusal.not_found(kind, target.name)
            sent = patch.get("metadata") if isinstance(patch, dict) else None
            _check_preconditions(kind, old, sent if isinstance(sent, dict) else {})
            # Operations change what they are given.
            mine = wire.object_of(target.served, old.entry) if isinstance(patch, list) else old.whole
            new = patches.operate(mine, patch) if isinstance(patch, list) else patches.merge(mine, patch)
            if not isinstance(new, dict):
                raise refusal.bad_request("the patch leaves no object")
            self._validate(exchange, target.served, new)
            wire.prepare(kind, new, target.namespace, target.name)
            fields.track(kind, old.whole, new, manager)
            return new

        return change

    def _apply_change(self, exchange: Exchange, target: Target, application: Application) -> Change:
        kind, config = target.kind, application.config
        self._validate(exchange, target.served, config)
        sent = dict(config["metadata"]) if isinstance(config.get("metadata"), dict) else {}
        wire.prepare(kind, config, target.namespace, target.name)
        for name in ("labels", "annotations"):
            if not sent.get(name):
                config["metadata"].pop(name, None)
        if sent.get("managedFields"):
            raise refusal.bad_request("metadata.managedFields must be nil")

        def change(old: Old | None) -> Object:
            if old is not None:
                _check_preconditions(kind, old, sent)
            new = fields.apply(kind, old.whole if old else None, application)
            metadata = wire.prepare(kind, new, target.namespace, target.name)
            if old is None:
                managed = metadata["managedFields"]
                wire.make_new(metadata)
                metadata["managedFields"] = managed
            return new

        return change

    async def _check_create(self, target: Target, user: User) -> None:
        kind = target.kind
        wanted = Asked("create", "", kind.group, kind.version, kind.plural, target.namespace)
        await self._access.check(user, wanted, target.name)
        await self._check_namespace(target)

    async def _check_namespace(self, target: Target) -> None:
        if target.namespace:
            await self._namespaces.check_open(target.namespace)

    def _validate(self, exchange: Exchange, served: Served, whole: Object, content: bytes = b"") -> None:
        """``content`` is what ``whole`` was parsed from, if it was."""
        content = content or wire.encoded(whole)
        if len(content) > most_bytes(served.kind):
            raise refusal.too_large(f"an object of {served.kind.plural}", most_bytes(served.kind))
        wanted = exchange.query.get("fieldValidation", "") or "Warn"
        stricter = None if wanted == "Ignore" else served.strict.problem(content)
        if wanted != "Ignore" and not stricter:
            return
        if problem := served.lenient.problem(content):
            place, why = problem
            metadata = whole.get("metadata")
            name = metadata.get("name") if isinstance(metadata, dict) else ""
            raise refusal.invalid(served.kind, str(name or ""), place, f"Invalid value: {why}")
        if stricter and wanted == "Strict":
            raise refusal.bad_request(f"strict decoding error: {': '.join(filter(None, stricter))}")
        if stricter and not exchange.warnings:
            exchange.warnings.append(": ".join(filter(None, stricter)).replace('"', "'"))

    async def _drop(self, target: Target, deletion: Deletion, user: User) -> Saved:
        kind = target.kind

        def change(old: Old | None) -> Object | None:
            if old is None:
                raise refusal.not_found(kind, target.name)
            _check_preconditions(kind, old, deletion.preconditions)
            marked = deletion.marked(old.metadata)
            return None if marked is None else {**old.whole, "metadata": marked}

        decided = _decided(kind=kind, user=user, change=change)
        return await self._save(target, decided, deletion.is_dry, keeps=wire.IDENTITY)

    async def _save(
        self,
        target: Target,
        change: Change,
        is_dry: bool,
        *,
        is_large: bool = False,
        keeps: tuple[str, ...] = wire.OURS,
    ) -> Saved:
        """``is_large``: the turn of large ones is held already. Raises: ``Refusal`` where others were faster again and again."""
        served, kind = target.served, target.kind
        key = Key(kind.plural, target.namespace, target.name)
        for _ in range(_ATTEMPTS):
            entry = await self._store.get(key)
            of_large = is_large or (entry is not None and len(entry.content.body) > _LARGE_BYTES)
            async with self._turn(of_large and not is_large):
                content = await _worked(of_large, partial(_changed, served, entry, change, keeps))
            if content is None:
                assert entry is not None
                if is_dry:
                    return Saved(entry, is_deleted=True)
                try:
                    return Saved(await self._store.delete(key, entry.revision), is_deleted=True)
                except ConflictError:
                    continue
            if entry is not None and content is entry.content:
                # Nothing changed: no revision, no event.
                return Saved(entry)
            if is_dry:
                return Saved(
                    Entry(key, entry.revision if entry else self._store.revision, content), entry is None
                )
            try:
                put = Put(key, content, entry.revision if entry else ABSENT)
                return Saved(await self._store.put(put), entry is None)
            except ConflictError:
                continue
        raise refusal.modified(kind, target.name)


def _decided(kind: Kind, user: User, change: Change) -> Change:
    """``change`` with what only the server says. Raises: ``Refusal`` where it may not be."""

    def decided(old: Old | None) -> Object | None:
        new = change(old)
        _decide(kind, new, old, user)
        return new

    return decided


def _decide(kind: Kind, new: Object | None, old: Old | None, user: User) -> None:
    if kind.decide is nothing_to_decide:
        return
    before = old.whole if old else None
    if why := kind.decide(new, before, Writer(user.name, now(), user.node)):
        raise refusal.forbidden(f"{kind.plural}.{kind.group}: {why}")


def most_bytes(kind: Kind) -> int:
    """Of the body of one request that writes an object of ``kind``."""
    return min(kind.max_bytes, MAX_BYTES)


async def _worked(is_large: bool, work: Callable[[], T]) -> T:
    """``work()``, in a thread where it takes long."""
    return await asyncio.to_thread(work) if is_large else work()


def _changed(served: Served, entry: Entry | None, change: Change, keeps: tuple[str, ...]) -> Content | None:
    """What ``change`` makes of ``entry``: its very content where nothing is another, ``None`` where it goes."""
    old = Old(served, entry) if entry else None
    new = change(old)
    if new is not None and old is not None:
        _keep(new["metadata"], old.metadata, keeps)
    if new is None or _is_released(new):
        return None
    if served.kind.plural in ORDERS:
        check_meaning(served.kind, new, old.whole if old is not None else None)
    content = wire.content_of(served, new)
    if entry is not None:
        content = _with_generation(content, entry, new["metadata"])
        if wire.is_same(content.metadata, entry.content.metadata) and wire.is_same(
            content.body, entry.content.body
        ):
            return entry.content
    return content


def _keep(new: Metadata, old: Metadata, names: tuple[str, ...]) -> None:
    """What the write does not change."""
    for name in names:
        new.pop(name, None)
        if name in old:
            new[name] = old[name]
    new.pop("selfLink", None)


def _with_generation(content: Content, entry: Entry, metadata: Metadata) -> Content:
    if wire.is_same(content.body, entry.content.body):
        return content
    metadata["generation"] = int(metadata.get("generation") or 0) + 1
    return structs.replace(content, metadata=orjson.dumps(metadata))


def _is_released(new: Object) -> bool:
    """A deletion was asked for before, and the last finalizer has gone."""
    metadata = new["metadata"]
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("finalizers")


def _check_preconditions(kind: Kind, old: Old, sent: Metadata) -> None:
    current = {"uid": str(old.metadata.get("uid")), "resourceVersion": str(old.entry.revision)}
    if any(sent.get(name) and str(sent[name]) != value for name, value in current.items()):
        raise refusal.modified(kind, old.entry.key.name)


def _applied(content: bytes) -> Object:
    if content[:1] == b"{":
        return wire.parse(content)
    documents = parse_documents(content, _YAML)
    problem = next((one.problem for one in documents if one.problem), None)
    if problem is not None:
        where = f"line {problem.line}: " if problem.line else ""
        raise refusal.bad_request(f"the body cannot be read: {where}{problem.why}")
    if len(documents) != 1 or not isinstance(documents[0].body, dict):
        raise refusal.bad_request("the body is not one YAML document with an object")
    return wire.parse(wire.encoded(documents[0].body))


def _parsed_patch(content: bytes, media_type: str) -> Any:
    if media_type == MERGE_PATCH:
        return wire.parse(content)
    patch = wire.parse_any(content)
    if not isinstance(patch, list):
        raise refusal.bad_request("a JSON patch is a list of operations")
    return patch


def _success(details: dict[str, Any], revision: int = 0) -> bytes:
    metadata = {"resourceVersion": str(revision)} if revision else {}
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": "Success",
        "details": details,
    }
    return orjson.dumps(status)
