"""The agent's one loop: reads the ring twenty times a second or when it fills, tends its tables, ends without leftovers."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from leadline.backoff import backoff_s
from leadline.errors import ClusterError, StoreError
from leadline.model.alert import Alert
from leadline.model.profile import Profile
from leadline.programs.agent.answers import Answers, alert_metrics, metrics
from leadline.programs.serving.deadline import deadline
from leadline.programs.serving.pod import own_namespace
from leadline.scans.observing.accepting import Accepting
from leadline.scans.observing.detecting import Detecting, chosen_rules, facts_of
from leadline.scans.observing.lines import alert_line, event_line
from leadline.scans.observing.naming import Naming
from leadline.scans.observing.observation import Observation, ObserveSettings, Seen, open_source
from leadline.scans.observing.own_rules import own_rules
from leadline.scans.observing.profile_file import ProfileFile
from leadline.scans.waivers.waiving import waivers_of_files

if TYPE_CHECKING:
    from leadline.scans.observing.alert_store import AlertStore
    from leadline.scans.observing.storing import ProfileStore


class FaultyRules:
    def __init__(self) -> None:
        self._slow: set[str] = set()
        self._failed: set[str] = set()

    def name(self, slow: Mapping[str, str], failed: Mapping[str, str]) -> None:
        """Rules and why, as of now; own rules that were replaced are in neither."""
        for rule in sorted(slow.keys() - self._slow):
            log.warning("rule %s is too slow: %s", rule, slow[rule])
        for rule in sorted(failed.keys() - self._failed - slow.keys()):
            log.warning("rule %s failed on an event, and is asked on: %s", rule, failed[rule])
        self._slow, self._failed = set(slow), set(failed)


class Settings(Struct, frozen=True):
    json: bool = False
    """Every event as a line on standard output."""
    alerts: bool = True
    """Judge by rules, and print alerts as lines on standard output."""
    rule: tuple[str, ...] = ()
    """Rules that are off by themselves."""
    without_rule: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """Files of rules of one's own."""
    waivers: tuple[str, ...] = ()
    """Files of waivers, by which alerts are accepted too."""
    profiles: str = ""
    """File of the profiles: those in it are continued, and it is written once a minute and at the end."""
    every: bool = False
    """Everything, not only what a container does for the first time."""
    processes: bool = False
    host: bool = False
    others: bool = False
    seconds: float = 0.0
    """0: until it is asked to end."""
    environment: tuple[str, ...] = ()
    ring_bytes: int = 8 << 20
    file_budget: int = 400
    cri: str = "auto"
    """Socket of the container runtime, ``auto`` for the usual places, ``none``."""
    node: str = ""
    """Name of this node in a cluster; empty outside of one."""
    store: str = ""
    """``kube``: profiles go to the store of the cluster; empty: to none."""
    learning_hours: float = 24.0
    port: int = 0
    """For metrics and probes; 0 for none."""


log = logging.getLogger(__name__)
READ_EVERY_S = 0.05
IDLE_S = 0.2
"""Between two reads where the last one found nothing; a ring that fills wakes the loop."""
TEND_EVERY_S = 10.0
PROFILES_EVERY_S = 60.0
"""So much of a profile is lost at most when the agent is killed."""
STORE_EVERY_S = 60.0
"""As much of what a container did is missing in the store at most, when the agent is killed."""
GOODBYE_S = 15.0
"""So long the store has at the end."""
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 30.0
"""Between questions to a runtime or cluster that does not answer."""


