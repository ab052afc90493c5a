"""Alerts in a store: written with their count, read newest first, bounded in time; what a waiver accepts says so."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from msgspec.structs import replace

from leadline.model.alert import Accepted, Alert, Process
from leadline.model.container import Container
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.scans.observing.accepting import Accepting
from leadline.scans.stored import alerts as alerts_module
from leadline.scans.stored.alerts import (
    MOST_KEPT,
    Forgotten,
    LeftOut,
    add_alert,
    alert_lines,
    alert_put,
    chosen_alerts,
    followed_alerts,
    forget_alerts,
    left_out,
    store_alerts,
    stored_alerts,
)
from memory_store import MemoryStore

WEB = Container(
    "c1", name="main", namespace="shop", workload_kind="Deployment", workload="web", image="shop/web:1"
)


def alert(**fields: object) -> Alert:
    values = {
        "id": "a1", "rule": "R1001", "title": "Drifted process executed", "severity": "high", "message": "/tmp/x ran",
        "container": WEB, "program": "/tmp/x", "pid": 9, "first_s": 1_900_000_000.0, "last_s": 1_900_000_000.0,
        "chain": (Process(9, 1, "/tmp/x", ("/tmp/x", "-o"), is_upper=True), Process(1, 0, "/app", ("app",))),
        "first": ("Save the file.",),
    }  # fmt: skip
    return Alert(**(values | fields))


def test_an_alert_is_stored_once_with_its_last_count():
    store = MemoryStore()
    asyncio.run(store_alerts(store, [alert(), alert(count=7, last_s=1_900_000_060.0)], "node1"))
    (found,) = asyncio.run(stored_alerts(store))
    assert (found.count, found.node) == (7, "node1")
    assert (found.first_seen, found.last_seen) == ("2030-03-17T17:46:40Z", "2030-03-17T17:47:40Z")
    text = "\n".join(alert_lines(found, 100, shows_all=True))
    assert "shop/Deployment/web (main), 7 times" in text
    assert "by 9 /tmp/x -o (not of the image)" in text
    assert "1. Save the file." in text


@pytest.mark.parametrize(
    ("rule", "name", "label"),
    [
        ("R1001", "r1001-a1", "R1001"),
        ("Our_rule: no make!", "our-rule-no-make-a1", "Our_rule-no-make"),
        ("\u2603", "rule-a1", "rule"),
        ("x" * 300, "x" * 63 + "-a1", "x" * 63),
    ],
)
def test_a_rule_may_be_called_as_its_user_likes(rule: str, name: str, label: str):
    """The server of results refuses other names, and the alert would be printed alone."""
    put = alert_put(alert(rule=rule))
    assert put.key.name == name
    assert orjson.loads(put.content.metadata)["labels"]["leadline.dev/rule"] == label


def test_old_alerts_are_forgotten():
    store = MemoryStore()
    asyncio.run(store_alerts(store, [alert(), alert(id="a2", last_s=1_900_000_000.0 + 20 * 86_400)]))
    now = datetime.fromtimestamp(1_900_000_000, UTC) + timedelta(days=31)
    assert asyncio.run(forget_alerts(store, now)) == Forgotten(old=1, too_many=0)
    assert len(asyncio.run(stored_alerts(store))) == 1


def test_noise_in_one_namespace_costs_no_other_its_evidence():
    store = MemoryStore()
    noisy = replace(WEB, namespace="noisy")
    later = 1_900_000_000.0 + 3600
    noise = [alert(id=f"n{number}", container=noisy, last_s=later + number) for number in range(MOST_KEPT)]
    asyncio.run(store_alerts(store, [alert(), *noise]))
    assert asyncio.run(forget_alerts(store, datetime.fromtimestamp(later, UTC))) == Forgotten(0, 1)
    found = asyncio.run(stored_alerts(store))
    assert found[-1].container.namespace == "shop"
    assert len(found) == MOST_KEPT


def test_noise_of_one_rule_costs_no_other_rule_of_a_workload_its_evidence():
    store = MemoryStore()
    later = 1_900_000_000.0 + 3600
    noise = [alert(id=f"n{number}", last_s=later + number) for number in range(MOST_KEPT + 5)]
    asyncio.run(store_alerts(store, [alert(rule="R1002"), *noise]))
    assert asyncio.run(forget_alerts(store, datetime.fromtimestamp(later, UTC))) == Forgotten(0, 6)
    assert asyncio.run(stored_alerts(store))[-1].rule == "R1002"


def test_nothing_that_others_wrote_moves_the_cursor():
    store = MemoryStore()
    evil = "x\x1b[2Jy\u202e\n"
    container = Container(
        evil, name=evil, namespace="shop", workload_kind=evil, workload=evil, image=evil, pod=evil
    )
    hostile = alert(
        message=evil, container=container, program=evil, chain=(Process(9, 1, evil, (evil,)),), first=(evil,), others=(evil,),
        stake=evil, vulnerabilities=(evil,), title=evil, accepted=Accepted(evil, evil, evil),
    )  # fmt: skip
    asyncio.run(store_alerts(store, [hostile]))
    (found,) = asyncio.run(stored_alerts(store))
    text = "".join(alert_lines(found, 100, shows_all=True))
    assert not [one for one in text if not one.isprintable()]


def is_accepted(**match: object) -> bool:
    waiver = Waiver(name="known", matches=(WaiverMatch(**match),), reason="built at the start")
    return Accepting([waiver])(alert()).accepted is not None


def test_one_waiver_holds_for_an_alert_as_for_a_finding():
    assert is_accepted(controls=("R1001",), namespaces=("shop",), names=("web",))
    assert is_accepted(controls=("Drifted process executed",), kinds=("Deployment",))
    assert is_accepted(controls=("r1001",), images=("shop/*",))
    assert not is_accepted(controls=("R1005",))
    assert not is_accepted(controls=("R1001",), namespaces=("other",))
    assert not is_accepted(vulnerabilities=("CVE-2024-1000",))


def test_a_waiver_that_has_expired_accepts_nothing():
    waiver = Waiver(
        name="known", matches=(WaiverMatch(controls=("R1001",)),), reason="x", expires="2020-01-01"
    )
    assert Accepting([waiver])(alert()).accepted is None


def test_what_is_accepted_is_shown_where_it_is_asked_for():
    store = MemoryStore()
    waiver = Waiver(name="known", matches=(WaiverMatch(controls=("R1001",), names=("web",)),), reason="x")
    accepted = Accepting([waiver])(alert())
    asyncio.run(store_alerts(store, [accepted, alert(id="a2", severity="low")]))
    found = asyncio.run(stored_alerts(store))
    assert [one.severity for one in chosen_alerts(found)] == ["low"]
    assert len(chosen_alerts(found, shows_accepted=True)) == 2
    assert chosen_alerts(found, severity="high") == []
    assert chosen_alerts(found, namespace="other") == []
    assert left_out(found) == LeftOut(accepted=1, others=0)
    assert left_out(found, shows_accepted=True) == LeftOut(0, 0)
    assert left_out(found, severity="high") == LeftOut(1, 1)
    assert left_out(found, namespace="other") == LeftOut(0, 2)


def test_an_alert_that_begins_anew_is_followed_as_one_that_comes_again(monkeypatch):
    monkeypatch.setattr(alerts_module, "FOLLOW_S", 0.0)

    async def follow() -> list[tuple[int, str]]:
        store = MemoryStore()
        found: list[tuple[int, str]] = []
        followed = followed_alerts(store)
        for count, after_s in ((1, 0), (2, 60), (1, 7200)):
            await store_alerts(store, [alert(count=count, last_s=1_900_000_000.0 + after_s)])
            one = await asyncio.wait_for(anext(followed), 10)
            found.append((one.count, one.last_seen))
        await store_alerts(store, [alert(last_s=1_900_000_000.0 + 14_400)])
        one = await asyncio.wait_for(anext(followed), 10)
        return [*found, (one.count, one.last_seen)]

    assert asyncio.run(follow()) == [
        (1, "2030-03-17T17:46:40Z"),
        (2, "2030-03-17T17:47:40Z"),
        (1, "2030-03-17T19:46:40Z"),
        (1, "2030-03-17T21:46:40Z"),
    ]


def test_what_two_nodes_see_of_a_workload_is_one_alert_with_the_sum_of_their_counts():
    store = MemoryStore()

    async def both() -> None:
        await add_alert(store, alert(count=2), "node1")
        await add_alert(store, alert(count=3, message="/tmp/y ran", first_s=1_900_000_060.0), "node2")
        # The first goes on: two of its five are stored already.
        await add_alert(store, alert(count=5, last_s=1_900_000_120.0), "node1", written=2)

    asyncio.run(both())
    (found,) = asyncio.run(stored_alerts(store))
    assert (found.count, found.message, found.others) == (8, "/tmp/x ran", ("/tmp/y ran",))
    assert (found.first_seen, found.last_seen) == ("2030-03-17T17:46:40Z", "2030-03-17T17:48:40Z")
    asyncio.run(add_alert(store, alert(first_s=1_900_010_000.0, last_s=1_900_010_000.0), "node1"))
    (anew,) = asyncio.run(stored_alerts(store))
    assert anew.count == 1
