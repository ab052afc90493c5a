"""Keeps the computed kinds current: follows the store, and writes again what a change has touched.

The sums of a namespace follow its summaries, a network policy its neighborhood. What is computed is stored like
everything else, so that it is listed and watched like everything else.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import Struct

from leadline.api.kinds.configuration import (
    CONFIGURATION_SEVERITIES,
    NamespaceConfiguration,
    Reference,
    SeverityCounts,
)
from leadline.api.kinds.images import (
    IMAGE_SEVERITIES,
    NamespaceVulnerabilities,
    VulnerabilityCount,
    VulnerabilityCounts,
)
from leadline.api.protocol import ABSENT, ConflictError, GoneError, Put, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.backoff import backoff_s
from leadline.errors import StoreError
from leadline.programs.apiserver.computed.generated_policy import generated_policy, known_servers
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import Served

log = logging.getLogger(__name__)
PAUSE_S = 0.5
"""Under load, sums are made this often at most, unless they are asked for."""
_LONGEST_PAUSE_S = 30.0
_SHARE = 10
"""Sums of large namespaces take time; of all time they get at most one part in this many."""
_PATIENCE_S = 5.0
_AGAIN_S = 2.0
Body = dict[str, Any]


class Computation(Protocol):
    """One computed kind."""

    @property
    def target(self) -> str:
        """Its plural."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Plurals of the kinds whose changes matter."""

    def touched(self, changed: Key, there: Iterable[Key]) -> Iterable[Key]:
        """Which objects a change of a source may change; ``there`` are all that exist."""

    async def body(self, store: Store, key: Key) -> Body | None:
        """What the object shall be in addition to its identity; ``None`` where there shall be none."""


class NamespaceSum:
    """Adds up the columns of all summaries in one namespace."""

    def __init__(self, target: str, source: str) -> None:
        self.target = target
        self.source = source
        self.sources = (source,)

    def touched(self, changed: Key, there: Iterable[Key]) -> Iterable[Key]:
        return [Key(self.target, "", changed.namespace)]

    async def body(self, store: Store, key: Key) -> Body | None:
        sums: list[int] = []
        names: list[str] = []
        async for entries in pages_of(store, Selection(self.source, key.name, with_body=False)):
            for entry in entries:
                cells = orjson.loads(entry.content.columns)
                sums = sums or [0] * len(cells)
                sums = [
                    total + (cell if isinstance(cell, int) else 0)
                    for total, cell in zip(sums, cells, strict=False)
                ]
                names.append(entry.key.name)
        return {"spec": msgspec.to_builtins(self.spec(key.name, sums, names))} if names else None

    def spec(self, namespace: str, sums: list[int], names: list[str]) -> Struct:
        """From the sums of all columns, and the names of the summaries."""
        raise NotImplementedError


class ConfigurationSum(NamespaceSum):
    def __init__(self) -> None:
        super().__init__("configurationscansummaries", "workloadconfigurationscansummaries")

    def spec(self, namespace: str, sums: list[int], names: list[str]) -> Struct:
        references = _references(namespace, names, "WorkloadConfigurationScanSummary")
        counts = SeverityCounts(*sums[: len(CONFIGURATION_SEVERITIES)])
        return NamespaceConfiguration(counts, references)


class VulnerabilitySum(NamespaceSum):
    def __init__(self) -> None:
        super().__init__("vulnerabilitysummaries", "vulnerabilitymanifestsummaries")

    def spec(self, namespace: str, sums: list[int], names: list[str]) -> Struct:
        number = len(IMAGE_SEVERITIES)
        counts = VulnerabilityCounts(*map(VulnerabilityCount, sums[:number], sums[-number:]))
        references = _references(namespace, names, "vulnerabilitymanifestsummary")
        return NamespaceVulnerabilities(counts, references)


class NetworkPolicies:
    """One for each neighborhood of the same name; all of them again when known servers change."""

    target = "generatednetworkpolicies"
    sources: tuple[str, ...] = ("networkneighborhoods", "knownservers")

    def __init__(self, served: Mapping[str, Served]) -> None:
        self._served = served

    def touched(self, changed: Key, there: Iterable[Key]) -> Iterable[Key]:
        if changed.plural == "knownservers":
            return list(there)
        return [Key(self.target, changed.namespace, changed.name)]

    async def body(self, store: Store, key: Key) -> Body | None:
        entry = await store.get(Key("networkneighborhoods", key.namespace, key.name))
        if entry is None:
            return None
        known = []
        async for servers in pages_of(store, Selection("knownservers")):
            known += known_servers(wire.object_of(self._served["knownservers"], server) for server in servers)
        return generated_policy(wire.object_of(self._served["networkneighborhoods"], entry), known)