async def serve(settings: Settings, out: BinaryIO) -> None:
    """Until a signal or ``settings.seconds``. Raises: ``SourceError`` where nothing can be watched."""
    observed = ObserveSettings(
        with_host=settings.host,
        with_repeats=settings.every,
        with_processes=settings.processes,
        with_others=settings.others,
        environment=frozenset(settings.environment),
        ring_bytes=settings.ring_bytes,
        file_budget=settings.file_budget,
        learns=settings.learning_hours > 0,
        learning_s=settings.learning_hours * 3600,
    )
    own = own_rules(settings.rules)
    rules = chosen_rules(settings.rule, settings.without_rule, own) if settings.alerts else ()
    accepting = Accepting(waivers_of_files(settings.waivers))
    kept = _opened_alerts(settings) if settings.alerts else None
    profiles = ProfileFile(settings.profiles) if settings.profiles else None
    before = profiles.read() if profiles is not None else []
    source = open_source(observed)
    off = source.probes.off
    naming = Naming(settings.cri, has_cluster=bool(settings.node))
    observation = Observation(source, observed, naming)
    if profiles is not None:
        observation.continue_with(before, profiles.written_s, booted_s())
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    for name, why in sorted(off.items()):
        log.info("%s is off: %s", name, why)
    log.info("watching, %d programs attached", len(source.probes.attached))
    if settings.cri not in ("auto", "none") and not Path(settings.cri).is_socket():
        log.warning("no socket at %s; containers have no names until a runtime listens there", settings.cri)
    detecting = Detecting(
        observation,
        rules,
        booted_s(),
        cluster=facts_of(os.environ),
        enrich=_enriching(accepting, kept),
        within=deadline,
    )
    taker = _Taker(settings, observation, detecting, profiles, out)
    taker.kept = kept
    taker.accepting = accepting
    store = _opened_store(settings)
    works = {"asking the runtime for names": _ask_runtime(naming)}
    if store is not None:
        works["storing profiles"] = _store_profiles(store, taker)
    if kept is not None:
        works["storing alerts"] = kept.run()
    if settings.node:
        works["following pods"] = _follow_pods(naming, settings.node)
    if settings.node and settings.alerts:
        works["following rules and acceptances"] = _follow_cluster(settings, accepting, detecting)
    chores = [asyncio.ensure_future(lasting(what, one)) for what, one in works.items()]
    asyncio.get_running_loop().add_reader(source.ring_fd, taker.read)
    try:
        async with contextlib.AsyncExitStack() as opened:
            if settings.port:
                answers = Answers(
                    lambda: (
                        "\n".join(
                            (
                                *metrics(observation, naming.failures, len(off)),
                                *alert_metrics(detecting, kept.dropped if kept is not None else 0),
                            )
                        )
                        + "\n"
                    ),
                    lambda: bool(source.probes.attached),
                )
                await opened.enter_async_context(await answers.serve(settings.port))
            await taker.run(ended)
    finally:
        asyncio.get_running_loop().remove_reader(source.ring_fd)
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        try:
            taker.end()
            if kept is not None:
                async with _goodbye("the last alerts are not stored", "the store"):
                    await kept.last()
            if store is not None:
                # Containers that were seen just before: what has no name is not stored.
                if naming.wanted:
                    async with _goodbye("the newest containers have no names", "the container runtime"):
                        naming.take(await asyncio.to_thread(naming.ask, dict(naming.wanted)))
                async with _goodbye("the last profiles are not stored", "the store"):
                    await store.write(taker.profiles(), time.time())
                    await store.close()
        finally:
            observation.close()


async def _ask_runtime(naming: Naming) -> None:
    """For as long as the agent runs. A runtime that does not answer is asked again, ever more seldom."""
    failures, said = 0, ""
    while True:
        await asyncio.sleep(READ_EVERY_S if naming.wanted else IDLE_S)
        if not naming.wanted:
            continue
        found = await asyncio.to_thread(naming.ask, dict(naming.wanted))
        naming.take(found)
        if naming.why and naming.why != said:
            log.warning("new containers have no names: %s", naming.why)
        elif said and not naming.why:
            log.info("the container runtime answers again")
        said = naming.why
        failures = 0 if found else failures + 1
        if failures:
            await asyncio.sleep(backoff_s(failures, FIRST_WAIT_S, LONGEST_WAIT_S))


async def _follow_pods(naming: Naming, node: str) -> None:
    from leadline.scans.observing.node_pods import NodePods  # brings an HTTP client

    failures, said = 0, ""
    while True:
        try:
            pods = NodePods(node, os.environ)
            try:
                await pods.follow(naming.take_pods)
            finally:
                await pods.close()
            failures, said = 0, ""
        except ClusterError as error:
            failures += 1
            # Without its hint, which is for scans; once, since it is asked again for as long as the agent runs.
            why = str(error.args[0])
            if why != said:
                log.warning("workloads of pods are not known: %s", why)
            said = why
        await asyncio.sleep(backoff_s(max(failures, 1), FIRST_WAIT_S, LONGEST_WAIT_S))


async def lasting(what: str, work: Coroutine[Any, Any, None]) -> None:
    """A fault of one part costs no other, and is said: without it that part would be missing in silence."""
    try:
        await work
    except Exception:
        log.exception("%s has ended by a fault of this program", what)


async def _follow_cluster(settings: Settings, accepting: Accepting, detecting: Detecting) -> None:
    from leadline.scans.observing.cluster_objects import ClusterObjects  # brings an HTTP client
    from leadline.scans.observing.following import Following
    from leadline.scans.observing.storing import cluster_store

    store = (lambda: cluster_store(os.environ)) if settings.store else None
    failures = 0
    while True:
        try:
            objects = ClusterObjects(os.environ)
            await Following(objects, store, accepting, detecting, settings.learning_hours * 3600).run()
        except ClusterError as error:
            failures += 1
            if failures == 1:
                log.warning("the cluster cannot be asked: %s", error.args[0])
        await asyncio.sleep(backoff_s(max(failures, 1), FIRST_WAIT_S, LONGEST_WAIT_S))


def _opened_store(settings: Settings) -> "ProfileStore | None":
    if not settings.store:
        return None
    from leadline.scans.observing.storing import profile_store  # brings an HTTP client

    return profile_store(os.environ, settings.learning_hours * 3600)


