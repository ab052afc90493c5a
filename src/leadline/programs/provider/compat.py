"""The door for Kubescape's CLI, off unless it is asked for: what it asks before a scan, and the report that it sends.

Recorded from version 4.0.10: it needs ``servicediscovery``, ``frameworks``, ``controlExceptions``, ``customerConfig`` and
``postureReport``. Its token is that of a source, in ``X-API-KEY``; its account is the UUID of that source.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from leadline.api.provider.wire import NAMES_NO_UNREAD
from leadline.errors import LeadlineError, UsageError
from leadline.foreign_errors import in_words
from leadline.programs.provider.app import Receive, body_of
from leadline.programs.provider.doors import DEFAULT_TENANT, Doors
from leadline.programs.provider.ingest import Message, Refused
from leadline.programs.provider.routes import Parts
from leadline.programs.serving.plain_server import Send, send_whole
from leadline.scans.submitting.compat import Chunk, Chunks, account_of, framework_documents

log = logging.getLogger(__name__)
LARGEST_CHUNK = 16 << 20
"""Bytes: its own limit of 2 MiB counts no head, and a large object goes whole."""
_LARGEST_REPORT = 256 << 20
_LARGEST_POLICIES = 64 << 20
_KEPT_S = 3_600.0
_PENDING = 4
"""Reports of one source that are not whole."""
_DISCOVERY = re.compile("/api/(v[123])/servicediscovery")
_GUID = re.compile("[0-9a-fA-F-]{36}")
Answer = tuple[int, Any]


class _Asked(Struct, frozen=True):
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    scope: Mapping[str, Any]


class CompatDoor:
    """In front of the application: answers what is asked below ``/api/`` and ``/k8s/``, and passes on everything else."""

    def __init__(self, app: Any, parts: Parts, doors: Doors, policies: Path | None, address: str) -> None:
        """``policies``: folder with that project's own policies, whose rules its CLI runs; ``address``: of this provider, as senders know it.

        Raises: ``UsageError`` where the folder holds none.
        """
        self._app = app
        self._parts = parts
        self._doors = doors
        self._address = address.rstrip("/")
        self._frameworks = _frameworks(policies) if policies else {}
        self._pending: dict[tuple[int, str], Chunks] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(("/api/", "/k8s/")):
            await self._app(scope, receive, send)
            return
        query = {
            name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()
        }
        asked = _Asked(scope["method"], path, query, dict(scope["headers"]), scope)
        try:
            status, value = await self._answered(asked, receive)
        except Refused as refused:
            status, value = (
                refused.status,
                {"message": ": ".join(filter(None, (refused.title, refused.detail)))},
            )
        except (LeadlineError, OSError) as error:
            log.error("cannot answer %s: %s", path, error)
            status, value = 503, {"message": "the provider cannot read or write its data now"}
        except Exception:
            log.exception("a fault while answering %s", path)
            status, value = 500, {"message": "a fault of this provider"}
        extra = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
        await send_whole(send, status, "application/json", msgspec.json.encode(value), extra)

    async def _answered(self, asked: _Asked, receive: Receive) -> Answer:
        """Raises: ``Refused``."""
        if (found := _DISCOVERY.fullmatch(asked.path)) and asked.method == "GET":
            services = {"event-receiver-http": self._address, "api-server": self._address}
            return 200, {"version": found[1], "response": services}
        source = await asyncio.to_thread(self._source, asked)
        if asked.method == "POST" and asked.path == "/k8s/v2/postureReport":
            return 200, {"message": await self._report(asked, source, receive)}
        if asked.method != "GET":
            raise Refused(404, "This path does not exist")
        return self._policies(asked)

    def _policies(self, asked: _Asked) -> Answer:
        """Raises: ``Refused``."""
        if asked.path == "/api/v1/frameworks":
            name = asked.query.get("frameworkName", "")
            if not name:
                return 200, list(self._frameworks.values())
            if (found := self._frameworks.get(name.lower())) is None:
                raise Refused(
                    404, "No such framework", "provider serve --compat-policies names a folder with policies"
                )
            return 200, found
        if asked.path in ("/api/v1/controlExceptions", "/api/v1/attackTracks"):
            return 200, []
        if asked.path == "/api/v1/customerConfig":
            return 200, {"name": "default", "settings": {"postureControlInputs": {}}}
        raise Refused(404, "This path does not exist")

    def _source(self, asked: _Asked) -> Any:
        """The source of the token, where the account is its. Raises: ``Refused``."""
        word = asked.headers.get(b"x-api-key", b"").decode("latin-1").strip()
        token = self._doors.own(asked.scope, word) if word else None
        if token is None or token.role != "write":
            raise Refused(401, "X-API-KEY holds no token of a source")
        sources = self._parts.tables.sources(token.tenant)
        source = next((one for one in sources if one.id == token.source), None)
        if source is None:
            raise Refused(401, "X-API-KEY holds no token of a source")
        provider, tenant = self._parts.ingest.keys.name, source.tenant
        account = account_of(provider, source.name, "" if tenant == DEFAULT_TENANT else tenant)
        # Earlier versions printed the same for each tenant; the token decides.
        if asked.query.get("customerGUID", "").lower() not in (account, account_of(provider, source.name)):
            raise Refused(403, "The account is not that of this token's source", f"use --account {account}")
        return token, source

    async def _report(self, asked: _Asked, owner: Any, receive: Receive) -> str:
        """Raises: ``Refused``."""
        token, source = owner
        report = asked.query.get("reportGUID", "")
        if not _GUID.fullmatch(report):
            raise Refused(400, "reportGUID is not a UUID")
        body = await body_of(receive, asked.headers, LARGEST_CHUNK, "a chunk")
        chunk = await asyncio.to_thread(_chunk, body)
        pending = self._waiting((source.id, report))
        pending.size += len(body)
        if pending.size > _LARGEST_REPORT:
            del self._pending[source.id, report]
            raise Refused(413, "The report is too large")
        if not pending.take(chunk):
            return f"chunk {chunk.pagination_info.chunk_number} of report {report} was received"
        self._pending.pop((source.id, report), None)

        def stored() -> int:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            try:
                whole = pending.whole(now, NAMES_NO_UNREAD)
            except UsageError as error:
                raise Refused(413, "The report is too large", str(error.args[0])) from error
            plain = msgspec.json.encode(whole)
            key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{source.id}/{report}"))
            return self._parts.ingest.take(token, source, Message(plain, whole, key)).open

        return f"{await asyncio.to_thread(stored):,} findings of {source.name} are open"

    def _waiting(self, key: tuple[int, str]) -> Chunks:
        old = time.monotonic() - _KEPT_S
        mine = sorted((one.at, other) for other, one in self._pending.items() if other[0] == key[0])
        drop = [other for at, other in mine if at < old]
        if key not in self._pending and len(mine) - len(drop) >= _PENDING:
            drop.append(mine[len(drop)][1])
        for other in drop:
            del self._pending[other]
        return self._pending.setdefault(key, Chunks(time.monotonic()))


def _chunk(body: bytes) -> Chunk:
    """Raises: ``Refused``."""
    try:
        return msgspec.json.decode(body, type=Chunk)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, "The body is not a report", in_words(error)) from error


def _frameworks(folder: Path) -> Mapping[str, Any]:
    """Ours, by name in small letters, with the controls that files of ``folder`` have rules for. Raises: ``UsageError``."""
    controls: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        if path.stat().st_size > _LARGEST_POLICIES:
            raise UsageError(f"{path} is too large")
        try:
            found = msgspec.json.decode(path.read_bytes())
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not JSON: {in_words(error)}") from error
        for one in _controls_in(found):
            controls.setdefault(str(one["controlID"]), one)
    if not controls:
        raise UsageError(
            f"{folder} holds no control with rules",
            hint="name the folder of that project's policies, as JSON",
        )
    return framework_documents(controls)


def _controls_in(found: Any) -> list[Any]:
    documents = found if isinstance(found, list) else [found]
    nested = [one.get("controls") or [] for one in documents if isinstance(one, dict)]
    rows = [*documents, *(one for some in nested if isinstance(some, list) for one in some)]
    return [one for one in rows if isinstance(one, dict) and one.get("controlID") and one.get("rules")]
