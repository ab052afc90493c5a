"""Ways into running pods that someone asked the API server for, as the webhook hears of them, made alerts by R2000 and R2001."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import ClusterError
from leadline.model.container import Container
from leadline.model.event import PodEntered
from leadline.runtime.catalogue import all_rules
from leadline.runtime.detecting import Detector
from leadline.runtime.grouping import Grouping
from leadline.scans.observing.accepting import Accepting
from leadline.scans.observing.alert_store import AlertStore
from leadline.scans.observing.cluster_objects import ClusterObjects
from leadline.scans.observing.naming import pod_names
from leadline.scans.observing.redacting import redacted_event
from leadline.scans.observing.storing import cluster_store

log = logging.getLogger(__name__)
MOST_WAITING = 1_000
LOOK_EVERY_S = 0.2
TEND_EVERY_S = 10.0
LISTS_EVERY_S = 60.0
MOST_WORDS = 64
LONGEST_WORD = 1_024
_CALLS = {"exec": "exec", "attach": "attach", "portforward": "portForward"}


class Session(Struct, frozen=True):
    """What was asked for."""

    sub_resource: str
    """exec, attach or portforward."""
    namespace: str
    pod: str
    user: str
    options: Mapping[str, Any]
    """PodExecOptions and the like."""


class Sessions:
    """``take`` never waits; alerts are stored by ``run``."""

    def __init__(self, environ: Mapping[str, str], context: str, kubeconfig: str, node: str = "") -> None:
        """``node``: where this pod runs, which the server compares with its token. Raises: ``ClusterError``."""
        self._objects = ClusterObjects(environ, context, kubeconfig)
        self._accepting = Accepting(())
        self._alerts = AlertStore(lambda: cluster_store(environ, context, kubeconfig), node)
        rules = [one for one in all_rules() if one.event is PodEntered]
        self._detector = Detector(rules)
        self._grouping = Grouping(
            {one.id: one for one in rules}, lambda alert: self._accepting(self._alerts.stake(alert))
        )
        self._waiting: deque[tuple[float, Session]] = deque()
        self._said = ""
        self.dropped = 0
        """Those that came while too many waited."""

    @property
    def not_stored(self) -> int:
        return self.dropped + self._alerts.dropped

    def take(self, session: Session) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((time.time(), session))

    async def run(self) -> None:
        """Does not return."""
        storing = asyncio.ensure_future(self._alerts.run())
        try:
            await self._judge()
        finally:
            storing.cancel()
            await self._objects.close()

    async def _judge(self) -> None:
        tended_s = accepted_s = -LISTS_EVERY_S
        changes = 0
        while True:
            now_s = time.monotonic()
            if now_s - accepted_s >= LISTS_EVERY_S:
                accepted_s = now_s
                await self._learn()
            while self._waiting:
                at_s, session = self._waiting.popleft()
                await self._alert(session, at_s)
            if now_s - tended_s >= TEND_EVERY_S:
                tended_s = now_s
                self._alerts.add(self._grouping.updates(time.time()))
                if self._accepting.changes != changes:
                    changes = self._accepting.changes
                    self._alerts.add(self._grouping.review())
            await asyncio.sleep(LOOK_EVERY_S)

    async def _learn(self) -> None:
        try:
            waivers, _ = await self._objects.accepted()
            self._accepting.take_cluster(waivers)
        except ClusterError as error:
            self._warn(f"what the cluster accepts is not known: {error.args[0]}")

    async def _alert(self, session: Session, at_s: float) -> None:
        container = await self._entered(session)
        event = redacted_event(event_of(session))
        for detection in self._detector.see(event, container, ""):
            alert = self._grouping.take(detection, at_s)
            if alert is not None:
                self._alerts.add([alert])

    async def _entered(self, session: Session) -> Container:
        """By names alone where the pod cannot be read."""
        asked = str(session.options.get("container") or "")
        plain = Container("", name=asked, namespace=session.namespace, pod=session.pod)
        try:
            found = await self._objects.pod(session.namespace, session.pod)
            names = next(iter(pod_names([found]).values())) if found else None
            if names is None:
                return plain
            name = asked or next(iter(names.images), "")
            container = replace(
                plain,
                name=name if session.sub_resource != "portforward" else "",
                workload_kind=names.workload_kind,
                workload=names.workload,
                labels=names.labels,
                revision=names.revision,
                image=names.images.get(name, ""),
            )
            resource = await self._objects.workload(container)
            if resource is not None:
                self._accepting.take_workload(container, resource)
        except ClusterError as error:
            self._warn(f"whose pod was entered is not known: {error.args[0]}")
            return plain
        return container

    def _warn(self, why: str) -> None:
        if why != self._said:
            log.warning("%s", why)
        self._said = why


def event_of(session: Session) -> PodEntered:
    """Within bounds: who asks chooses every word."""
    words, ports = session.options.get("command"), session.options.get("ports")
    return PodEntered(
        0, 0, 0, 0, 0, 0, session.user[:LONGEST_WORD],
        call=_CALLS.get(session.sub_resource, ""),
        user=session.user[:LONGEST_WORD],
        command=tuple(str(one)[:LONGEST_WORD] for one in words[:MOST_WORDS]) if isinstance(words, list) else (),
        ports=tuple(one for one in ports[:MOST_WORDS] if isinstance(one, int)) if isinstance(ports, list) else (),
    )  # fmt: skip
