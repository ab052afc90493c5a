"""The namespaces of the cluster and whether they are going away: admission does not run for us, so we look ourselves."""

import asyncio
import logging
from collections.abc import Iterable

from leadline.api.kind import Kind
from leadline.api.protocol import ConflictError, Store, pages_of
from leadline.api.selection import Selection
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.kube_api import Body, KubeApi
from leadline.programs.serving.cluster.refusal import Refusal

log = logging.getLogger(__name__)
_PATH = "/api/v1/namespaces"
_AGAIN_S = 2.0
_WATCH_S = "300"
ACTIVE = "Active"


class ClusterNamespaces:
    """Kept current by ``follow``."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube
        self._phases: dict[str, str] = {}
        self._is_current = False

    async def check_open(self, name: str) -> None:
        phase = self._phases.get(name) if self._is_current else None
        if phase is None:
            # It may have been made a moment ago, and the watch has not said so yet.
            code, body = await self._kube.get(f"{_PATH}/{name}")
            if code == 404:
                message = f'namespaces "{name}" not found'
                raise Refusal(404, "NotFound", message, {"name": name, "kind": "namespaces"})
            if code != 200:
                raise refusal.unavailable(f"namespace {name}: {body.get('message') or code}")
            phase = _phase(body)
        if phase != ACTIVE:
            raise _closing(name)

    async def follow(self) -> None:
        """Does not return. Between two watches, what is asked for is looked up."""
        while True:
            try:
                revision = await self._list()
                self._is_current = True
                query = {"watch": "true", "resourceVersion": revision, "timeoutSeconds": _WATCH_S}
                async for event in self._kube.watch(_PATH, query):
                    if not self._take(event):
                        break
            except Refusal as refused:
                log.warning("namespaces are not being watched: %s", refused.message)
            self._is_current = False
            await asyncio.sleep(_AGAIN_S)

    async def names(self) -> set[str]:
        """As they are now. Raises: ``Refusal``."""
        await self._list()
        return set(self._phases)

    async def _list(self) -> str:
        code, body = await self._kube.get(_PATH)
        if code != 200:
            raise refusal.unavailable(str(body.get("message") or f"HTTP {code}"))
        self._phases = {str(item["metadata"]["name"]): _phase(item) for item in body.get("items") or ()}
        return str(body["metadata"].get("resourceVersion", ""))

    def _take(self, event: Body) -> bool:
        item = event.get("object")
        if event.get("type") not in ("ADDED", "MODIFIED", "DELETED") or not isinstance(item, dict):
            return False
        name = str(item["metadata"]["name"])
        if event["type"] == "DELETED":
            self._phases.pop(name, None)
        else:
            self._phases[name] = _phase(item)
        return True


async def sweep(store: Store, kinds: Iterable[Kind], alive: set[str]) -> int:
    """Deletes objects whose namespace went away while the server was not there; how many."""
    count = 0
    for kind in kinds:
        if not kind.is_namespaced:
            continue
        async for entries in pages_of(store, Selection(kind.plural, with_body=False)):
            for entry in entries:
                if entry.key.namespace not in alive:
                    try:
                        await store.delete(entry.key)
                    except ConflictError:
                        continue
                    count += 1
    return count


def _phase(item: Body) -> str:
    status = item.get("status")
    return str(status.get("phase", ACTIVE)) if isinstance(status, dict) else ACTIVE


def _closing(name: str) -> Refusal:
    message = f"unable to create new content in namespace {name} because it is being terminated"
    why = f"namespace {name} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": why, "field": "metadata.namespace"}
    return refusal.forbidden(message, {"causes": [cause]})
