"""What the cluster and its store say reaches alerts: acceptances, own rules, and profiles of others of a revision. One part that fails costs no other."""

import asyncio
from collections.abc import Callable, Mapping

from replayed import SECOND, Replayed, started

from leadline.errors import ClusterError
from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, CallLearned, Executed
from leadline.model.profile import COMPLETE, ExecutedProgram, Profile
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.runtime.baseline import Baseline
from leadline.runtime.catalogue import all_rules
from leadline.scans.observing import following as following_module
from leadline.scans.observing.accepting import Accepting
from leadline.scans.observing.cluster_objects import MOST_RULES, ClusterObjects, OwnRules, compiled
from leadline.scans.observing.detecting import Detecting, chosen_rules
from leadline.scans.observing.following import Following
from leadline.scans.observing.observation import Observation, ObserveSettings
from leadline.scans.stored.behaviour import store_profile
from memory_store import MemoryStore

NAMED = {
    "namespace": "shop", "name": "main", "workload_kind": "Deployment", "workload": "web", "revision": "5d4f",
}  # fmt: skip
LEARNING_S = 100.0


class NotClosed(MemoryStore):
    async def close(self) -> None:
        pass


class Said(ClusterObjects):
    """Answers what a test lays out."""

    def __init__(self, *, fails: bool = False, rules: OwnRules | None = None) -> None:
        self._fails = fails
        self._own = rules or OwnRules()
        self.annotations: Mapping[str, str] = {}
        self.waivers: tuple[Waiver, ...] = ()
        self.closed = 0

    async def accepted(self) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
        if self._fails:
            raise ClusterError("HTTP 403")
        return self.waivers, ()

    async def rules(self) -> OwnRules:
        return self._own

    async def workload(self, container: Container) -> Resource | None:
        body = {"metadata": {"annotations": dict(self.annotations)}}
        return Resource("apps/v1", "Deployment", container.namespace, container.workload, body)

    async def close(self) -> None:
        self.closed += 1


class Node:
    """A node with one container of the Deployment web, which was just started."""

    def __init__(self) -> None:
        self.source = Replayed()
        named = lambda container: (Container(container.id, **NAMED), True)  # noqa: E731
        self.observation = Observation(self.source, ObserveSettings(), named)
        self.source.next = [started(1, 5, "new", FIRST_PROCESS)]
        self.accepting = Accepting(())
        self.detecting = Detecting(self.observation, all_rules(), 0.0, enrich=self.accepting)
        self.detecting.take(self.observation.read(1))

    def run(self, path: str) -> list[Alert]:
        head = (2 * SECOND, 5, hash(path) & 0xFFFF, 110, 100, 0, path.rpartition("/")[2][:15])
        event = Executed(*head, path=path, arguments=(path,), parent_exe_id=77)
        self.source.next = [event]
        return self.detecting.take(self.observation.read(2 * SECOND))


async def followed(following: Following, until: Callable[[], bool]) -> None:
    running = asyncio.ensure_future(following.run())
    async with asyncio.timeout(60):
        while not until():
            assert not running.done()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def of_another(**fields: object) -> Profile:
    values = {"since_s": 1000.0, "until_s": 1000.0 + LEARNING_S, **fields}
    return Profile(
        Container("old", **NAMED),
        COMPLETE,
        (),
        executed=(ExecutedProgram("/bin/sh", ("/bin/sh",)),),
        **values,
    )


def store_with(profile: Profile) -> NotClosed:
    store = NotClosed()
    asyncio.run(store_profile(store, profile, LEARNING_S, 1000.0 + LEARNING_S))
    return store


def test_a_new_pod_is_judged_by_what_others_of_its_revision_did():
    node = Node()
    assert node.run("/bin/before") == []
    store = store_with(of_another())
    following = Following(Said(), lambda: store, node.accepting, node.detecting, LEARNING_S)
    asyncio.run(followed(following, lambda: "new" in node.detecting.detector.baselines))
    node.detecting.tend(3.0)
    assert [one.id for one in node.detecting.begun] == ["new"]
    assert [one.rule for one in node.run("/bin/curious")] == ["R0001"]
    assert [one.rule for one in node.run("/bin/sh")] == []


def test_what_was_learned_for_too_short_a_time_says_nothing_of_others():
    node = Node()
    store = store_with(of_another(until_s=1010.0))
    said = Said()
    following = Following(said, lambda: store, node.accepting, node.detecting, LEARNING_S)
    asyncio.run(followed(following, lambda: bool(following._profiles_asked)))
    assert node.detecting.detector.baselines == {}
    assert said.closed == 1


