"""Each alert is sent once and its end once, to every receiver, whatever is away or restarted meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from scanned import image

from leadline.api.posture_results import SUMMARIES
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.errors import StoreError
from leadline.outputs.alerts.protocol import DeliveryError, Group
from leadline.programs.exporter.alert_settings import Allowed, Thresholds
from leadline.programs.exporter.alert_state import KEPT_S, MOST_ENDED, AlertState
from leadline.programs.exporter.alerting import Alerting, Named, Pace
from leadline.programs.exporter.results import Results
from leadline.programs.serving.following import Follower
from leadline.scans.stored.image_results import RunningContainer
from leadline.scans.stored.store_images import store_image
from memory_store import MemoryStore

PACE = Pace(look_s=0.01, settle_s=0.0, again_s=10, longest_s=40, lost_s=60)
NONE_CRITICAL = Thresholds(workloads=Allowed(controls={"critical": 0}), new_critical=False, unread=None)


class Listener:
    """A receiver that may be away."""

    def __init__(self, repeats_s: float | None = None) -> None:
        self.repeats_s = repeats_s
        self.is_away = False
        self.got: list[tuple[str, str]] = []
        """The workload, and what of it."""
        self.clusters: set[str | None] = set()
        """That the last message named."""
        self.messages = 0

    async def send(self, group: Group, now_s: float) -> None:
        if self.is_away:
            raise DeliveryError("away")
        self.messages += 1
        self.clusters = {dict(alert.labels).get("cluster") for alert in group.alerts}
        for alert in group.alerts:
            self.got.append(
                (dict(alert.labels).get("workload", alert.name), "firing" if alert.is_firing else "over")
            )


class Known(Follower):
    """Results that are put there by the test."""

    def __init__(self, results: Results) -> None:
        super().__init__(results, MemoryStore)
        self.is_there = True

    @property
    def is_fresh(self) -> bool:
        return self.is_there


class Scene:
    """One exporter's alerts with the clock in the hands of the test; ``restart`` is a new process over the same file."""

    def __init__(self, folder: Path, *listeners: Listener, thresholds: Thresholds = NONE_CRITICAL) -> None:
        self.file = folder / "state.json"
        self.listeners = listeners
        self.now_s = 1_000_000.0
        self.results = Results(())
        self.follower = Known(self.results)
        self._thresholds = thresholds
        self.restart()

    def restart(self) -> None:
        if hasattr(self, "state"):
            self.state.close()
        self.state = AlertState(self.file)
        named = [Named(f"listener {number}", one) for number, one in enumerate(self.listeners)]
        watched = (self.results, self.follower)
        self.alerting = Alerting(
            watched, self._thresholds, self.state, named, pace=PACE, clock=lambda: self.now_s
        )

    def set(self, *workloads: str) -> None:
        """Those that fail a critical control; all others are gone."""
        filling = self.results.posture.anew()
        for name in workloads:
            metadata = b'{"name":"%s","labels":{"kubescape.io/workload-name":"%s"}}' % (
                name.encode(),
                name.encode(),
            )
            put = Put(
                Key(SUMMARIES, "shop", name),
                Content(metadata, body=b'{"spec":{"severities":{"critical":1}}}'),
            )
            filling.put(asyncio.run(MemoryStore().put(put)))
        self.results.posture.become(filling)

    def turn(self, passed_s: float = 1.0) -> None:
        self.now_s += passed_s

        async def once() -> None:
            self.alerting.look()
            for receiver in self.alerting.receivers:
                await self.alerting.deliver(receiver)

        asyncio.run(once())


