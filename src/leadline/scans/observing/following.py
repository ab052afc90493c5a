"""Keeps what alerts rest on in step with the cluster: what it accepts, rules of its users, and what its store knows of the workloads here."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from leadline.api.protocol import Store
from leadline.api.selection import Key
from leadline.errors import ClusterError, StoreError
from leadline.model.container import Container
from leadline.runtime.baseline import Baseline
from leadline.scans.observing.accepting import Accepting
from leadline.scans.observing.cluster_objects import ClusterObjects, OwnRules
from leadline.scans.observing.detecting import Detecting
from leadline.scans.stored.behaviour import PROFILES, is_named, profile_name, stored_record

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
LISTS_EVERY_S = 60.0
PROFILE_EVERY_S = 600.0
"""So often the store is asked again for the profile of a workload that it had no complete one of."""
MOST_REMEMBERED = 4_096
_Asked: TypeAlias = "OrderedDict[str, float]"


class Following:
    """``store`` opens that of the results; ``None`` where profiles are not stored."""

    def __init__(
        self,
        objects: ClusterObjects,
        store: Callable[[], Store] | None,
        accepting: Accepting,
        detecting: Detecting,
        learning_s: float,
    ) -> None:
        self._learning_s = learning_s
        self._objects = objects
        self._open = store
        self._accepting = accepting
        self._detecting = detecting
        self._said: dict[str, str] = {}
        self._named: set[str] = set()
        """What is wrong with objects, as far as it was said."""
        self._profiles_asked: _Asked = OrderedDict()
        self._baselines: OrderedDict[str, Baseline] = OrderedDict()
        """By the name of the stored profile: replicas share one."""
        self._workloads_asked: _Asked = OrderedDict()
        self._rules: OwnRules | None = None
        """As they were taken last."""

    async def run(self) -> None:
        """Does not return."""
        loop = asyncio.get_running_loop()
        looked_s = -LISTS_EVERY_S
        store = self._open() if self._open is not None else None
        try:
            while True:
                now_s = loop.time()
                if now_s - looked_s >= LISTS_EVERY_S:
                    looked_s = now_s
                    await self._try("what the cluster accepts is not known", self._accept())
                    await self._try("rules of the cluster are not known", self._take_rules())
                    again = self._accepting.asked()
                    await self._try("annotations of workloads are not known", self._ask(again))
                await self._try("annotations of workloads are not known", self._ask(self._new(now_s)))
                if store is not None:
                    await self._try("stored profiles are not known", self._adopt(store, now_s))
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            if store is not None:
                await store.close()
            await self._objects.close()

    async def _try(self, what: str, part: Awaitable[None]) -> None:
        """A part that fails costs no other, is said once, and is tried again."""
        why = ""
        try:
            await part
        except (ClusterError, StoreError) as error:
            why = str(error.args[0])
        if why and why != self._said.get(what):
            log.warning("%s: %s; tried again", what, why)
        self._said[what] = why

    async def _accept(self) -> None:
        waivers, wrong = await self._objects.accepted()
        self._name(wrong)
        self._accepting.take_cluster(waivers)

    async def _take_rules(self) -> None:
        found = await self._objects.rules()
        if found is self._rules:
            return  # a rule that is left out where it is slow stays so
        self._rules = found
        self._name(found.problems)
        self._detecting.take_own(found.rules)

    def _name(self, problems: tuple[str, ...]) -> None:
        for one in problems:
            if one not in self._named:
                log.warning("%s", one)
        self._named.update(problems[:MOST_REMEMBERED])
        if len(self._named) > MOST_REMEMBERED:
            self._named = set(problems)

    def _new(self, now_s: float) -> list[Container]:
        """One container of each workload that was not asked about yet."""
        found = []
        for one in self._detecting.running:
            place = f"{one.namespace}/{one.workload_kind}/{one.workload}"
            if is_named(one) and _is_due(self._workloads_asked, place, now_s, float("inf")):
                found.append(one)
        return found

    async def _ask(self, containers: list[Container]) -> None:
        for one in containers:
            resource = await self._objects.workload(one)
            if resource is not None:
                self._accepting.take_workload(one, resource)

    async def _adopt(self, store: Store, now_s: float) -> None:
        """Gives containers that are new the complete profile of others of their revision."""
        for one in self._detecting.without_baseline:
            if not is_named(one):
                continue
            name = profile_name(one)
            key = f"{one.namespace}/{name}"
            if key not in self._baselines and _is_due(self._profiles_asked, key, now_s, PROFILE_EVERY_S):
                entry = await store.get(Key(PROFILES, one.namespace, name))
                record = stored_record(entry) if entry is not None else None
                if record is not None and record.is_baseline_of(one, self._learning_s):
                    self._baselines[key] = Baseline(record.record.profile)
                    while len(self._baselines) > MOST_REMEMBERED:
                        self._baselines.popitem(last=False)
            if key in self._baselines:
                self._detecting.adopt(one, self._baselines[key])


def _is_due(asked: _Asked, key: str, now_s: float, every_s: float) -> bool:
    """Whether it was not asked within ``every_s``; then it counts as asked."""
    if now_s - asked.get(key, -float("inf")) < every_s:
        return False
    asked[key] = now_s
    asked.move_to_end(key)
    while len(asked) > MOST_REMEMBERED:
        asked.popitem(last=False)
    return True