def test_a_part_that_fails_costs_no_other():
    node = Node()
    own = compiled(
        [{"metadata": {"namespace": "shop", "name": "ours"}, "spec": {"rules": [RULE, {"id": "BAD"}]}}]
    )
    assert own.problems == ("Rules shop/ours: rule BAD has no expressions",)
    following = Following(Said(fails=True, rules=own), None, node.accepting, node.detecting, LEARNING_S)
    asyncio.run(followed(following, lambda: any(one.id == "SHOP-1" for one in node.detecting.detector.rules)))
    assert [one.rule for one in node.run("/usr/bin/make")] == ["SHOP-1"]


def test_rules_that_are_slow_do_not_begin_anew_until_the_rules_of_the_cluster_change(monkeypatch):
    monkeypatch.setattr(following_module, "LISTS_EVERY_S", 0.0)
    monkeypatch.setattr(following_module, "LOOK_EVERY_S", 0.0)
    node = Node()
    body = {"metadata": {"namespace": "shop", "name": "ours"}, "spec": {"rules": [RULE]}}
    said = Said(rules=compiled([body]))
    taken = []
    take_own = node.detecting.take_own
    monkeypatch.setattr(node.detecting, "take_own", lambda rules: (taken.append(rules), take_own(rules)))
    looks = []
    monkeypatch.setattr(node.accepting, "take_cluster", looks.append)
    following = Following(said, None, node.accepting, node.detecting, LEARNING_S)
    asyncio.run(followed(following, lambda: len(looks) > 5))
    assert len(taken) == 1
    said._own = compiled([body])
    asyncio.run(followed(following, lambda: len(taken) == 2))


RULE = {
    "id": "SHOP-1",
    "name": "Make ran",
    "severity": 5,
    "expressions": {
        "message": "event.comm + ' ran'",
        "ruleExpression": [{"eventType": "exec", "expression": "event.comm == 'make'"}],
    },
}


def test_an_own_rule_of_the_cluster_with_the_id_of_a_built_in_one_is_left_out():
    body = {
        "metadata": {"namespace": "kubescape", "name": "default"},
        "spec": {"rules": [RULE | {"id": "R1001"}]},
    }
    assert compiled([body]) == OwnRules()


def test_of_too_many_rules_each_namespace_keeps_its_share_and_the_number_is_named():
    many = {
        "metadata": {"namespace": "noisy", "name": "many"},
        "spec": {"rules": [RULE | {"id": f"N-{number}"} for number in range(450)]},
    }
    one = {"metadata": {"namespace": "shop", "name": "ours"}, "spec": {"rules": [RULE]}}
    own = compiled([many, many, many, one])
    assert len(own.rules) == MOST_RULES
    assert "SHOP-1" in {rule.id for rule in own.rules}
    assert own.problems == (
        "1,351 rules in all Rules objects: only 1,000 are used, of each namespace as many",
    )


def test_annotations_and_exceptions_of_the_cluster_accept_alerts_those_before_as_well(monkeypatch):
    monkeypatch.setattr(following_module, "LISTS_EVERY_S", 0.0)
    node = Node()
    (alert,) = node.run("/dev/shm/x")
    assert (alert.rule, alert.accepted) == ("R1000", None)
    said = Said()
    following = Following(said, None, node.accepting, node.detecting, LEARNING_S)
    said.annotations = {"leadline.dev/accept": "R1000", "leadline.dev/accept-reason": "unpacks there"}
    asyncio.run(followed(following, lambda: node.accepting.changes > 0))
    (accepted,) = node.detecting.grouping.review()
    assert accepted.accepted is not None
    assert (accepted.accepted.reason, accepted.accepted.source) == (
        "unpacks there", "leadline.dev/accept on shop/Deployment/web",
    )  # fmt: skip
    said.annotations = {}
    said.waivers = (
        Waiver(
            name="known", matches=(WaiverMatch(sort="controls", controls=("R1000",), namespaces=("shop",)),),
            kind="security exception", source="shop/SecurityException/known",
        ),
    )  # fmt: skip
    changes = node.accepting.changes
    asyncio.run(followed(following, lambda: node.accepting.changes > changes))
    asyncio.run(followed(following, lambda: node.accepting.changes > changes + 1))
    (accepted,) = node.detecting.grouping.review()
    assert accepted.accepted is not None
    assert accepted.accepted.waiver == "known"


def test_system_calls_are_events_while_a_rule_asks_about_them():
    node = Node()
    Detecting(node.observation, chosen_rules(), 0.0)
    call = CallLearned(3 * SECOND, 5, 77, 100, 1, 0, "sh", call="ptrace")
    node.source.next = [call]
    assert node.observation.read(3) == []
    rules = chosen_rules(("R0003",))
    detecting = Detecting(node.observation, rules, 0.0)
    profile = of_another()
    detecting.adopt(Container("new", **NAMED), Baseline(profile))
    node.source.next = [started(1, 5, "new", FIRST_PROCESS), call]
    alerts = detecting.take(node.observation.read(3))
    assert [(one.rule, one.message) for one in alerts if one.rule == "R0003"] == [
        ("R0003", "the system call ptrace was used for the first time")
    ]