class Computing:
    """``run`` does not return. ``settled`` waits until what was written is added up."""

    def __init__(self, store: Store, served: Iterable[Served]) -> None:
        self._store = store
        self._served = {one.kind.plural: one for one in served}
        self._computations: tuple[Computation, ...] = (
            ConfigurationSum(),
            VulnerabilitySum(),
            NetworkPolicies(self._served),
        )
        self._upto = 0
        self._moved = asyncio.Event()
        self._wanted = asyncio.Event()
        self._waiting = 0
        self._is_running = False

    async def run(self) -> None:
        self._is_running = True
        failures = 0
        while True:
            try:
                await self._rebuild()
                failures = 0
                await self._follow()
            except GoneError:
                continue
            except (StoreError, ValueError) as error:
                # JSON of a damaged row is a ValueError. A store that is full or read-only stays so for a while, and looking through all of it costs.
                log.error("sums are not kept current: %s", error)
                failures += 1
                await asyncio.sleep(backoff_s(failures, _AGAIN_S, _LONGEST_PAUSE_S))

    async def settled(self, revision: int) -> None:
        """Returns once everything up to ``revision`` is in what is computed, or after some seconds at most."""
        if not self._is_running:
            return
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while self._upto < revision:
                    await self._moved.wait()
        except TimeoutError:
            log.warning("computed objects are behind")
        finally:
            self._waiting -= 1

    async def _follow(self) -> None:
        async for changes in self._store.watch(Selection(with_body=False), self._upto):
            begin = time.monotonic()
            for computation in self._computations:
                changed = [e.entry.key for e in changes.events if e.entry.key.plural in computation.sources]
                if changed:
                    await self._compute(computation, changed)
            self._reach(changes.revision)
            if changes.events:
                took = time.monotonic() - begin
                await self._pause(min(max(PAUSE_S, took * (_SHARE - 1)), _LONGEST_PAUSE_S))

    async def _rebuild(self) -> None:
        """Everything, as after a start: changes may have been missed."""
        revision = self._store.revision
        for computation in self._computations:
            touched = set(await self._there(computation))
            for plural in computation.sources:
                async for entries in pages_of(self._store, Selection(plural, with_body=False)):
                    for entry in entries:
                        touched.update(computation.touched(entry.key, ()))
            for key in sorted(touched):
                await self._write(computation, key)
        self._reach(revision)

    async def _compute(self, computation: Computation, changed: Iterable[Key]) -> None:
        there: list[Key] | None = None
        touched: dict[Key, None] = {}
        for key in changed:
            if there is None and key.plural == "knownservers":
                there = await self._there(computation)
            touched.update(dict.fromkeys(computation.touched(key, there or ())))
        for key in touched:
            await self._write(computation, key)

    async def _there(self, computation: Computation) -> list[Key]:
        selection = Selection(computation.target, with_body=False)
        return [entry.key async for entries in pages_of(self._store, selection) for entry in entries]

    async def _write(self, computation: Computation, key: Key) -> None:
        """Nothing where it is as it should be; another replica that was faster has written the same."""
        body = await computation.body(self._store, key)
        old = await self._store.get(key)
        try:
            if body is None:
                if old is not None:
                    await self._store.delete(key, old.revision)
                return
            served = self._served[computation.target]
            kind = served.kind
            metadata: Body = {"name": key.name, "labels": {}, "annotations": {}}
            if key.namespace:
                metadata["namespace"] = key.namespace
            metadata |= body.pop("metadata", {})
            if old is None:
                wire.make_new(metadata)
            else:
                kept = orjson.loads(old.content.metadata)
                metadata |= {name: kept[name] for name in wire.OURS if name in kept}
            whole = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **body}
            content = wire.content_of(served, whole)
            if old is None:
                await self._store.put(Put(key, content, ABSENT))
            elif content != old.content:
                await self._store.put(Put(key, content, old.revision))
        except ConflictError:
            return

    async def _pause(self, seconds: float) -> None:
        if self._waiting:
            return
        self._wanted.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return

    def _reach(self, revision: int) -> None:
        self._upto = revision
        self._moved.set()
        self._moved = asyncio.Event()


def _references(namespace: str, names: list[str], kind: str) -> tuple[Reference, ...]:
    return tuple(Reference(namespace, name, kind) for name in names)
