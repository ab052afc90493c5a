"""Keeps alerts in the store of the cluster, and takes from it what is at stake with each workload. Bounded while the store is away."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from leadline.api.kinds.risks import WorkloadRisk
from leadline.api.protocol import Store
from leadline.api.stored import Reader
from leadline.backoff import backoff_s
from leadline.errors import ClusterError, StoreError
from leadline.fair_share import fairly
from leadline.model.alert import Alert
from leadline.scans.observing.loaded_flaws import loaded_flaws
from leadline.scans.stored.alerts import add_alert, forget_alerts
from leadline.scans.stored.behaviour import is_named, profile_name, workload_of
from leadline.scans.stored.scan_runs import all_of

log = logging.getLogger(__name__)
MOST_WAITING = 1_000
"""Alerts while the store is away; of the workloads and rules that have most the oldest go first, and are counted."""
MOST_WRITTEN = 4_000
MOST_ATTEMPTS = 5
"""To write one, before it is given up and counted."""
WRITE_EVERY_S = 1.0
LEARN_EVERY_S = 600.0
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 120.0
RISKS = "workloadrisks"
OWNERS: tuple[Callable[[Alert], Hashable], ...] = (
    lambda alert: alert.container.namespace,
    lambda alert: alert.container.id,
    lambda alert: (alert.container.id, alert.rule),
)
_risk_of = Reader(WorkloadRisk)


class AlertStore:
    """``open`` opens the store again after a failure; ``node`` is its name; ``home`` the namespace of the results of images."""

    def __init__(self, open: Callable[[], Store], node: str, home: str = "") -> None:
        self._home = home
        self._flaws: OrderedDict[tuple[str, str], tuple[float, tuple[str, ...]]] = OrderedDict()
        """By the profile of a container: when the store was asked, and the worst in what it loaded."""
        self._open = open
        self._node = node
        self._waiting: OrderedDict[str, Alert] = OrderedDict()
        self._stakes: dict[tuple[str, str, str], tuple[str, float]] = {}
        self._refused: dict[str, int] = {}
        self._written: dict[str, tuple[float, int]] = {}
        """When each alert began, and its count as it is stored."""
        self._failures = 0
        """In a row."""
        self.dropped = 0
        """Alerts that were printed, and are not stored."""

    def stake(self, alert: Alert) -> Alert:
        """With what is at stake, and the vulnerabilities that may be the way in, as far as the store has said."""
        one = alert.container
        sentence, score = self._stakes.get((one.namespace, *workload_of(one)), ("", 0.0))
        _, flaws = (
            self._flaws.get((one.namespace, profile_name(one)), (0.0, ())) if is_named(one) else (0.0, ())
        )
        if not sentence and not flaws:
            return alert
        return replace(alert, stake=sentence, stake_score=score, vulnerabilities=flaws)

    def add(self, alerts: Iterable[Alert]) -> None:
        """Those of containers without a namespace are printed alone: there is none to keep them in."""
        for alert in (one for one in alerts if one.container.namespace):
            self._waiting[alert.id] = alert
            self._waiting.move_to_end(alert.id)
        if len(self._waiting) > MOST_WAITING:
            newest_first = reversed(self._waiting.values())
            kept = {one.id for one in fairly(newest_first, *OWNERS)[:MOST_WAITING]}
            for id in [id for id in self._waiting if id not in kept]:
                del self._waiting[id]
                self.dropped += 1

    async def run(self) -> None:
        """Does not return."""
        said = ""
        while True:
            try:
                store = self._open()
                try:
                    await self._serve(store)
                finally:
                    await store.close()
            except (StoreError, ClusterError) as error:
                self._failures += 1
                why = str(error.args[0])
                if why != said:
                    log.warning("alerts are not stored: %s; tried again", why)
                said = why
            await asyncio.sleep(backoff_s(max(self._failures, 1), FIRST_WAIT_S, LONGEST_WAIT_S))

    async def last(self) -> None:
        """At the end: what waits. Raises: ``StoreError``, ``ClusterError``."""
        if self._waiting:
            store = self._open()
            try:
                await self._write(store)
            finally:
                await store.close()

    async def _serve(self, store: Store) -> None:
        learned_s = -LEARN_EVERY_S
        loop = asyncio.get_running_loop()
        while True:
            if loop.time() - learned_s >= LEARN_EVERY_S:
                learned_s = loop.time()
                await self._learn(store)
                await self._forget(store)
            await self._write(store)
            await asyncio.sleep(WRITE_EVERY_S)

    async def _forget(self, store: Store) -> None:
        """What cannot be forgotten holds no new alert up."""
        try:
            forgotten = await forget_alerts(store, datetime.now(UTC), self._node)
            if forgotten.too_many:
                self.dropped += forgotten.too_many
                log.warning(
                    "%d alerts were forgotten before their month was over: too many are stored",
                    forgotten.too_many,
                )
        except StoreError as error:
            log.warning("old alerts are not forgotten: %s", error.args[0])

    async def _write(self, store: Store) -> None:
        while self._waiting:
            id, alert = next(iter(self._waiting.items()))
            try:
                explained = await self._explained(store, alert)
                first_s, stored = self._written.get(id, (alert.first_s, 0))
                known = stored if first_s == alert.first_s else 0
                written = await add_alert(store, explained, self._node, written=known)
            except StoreError:
                self._refuse(id)
                raise
            # Of a namespace that is being deleted it is printed alone.
            self.dropped += not written
            self._failures = 0
            self._written[id] = (alert.first_s, alert.count)
            if len(self._written) > MOST_WRITTEN:
                del self._written[next(iter(self._written))]
            # It may have come again while it was written.
            if self._waiting.get(id) is alert:
                del self._waiting[id]

    async def _explained(self, store: Store, alert: Alert) -> Alert:
        """With the vulnerabilities in what its container loaded: asked for where something happens alone."""
        one = alert.container
        if not self._home or not is_named(one):
            return alert
        key, now_s = (one.namespace, profile_name(one)), asyncio.get_running_loop().time()
        asked_s, _ = self._flaws.get(key, (-LEARN_EVERY_S, ()))
        if now_s - asked_s >= LEARN_EVERY_S:
            self._flaws[key] = (now_s, await loaded_flaws(store, self._home, one))
            if len(self._flaws) > MOST_WRITTEN:
                self._flaws.popitem(last=False)
        return self.stake(alert)

    def _refuse(self, id: str) -> None:
        """It is tried again after the others, and given up in the end."""
        self._refused[id] = self._refused.get(id, 0) + 1
        self._waiting.move_to_end(id)
        if self._refused[id] >= MOST_ATTEMPTS:
            del self._waiting[id], self._refused[id]
            self.dropped += 1

    async def _learn(self, store: Store) -> None:
        found = {}
        for entry in await all_of(store, RISKS):
            risk = _risk_of(entry).spec
            place = (risk.object.namespace, risk.object.kind, risk.object.name)
            found[place] = (risk.sentence, risk.score)
        self._stakes = found
