"""Facts of a node as objects of its cluster, written when they change and once a day."""

import hashlib
import logging
from typing import Any, Protocol

import orjson
from msgspec import Struct

from leadline.errors import SourceError
from leadline.kube.kinds import plural_of
from leadline.model.host import API_VERSION, FACT_KINDS
from leadline.scans.host.collecting import facts_objects
from leadline.sources.host.configz import ask_kubelet
from leadline.sources.host.node import host_facts

log = logging.getLogger(__name__)
_BASE = f"/apis/{API_VERSION}"
_GONE = ("", 0.0)
"""Of what was written: nothing, or nothing is there any more."""
Body = dict[str, Any]


class Objects(Protocol):
    """The requests that are needed of an API server."""

    async def get(self, path: str) -> Body | None: ...
    async def create(self, path: str, body: Body) -> Body: ...
    async def replace(self, path: str, body: Body) -> Body: ...
    async def delete(self, path: str) -> None: ...


class NodeRead(Struct, frozen=True):
    """What is read, and of which node."""

    root: str
    node: str
    address: str = ""
    """Where its kubelet is asked for its settings; empty for nowhere."""
    token: str = ""


def read_node(what: NodeRead, version: str) -> list[Body]:
    """The node's objects. A kubelet that does not answer is logged: its files and flags are then all that is known.

    Raises: ``SourceError`` where nothing of a node is there.
    """
    configz = None
    if what.address:
        try:
            configz = ask_kubelet(what.root, what.address, what.token)
        except SourceError as error:
            log.warning("settings are read from files and flags alone: %s", error)
    return facts_objects(host_facts(what.root, what.node, kubelet_version=version, configz=configz))


class Reporter:
    """Writes what changed since it wrote last, and everything after ``every_s`` seconds."""

    def __init__(self, objects: Objects, node: str, every_s: float) -> None:
        self._objects = objects
        self._node = node
        self._every_s = every_s
        self._written: dict[str, tuple[str, float]] = {}
        """By path: the digest of what was written, and when."""

    async def report(self, bodies: list[Body], owner: Body | None, *, at: str, now_s: float) -> int:
        """How many objects were written. ``owner`` is the Node, with which they are to go; ``at`` is RFC 3339.

        An object of a kind that nothing is known of any more is deleted: what was true once is not judged.

        Raises: whatever ``objects`` does.
        """
        written = 0
        for kind in FACT_KINDS - {body["kind"] for body in bodies}:
            path = f"{_BASE}/{plural_of(kind)}"
            if self._written.get(path) != _GONE:
                if await self._objects.get(f"{path}/{self._node}") is not None:
                    await self._objects.delete(f"{path}/{self._node}")
                self._written[path] = _GONE
        for body in bodies:
            path = f"{_BASE}/{plural_of(body['kind'])}"
            digest = hashlib.sha256(orjson.dumps(body)).hexdigest()
            known, since = self._written.get(path, _GONE)
            if digest == known and now_s - since < self._every_s:
                continue
            await self._put(path, {**body, **_stamped(body, owner, at)})
            self._written[path] = (digest, now_s)
            written += 1
        return written

    async def _put(self, path: str, body: Body) -> None:
        there = await self._objects.get(f"{path}/{self._node}")
        if there is None:
            await self._objects.create(path, body)
            return
        version = (there.get("metadata") or {}).get("resourceVersion", "")
        metadata = {**body["metadata"], "resourceVersion": version}
        await self._objects.replace(f"{path}/{self._node}", {**body, "metadata": metadata})


def _stamped(body: Body, owner: Body | None, at: str) -> Body:
    metadata = dict(body["metadata"])
    if owner is not None:
        its = owner.get("metadata") or {}
        metadata["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "Node", "name": its.get("name", ""), "uid": its.get("uid", "")}
        ]
    return {"metadata": metadata, "status": {"lastSensed": at}}