async def _store_profiles(store: "ProfileStore", taker: "_Taker") -> None:
    """For as long as the agent runs. What the store does not take is tried again."""
    said = ""
    while True:
        await asyncio.sleep(STORE_EVERY_S)
        why = ""
        try:
            await store.write(taker.profiles(), time.time())
        except (StoreError, ClusterError) as error:
            why = str(error.args[0])
        if why and why != said:
            log.warning("profiles are not stored: %s; tried again", why)
        said = why


@contextlib.asynccontextmanager
async def _goodbye(what: str, who: str) -> AsyncIterator[None]:
    """What is done at the end, which ``who`` may keep waiting for a while."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            yield
    except (StoreError, ClusterError, TimeoutError) as error:
        log.warning("%s: %s", what, str(error) or f"{who} did not answer in time")


def _opened_alerts(settings: Settings) -> "AlertStore | None":
    if not settings.store:
        return None
    from leadline.scans.observing.alert_store import AlertStore  # brings an HTTP client
    from leadline.scans.observing.storing import cluster_store

    return AlertStore(lambda: cluster_store(os.environ), settings.node, own_namespace())


def _enriching(accepting: Accepting, kept: "AlertStore | None") -> Callable[[Alert], Alert]:
    return accepting if kept is None else lambda alert: accepting(kept.stake(alert))


def booted_s() -> float:
    """When the node was started, since 1970."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class _Taker:
    def __init__(
        self,
        settings: Settings,
        observation: Observation,
        detecting: Detecting,
        profiles: ProfileFile | None,
        out: BinaryIO,
    ) -> None:
        self._settings = settings
        self._observation = observation
        self._detecting = detecting
        self._out = out
        self._started_s = booted_s()
        self._lost = 0
        self.kept: AlertStore | None = None
        """Where alerts are kept, in addition to standard output."""
        self.accepting: Accepting | None = None
        self._accepted = 0
        """Changes of what is accepted that are in the alerts by now."""
        self._faulty = FaultyRules()
        self._profiles = profiles

    def read(self) -> bool:
        """Whether there was something."""
        seen = self._observation.read(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        self._take(seen)
        return bool(seen)

    async def run(self, ended: asyncio.Event) -> None:
        begun = tended = written = time.monotonic()
        end = asyncio.ensure_future(ended.wait())
        while not end.done():
            now = time.monotonic()
            pause_s = READ_EVERY_S if self.read() else IDLE_S
            if now - tended >= TEND_EVERY_S:
                tended = now
                self._take(self._observation.tend())
                self._tend_alerts()
                self._warn()
            if now - written >= PROFILES_EVERY_S:
                written = now
                try:
                    self._write_profiles()
                except StoreError as error:
                    log.warning("%s; tried again in %.0f s", error, PROFILES_EVERY_S)
            if self._settings.seconds and now - begun >= self._settings.seconds:
                end.cancel()
                return
            await asyncio.wait((end,), timeout=pause_s)

    def end(self) -> None:
        """Everything that is still in the ring, and the profiles."""
        self.read()
        self._take(self._observation.flush())
        self._warn()
        self._write_profiles()

    def profiles(self) -> list[Profile]:
        """Of every container that is remembered, as of now."""
        return self._observation.profiles(self._started_s)

    def _write_profiles(self) -> None:
        if self._profiles is not None:
            self._profiles.write(self.profiles())

    def _take(self, seen: Sequence[Seen]) -> None:
        if self._settings.json and seen:
            program_of = self._observation.program_of
            for event, container in seen:
                at_s = self._started_s + event.at_ns / 1e9
                self._out.write(event_line(event, container, program_of(event.exe_id), at_s))
            self._out.flush()
        if self._settings.alerts:
            self._give(self._detecting.take(seen))

    def _give(self, alerts: Sequence[Alert]) -> None:
        if self.kept is not None:
            self.kept.add(alerts)
        for alert in alerts:
            self._out.write(alert_line(alert))
        if alerts:
            self._out.flush()

    def _tend_alerts(self) -> None:
        self._give(self._detecting.tend(time.time()))
        if self.accepting is not None and self.accepting.changes != self._accepted:
            self._accepted = self.accepting.changes
            self._give(self._detecting.grouping.review())
        for container in self._detecting.begun:
            name = container.name or container.id
            log.info("rules about what is new begin with %s: its profile is complete", name)
        detector = self._detecting.detector
        self._faulty.name(detector.slow, detector.why)

    def _warn(self) -> None:
        counts = self._observation.counts()
        lost = {kind: row["lost"] for kind, row in counts.items() if row.get("lost")}
        if sum(lost.values()) > self._lost:
            self._lost = sum(lost.values())
            said = ", ".join(f"{number:,} of {kind}" for kind, number in sorted(lost.items()))
            log.warning("records lost since the start, the ring was full: %s", said)