Begin = Callable[..., Scene]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Scenes whose files are closed at the end."""
    scenes: list[Scene] = []

    def begun(*listeners: Listener, thresholds: Thresholds = NONE_CRITICAL) -> Scene:
        scenes.append(Scene(tmp_path, *listeners, thresholds=thresholds))
        return scenes[-1]

    yield begun
    for scene in scenes:
        scene.state.close()


def test_an_alert_is_sent_once_and_its_end_once(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    scene.set("web")
    for _ in range(5):
        scene.turn()
    assert listener.got == [("web", "firing")]
    scene.set("web", "pay")
    scene.turn()
    scene.set("pay")
    for _ in range(3):
        scene.turn()
    assert listener.got == [("web", "firing"), ("pay", "firing"), ("web", "over")]
    scene.set("web")
    scene.turn()
    assert sorted(listener.got[3:]) == [("pay", "over"), ("web", "firing")]
    assert scene.alerting.firing == 1


def test_a_restart_neither_repeats_nor_loses(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    scene.set("web", "pay")
    scene.turn()
    scene.set("web", "new")
    scene.restart()
    scene.turn()
    assert sorted(listener.got) == [("new", "firing"), ("pay", "firing"), ("pay", "over"), ("web", "firing")]


def test_a_restart_before_the_store_is_read_ends_nothing(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    scene.set("web")
    scene.turn()
    scene.restart()
    scene.follower.is_there = False
    scene.set()
    scene.turn()
    assert listener.got == [("web", "firing")]


def test_a_receiver_that_is_away_gets_all_of_it_later_and_holds_up_no_other(begin: Begin):
    here, away = Listener(), Listener()
    away.is_away = True
    scene = begin(here, away)
    scene.set("web", "pay")
    scene.turn()
    scene.set("web")
    scene.turn()
    assert sorted(here.got) == [("pay", "firing"), ("pay", "over"), ("web", "firing")]
    away.is_away = False
    scene.turn()
    assert away.got == []
    scene.restart()
    scene.turn()
    assert sorted(away.got) == [("pay", "over"), ("web", "firing")]


def test_a_receiver_that_fails_is_asked_less_and_less(begin: Begin):
    away = Listener()
    away.is_away = True
    scene = begin(away)
    scene.set("web")
    times = []
    for _ in range(200):
        before = scene.alerting.receivers[0].failures
        scene.turn()
        if scene.alerting.receivers[0].failures > before:
            times.append(scene.now_s)
    assert [round(b - a) for a, b in pairwise(times)] == [10, 20, 40, 40, 40, 40]


def test_what_waits_for_a_receiver_is_bounded(begin: Begin):
    away = Listener()
    away.is_away = True
    scene = begin(away)
    for start in range(0, 3 * MOST_ENDED, 400):
        scene.set(*(f"w{number}" for number in range(start, start + 400)))
        scene.turn(1_000)
    assert len(scene.state.alerts) <= MOST_ENDED + 400
    assert scene.alerting.dropped > 0
    scene.set()
    scene.turn()
    scene.turn(KEPT_S + 1)
    scene.turn(1_000)
    assert scene.state.alerts == []


def test_who_wants_repeats_gets_what_fires_again_and_no_end_twice(begin: Begin):
    listener = Listener(repeats_s=60)
    scene = begin(listener)
    scene.set("web", "pay")
    scene.turn()
    scene.turn()
    assert len(listener.got) == 2
    scene.set("web")
    scene.turn(60)
    scene.turn()
    assert sorted(listener.got[2:]) == [("pay", "over"), ("web", "firing")]


def test_an_end_comes_before_the_next_beginning(begin: Begin):
    listener = Listener(repeats_s=60)
    scene = begin(listener)
    scene.set("web")
    scene.turn()
    listener.is_away = True
    scene.set()
    scene.turn()
    scene.set("web")
    scene.turn()
    listener.is_away = False
    scene.turn(100)
    assert listener.got == [("web", "firing"), ("web", "over"), ("web", "firing")]


def test_while_the_store_is_away_nothing_ends_and_that_is_an_alert(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    scene.set("web")
    scene.turn()
    scene.follower.is_there = False
    scene.set()
    scene.turn(30)
    assert listener.got == [("web", "firing")]
    scene.turn(60)
    assert listener.got[1:] == [("LeadlineStoreLost", "firing")]
    scene.follower.is_there = True
    scene.turn()
    assert sorted(listener.got[2:]) == [("LeadlineStoreLost", "over"), ("web", "over")]


def test_critical_vulnerabilities_that_were_there_first_are_not_new(begin: Begin):
    listener = Listener()
    thresholds = Thresholds(exploited=False, unread=None)
    scene = begin(listener, thresholds=thresholds)

    def found(*ids: str) -> None:
        async def stored() -> None:
            store = MemoryStore()
            container = RunningContainer("Deployment", "web", "shop", "main")
            await store_image(store, image("nginx", *((id, "critical") for id in ids)), [container])
            for kind in (scene.results.containers, scene.results.images):
                filling = kind.anew()
                for key in list(store._live):
                    entry = await store.get(key)
                    if entry and key.plural == kind.plural:
                        filling.put(entry)
                kind.become(filling)  # type: ignore[arg-type]

        asyncio.run(stored())

    found("CVE-1", "CVE-2")
    scene.turn()
    assert listener.got == []
    scene.restart()
    found("CVE-1", "CVE-3")
    scene.turn()
    assert listener.got == [("web", "firing")]
    scene.restart()
    found("CVE-1", "CVE-2", "CVE-3")
    scene.turn()
    assert listener.got == [("web", "firing"), ("web", "firing")]


def test_alerts_about_one_workload_are_one_message(begin: Begin):
    listener = Listener()
    both = Thresholds(workloads=Allowed(controls={"critical": 0, "high": 0}), new_critical=False, unread=None)
    scene = begin(listener, thresholds=both)
    metadata = b'{"labels":{"kubescape.io/workload-name":"web"}}'
    body = b'{"spec":{"severities":{"critical":1,"high":2}}}'
    entry = asyncio.run(MemoryStore().put(Put(Key(SUMMARIES, "shop", "web"), Content(metadata, body=body))))
    scene.results.posture.put(entry)
    scene.turn()
    assert (len(listener.got), listener.messages) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"{", b'{"version":1,"alerts":[1]}', b"\xff" * 100])
def test_a_damaged_state_is_put_aside_and_alerts_are_sent_again(tmp_path: Path, begin: Begin, content: bytes):
    (tmp_path / "state.json").write_bytes(content)
    listener = Listener()
    scene = begin(listener)
    scene.set("web")
    scene.turn()
    assert listener.got == [("web", "firing")]
    assert (tmp_path / "state.json.damaged").read_bytes() == content


def test_a_state_that_cannot_be_kept_is_refused(tmp_path: Path):
    held = AlertState(tmp_path / "state.json")
    with pytest.raises(StoreError, match="in use by another process"):
        AlertState(tmp_path / "state.json")
    held.close()
    AlertState(tmp_path / "state.json").close()
    with pytest.raises(StoreError, match="cannot write"):
        AlertState(tmp_path / "missing" / "state.json")
    (tmp_path / "later.json").write_text('{"version":2}')
    with pytest.raises(StoreError, match="later version"):
        AlertState(tmp_path / "later.json")


def test_it_runs_by_itself(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    scene.set("web")

    async def until_heard(wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not wanted():
                await asyncio.sleep(0)

    async def scenario() -> Awaitable[None] | None:
        running = asyncio.ensure_future(scene.alerting.run())
        await until_heard(lambda: listener.got == [("web", "firing")])
        scene.results.posture.become(scene.results.posture.anew())
        await until_heard(lambda: listener.got[1:] == [("web", "over")])
        running.cancel()
        return None

    asyncio.run(scenario())


def test_with_the_name_of_a_cluster_every_alert_says_it_and_is_still_sent_once(begin: Begin):
    listener = Listener()
    scene = begin(listener)
    watched = (scene.results, scene.follower)
    named = [Named("listener 0", listener)]
    scene.alerting = Alerting(
        watched, NONE_CRITICAL, scene.state, named, cluster="north", pace=PACE, clock=lambda: scene.now_s
    )
    scene.set("web")
    scene.turn()
    scene.turn()
    assert listener.clusters == {"north"}
    scene.set()
    scene.turn()
    assert listener.got == [("web", "firing"), ("web", "over")]
