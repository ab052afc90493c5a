"""The store of another process, over the Kubernetes API: what every program but the API server itself writes to.

Objects have no columns here, and the body that a write returns is the one it was given, into whatever form the server brought
it. A batch is not one transaction: where a write of it conflicts, others may have been done.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import orjson
from msgspec import DecodeError, Struct, json

from leadline.api.protocol import (
    ABSENT,
    DELETED,
    EMPTY,
    Changes,
    ConflictError,
    Content,
    EndingError,
    Entry,
    Event,
    FullError,
    FutureError,
    GoneError,
    NotServedError,
    Page,
    Paging,
    Put,
    TokenError,
)
from leadline.api.selection import Key, Requirement, Selection
from leadline.errors import StoreError

GROUPS = ("spdx.softwarecomposition.kubescape.io/v1beta1", "leadline.dev/v1alpha1")
AT_A_TIME = 8
"""Writes of a batch under way."""
_ATTEMPTS = 5
_AGAIN_S = 0.5
_BUSY = frozenset({429, 502, 503})
_PARTIAL = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
Body = dict[str, Any]


class _Kind(Struct, frozen=True):
    name: str
    api_version: str
    is_namespaced: bool


class _Written(Struct, frozen=True):
    metadata: dict[str, Any]


_METADATA = json.Decoder(_Written)
"""Servers that always answer with the whole object are understood as well: the rest of it is passed over."""


class RemoteStore:
    """``http`` has the server's address and the credentials; it is closed along with this."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        # A whole address is taken apart once for each request, a path three times.
        self._address = str(http.base_url).rstrip("/")
        self._kinds: dict[str, _Kind] = {}
        self._revision = 0
        self._is_closed = False

    @property
    def revision(self) -> int:
        """The newest that has been seen."""
        return self._revision

    async def get(self, key: Key) -> Entry | None:
        answer = await self._ask("GET", await self._path(key))
        if answer.status_code == 404:
            return None
        return self._entry(key.plural, _json(_good(answer)))

    async def list(self, selection: Selection, paging: Paging) -> Page:
        query = {"limit": str(paging.limit), "resourceVersion": "fullSpec", **_selectors(selection)}
        if paging.token:
            query["continue"] = paging.token
        headers = {} if selection.with_body else {"Accept": _PARTIAL.format("List")}
        path = await self._path(Key(selection.plural, selection.namespace, ""))
        answer = await self._ask("GET", path, query=query, headers=headers)
        if answer.status_code == 400 and paging.token:
            raise TokenError
        if answer.status_code == 410:
            raise GoneError(self._revision)
        body = _json(_good(answer))
        metadata = body["metadata"]
        revision = int(metadata["resourceVersion"])
        self._reach(revision)
        entries = [self._entry(selection.plural, item, selection.with_body) for item in body["items"]]
        return Page(tuple(entries), revision, str(metadata.get("continue") or ""))

    async def put(self, put: Put) -> Entry:
        for _ in range(_ATTEMPTS):
            expected = put.expected
            if expected is None:
                there = await self.get(put.key)
                expected = there.revision if there else ABSENT
            try:
                return await self._put_at(put, expected)
            except ConflictError:
                if put.expected is not None:
                    raise
        raise ConflictError(put.key, await self._current(put.key))

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        """Several at a time, in no order; stops at the first conflict, with what was done before it."""
        entries: list[Entry] = []
        for start in range(0, len(puts), AT_A_TIME):
            part = puts[start : start + AT_A_TIME]
            done = await asyncio.gather(*map(self.put, part), return_exceptions=True)
            for outcome in done:
                # Once none is under way: who tries again must not meet what was begun before.
                if isinstance(outcome, BaseException):
                    raise outcome
                entries.append(outcome)
        return tuple(entries)

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        there = await self.get(key)
        if there is None or expected not in (None, there.revision):
            raise ConflictError(key, there.revision if there else ABSENT)
        conditions = {"resourceVersion": str(there.revision)}
        answer = await self._ask("DELETE", await self._path(key), orjson.dumps({"preconditions": conditions}))
        if answer.status_code in (404, 409):
            raise ConflictError(key, await self._current(key))
        revision = int(_json(_good(answer))["metadata"].get("resourceVersion") or there.revision)
        self._reach(revision)
        return Entry(key, revision, Content(there.content.metadata, b"[]", EMPTY))

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """A lost connection is taken up again where it was closed. ``selection.plural`` must be given."""
        path = await self._path(Key(selection.plural, selection.namespace, ""))
        headers = {} if selection.with_body else {"Accept": _PARTIAL.format("")}
        while not self._is_closed:
            query = {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "fullSpec": "true",
                "resourceVersion": str(since),
                **_selectors(selection),
            }
            try:
                async for changes in self._stream(path, query, headers, selection):
                    since = changes.revision
                    self._reach(since)
                    yield changes
            except (httpx2.TransportError, RuntimeError):
                # httpx2 complains in a RuntimeError of a client that was closed meanwhile.
                if self._is_closed:
                    return
            await asyncio.sleep(_AGAIN_S)

    async def close(self) -> None:
        self._is_closed = True
        await self._http.aclose()

    async def _stream(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], selection: Selection
    ) -> AsyncIterator[Changes]:
        timeout = httpx2.Timeout(30.0, read=None)
        async with self._http.stream(
            "GET", path, params=dict(query), headers=dict(headers), timeout=timeout
        ) as answer:
            if answer.status_code != 200:
                await answer.aread()
                _raise_for_watch(answer, int(query["resourceVersion"]))
                return
            async for line in answer.aiter_lines():
                if not line.strip():
                    continue
                event = orjson.loads(line)
                shown = event["object"]
                if event["type"] == "ERROR":
                    if shown.get("code") == 410:
                        raise GoneError(int(query["resourceVersion"]))
                    raise StoreError(str(shown.get("message")))
                revision = int(shown["metadata"]["resourceVersion"])
                if event["type"] == "BOOKMARK":
                    yield Changes((), revision)
                    continue
                entry = self._entry(selection.plural, shown, selection.with_body)
                if event["type"] == DELETED:
                    entry = Entry(entry.key, entry.revision, Content(entry.content.metadata, b"[]", EMPTY))
                yield Changes((Event(event["type"], entry),), revision)

    async def _put_at(self, put: Put, expected: int) -> Entry:
        key = put.key
        kind = await self._kind(key.plural)
        metadata = orjson.loads(put.content.metadata)
        metadata["name"] = key.name
        if key.namespace:
            metadata["namespace"] = key.namespace
        if expected != ABSENT:
            metadata["resourceVersion"] = str(expected)
        head = orjson.dumps({"kind": kind.name, "apiVersion": kind.api_version})[:-1]
        # Bodies are the most of what is written: they are neither read nor written again. Of a name that is there twice the
        # last counts, which is ours.
        rest = put.content.body.strip()[1:-1].strip()
        tail = b'"metadata":%s}' % orjson.dumps(metadata)
        whole = b",".join((head, rest, tail) if rest else (head, tail))
        # What was written is known here: of the answer only the metadata is wanted.
        headers = {"Accept": _PARTIAL.format("")}
        if expected == ABSENT:
            path = await self._path(Key(key.plural, key.namespace, ""))
            answer = await self._ask("POST", path, whole, headers=headers)
        else:
            answer = await self._ask("PUT", await self._path(key), whole, headers=headers)
        if _is_ending(answer):
            raise EndingError(key.namespace, str(_json(answer).get("message")))
        if answer.status_code in (404, 409):
            current = await self._current(key)
            if answer.status_code == 409 or expected != ABSENT:
                raise ConflictError(key, current)
        try:
            metadata = _METADATA.decode(_good(answer).content).metadata
            revision = int(metadata.pop("resourceVersion"))
        except (DecodeError, KeyError, ValueError) as error:
            raise StoreError(f"the store in the cluster did not say what it wrote of {key.name}") from error
        self._reach(revision)
        return Entry(key, revision, Content(orjson.dumps(metadata), b"[]", put.content.body))

    async def _current(self, key: Key) -> int:
        there = await self.get(key)
        return there.revision if there else ABSENT

    async def _kind(self, plural: str) -> _Kind:
        """From discovery, asked again where it lacks the kind: groups of a server that starts come one after another."""
        if plural not in self._kinds:
            for group_version in GROUPS:
                answer = await self._ask("GET", f"/apis/{group_version}")
                if answer.status_code == 404:
                    continue
                for resource in _json(_good(answer))["resources"]:
                    kind = _Kind(resource["kind"], group_version, resource["namespaced"])
                    self._kinds[resource["name"]] = kind
        kind_found = self._kinds.get(plural)
        if kind_found is None:
            raise NotServedError(
                f"the cluster serves no {plural}", hint="install the API server of results in it"
            )
        return kind_found

    async def _path(self, key: Key) -> str:
        kind = await self._kind(key.plural)
        space = f"/namespaces/{key.namespace}" if key.namespace else ""
        name = f"/{key.name}" if key.name else ""
        return f"/apis/{kind.api_version}{space}/{key.plural}{name}"

    async def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Asks again where the server asks for time. Raises: ``StoreError``."""
        sent = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        with _failing():
            for attempt in range(_ATTEMPTS):
                answer = await self._http.request(
                    method, f"{self._address}{path}", content=content, params=query or None, headers=sent
                )
                if answer.status_code not in _BUSY:
                    break
                await asyncio.sleep(_AGAIN_S * 2**attempt)
        return answer

    def _entry(self, plural: str, whole: Body, with_body: bool = True) -> Entry:
        metadata = whole["metadata"]
        revision = int(metadata.pop("resourceVersion"))
        key = Key(plural, str(metadata.get("namespace", "")), str(metadata["name"]))
        rest = {
            name: value for name, value in whole.items() if name not in ("kind", "apiVersion", "metadata")
        }
        self._reach(revision)
        return Entry(
            key, revision, Content(orjson.dumps(metadata), b"[]", orjson.dumps(rest) if with_body else b"")
        )

    def _reach(self, revision: int) -> None:
        self._revision = max(self._revision, revision)


def _selectors(selection: Selection) -> dict[str, str]:
    fields = list(selection.fields)
    if selection.name and not any(field.key == "metadata.name" for field in fields):
        fields.append(Requirement("metadata.name", "in", frozenset({selection.name})))
    query = {}
    if selection.labels:
        query["labelSelector"] = ",".join(map(str, selection.labels))
    if fields:
        query["fieldSelector"] = ",".join(map(str, fields))
    return query


def _raise_for_watch(answer: httpx2.Response, since: int) -> None:
    """Returns where asking again will do."""
    if answer.status_code == 410:
        raise GoneError(since)
    if answer.status_code == 504:
        raise FutureError(since)
    if answer.status_code not in _BUSY:
        _good(answer)


def _good(answer: httpx2.Response) -> httpx2.Response:
    """Raises: ``StoreError`` in the server's words."""
    if answer.status_code < 400:
        return answer
    message = str(_json(answer).get("message") or f"HTTP {answer.status_code}")
    if answer.status_code == 507:
        raise FullError(message)
    hint = "check the rights of the account" if answer.status_code in (401, 403) else ""
    raise StoreError(message, hint=hint)


def _is_ending(answer: httpx2.Response) -> bool:
    """Whether the namespace that was written to is being deleted, or is not there."""
    details = _json(answer).get("details") if answer.status_code in (403, 404) else None
    if not isinstance(details, dict):
        return False
    if answer.status_code == 404:
        return details.get("kind") == "namespaces"
    reasons = [one.get("reason") for one in details.get("causes") or () if isinstance(one, dict)]
    return "NamespaceTerminating" in reasons


def _json(answer: httpx2.Response) -> Body:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except httpx2.HTTPError as error:
        raise StoreError(
            f"the store in the cluster cannot be reached: {error or type(error).__name__}"
        ) from error
