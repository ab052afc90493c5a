"""Alerts on their way to the store: written once it is there, with what is at stake, bounded while it is away."""

import asyncio
import contextlib
from collections.abc import Sequence

import orjson
from msgspec import structs

from leadline.api.protocol import Content, Entry, Put, Store
from leadline.api.selection import Key
from leadline.errors import StoreError
from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.scans.observing.alert_store import MOST_WAITING, AlertStore
from leadline.scans.stored.alerts import stored_alerts
from leadline.scans.stored.behaviour import profile_name
from memory_store import MemoryStore

WEB = Container("c1", name="main", namespace="shop", workload_kind="Deployment", workload="web")


def alert(id: str) -> Alert:
    return Alert(
        id=id, rule="R1001", title="Drifted", severity="high", message="x ran", container=WEB, program="/x", pid=1,
        first_s=1.9e9, last_s=1.9e9,
    )  # fmt: skip


def risk() -> Put:
    spec = {
        "object": {"namespace": "shop", "kind": "Deployment", "name": "web"},
        "score": 87.5,
        "sentence": "The internet reaches it, and it reads every Secret.",
    }
    body = orjson.dumps({"spec": spec})
    metadata = orjson.dumps({"name": "web", "namespace": "shop"})
    return Put(Key("workloadrisks", "shop", "web"), Content(metadata, body=body))


def flaws() -> Put:
    """What the operator keeps of a container: not all of it is in files that were loaded."""
    rows = [
        ("CVE-2022-3", "High", True), ("CVE-2022-2", "High", True), ("CVE-2022-1", "High", True),
        ("CVE-2022-9", "Critical", False), ("CVE-2022-8", "Critical", None), ("CVE-2021-44228", "Critical", True),
    ]  # fmt: skip
    artifact = {"name": "log4j-core", "version": "2.14.1"}
    matches = [
        {"vulnerability": {"id": id, "severity": severity}, "artifact": artifact}
        | ({} if is_loaded is None else {"relevant": is_loaded})
        for id, severity, is_loaded in rows
    ]
    name = profile_name(WEB)
    body = orjson.dumps({"spec": {"payload": {"matches": matches}}})
    metadata = orjson.dumps({"name": name, "namespace": "leadline"})
    return Put(Key("vulnerabilitymanifests", "leadline", name), Content(metadata, body=body))


class NotClosed(MemoryStore):
    async def close(self) -> None:
        pass


def test_alerts_are_written_and_know_what_is_at_stake_once_the_store_has_said_so():
    store = NotClosed()

    async def both() -> Alert:
        await store.put(risk())
        await store.put(flaws())
        kept = AlertStore(lambda: store, "node1", "leadline")
        kept.add([alert("a1")])
        running = asyncio.ensure_future(kept.run())
        while not await stored_alerts(store):
            await asyncio.sleep(0)
        running.cancel()
        return kept.stake(alert("a2"))

    staked = asyncio.run(both())
    assert staked.stake_score == 87.5
    assert staked.stake.startswith("The internet reaches it")
    expected = (
        "CVE-2021-44228 in log4j-core 2.14.1 (critical)",
        "CVE-2022-1 in log4j-core 2.14.1 (high)",
        "CVE-2022-2 in log4j-core 2.14.1 (high)",
    )
    assert staked.vulnerabilities == expected
    (stored,) = asyncio.run(stored_alerts(store))
    assert (stored.node, stored.vulnerabilities) == ("node1", expected)


def test_while_the_store_is_away_alerts_wait_and_those_beyond_are_counted():
    def away() -> Store:
        raise StoreError("away")

    kept = AlertStore(away, "node1")
    kept.add(alert(str(number)) for number in range(MOST_WAITING + 7))
    assert kept.dropped == 7
    assert kept.stake(alert("x")) == alert("x")


def test_who_makes_noise_while_the_store_is_away_costs_no_other_its_alerts():
    store = NotClosed()
    kept = AlertStore(lambda: store, "node1")
    other = Container("c2", name="main", namespace="bank", workload_kind="Deployment", workload="vault")
    kept.add(
        [structs.replace(alert("first"), container=other), structs.replace(alert("way-in"), rule="R0002")]
    )
    kept.add(alert(str(number)) for number in range(MOST_WAITING * 2))
    assert kept.dropped == MOST_WAITING + 2
    asyncio.run(kept.last())
    found = asyncio.run(stored_alerts(store))
    assert len(found) == MOST_WAITING
    assert {one.rule for one in found} == {"R1001", "R0002"}
    assert sum(one.container.namespace == "bank" for one in found) == 1


def test_an_alert_that_is_refused_again_and_again_holds_up_no_other():
    class Refusing(NotClosed):
        async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
            if any("-bad" in put.key.name for put in puts):
                raise StoreError("it is too large")
            return await super().put_all(puts)

    store = Refusing()
    kept = AlertStore(lambda: store, "node1")
    kept.add([alert("bad"), alert("a1")])

    async def tries() -> None:
        for _ in range(10):
            with contextlib.suppress(StoreError):
                await kept.last()

    asyncio.run(tries())
    assert len(asyncio.run(stored_alerts(store))) == 1
    assert kept.dropped == 1
