"""Results are written where they differ, and failures keep the date on which they were first seen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from leadline.api.posture_results import OBJECT, SCANS
from leadline.api.protocol import Content, EndingError, Entry, Put
from leadline.api.selection import Key
from leadline.scans.stored.history.lives import HISTORIES
from leadline.scans.stored.result_writer import FIRST_SEEN, TIMESTAMP, ResultWriter
from memory_store import MemoryStore

KEY = Key(SCANS, "shop", "pod-a")
MONDAY, TUESDAY, WEDNESDAY = (f"2027-03-0{day}T00:00:00Z" for day in (1, 2, 3))


def put(at: str, key: Key = KEY, **statuses: str) -> Put:
    controls = {
        id: {"controlID": id, "severity": {"severity": "High"}, "status": {"status": status}}
        for id, status in statuses.items()
    }
    metadata = {"name": key.name, "annotations": {TIMESTAMP: at, OBJECT: "{}"}}
    return Put(key, Content(orjson.dumps(metadata), body=orjson.dumps({"spec": {"controls": controls}})))


async def controls(store: MemoryStore, key: Key = KEY) -> Any:
    entry = await store.get(key)
    assert entry is not None
    return orjson.loads(entry.content.body)["spec"]["controls"]


def run(scenario: Callable[[MemoryStore, ResultWriter], Awaitable[None]]) -> None:
    async def started() -> None:
        store = MemoryStore()
        writer = ResultWriter(store)
        await writer.learn()
        await scenario(store, writer)

    asyncio.run(started())


def test_what_is_there_already_is_not_written_again():
    async def scenario(store: MemoryStore, writer: ResultWriter) -> None:
        await writer.write([put(MONDAY, A="failed")], at=MONDAY)
        revision = store.revision
        await writer.write([put(TUESDAY, A="failed")], at=TUESDAY)
        other = ResultWriter(store)
        await other.learn()
        await other.write([put(TUESDAY, A="failed")], at=TUESDAY)
        assert store.revision == revision
        await other.write([put(TUESDAY, A="passed")], at=TUESDAY)
        # The result, and its history.
        assert store.revision == revision + 2

    run(scenario)


def test_a_failure_is_dated_from_when_it_began_and_anew_after_it_had_passed():
    async def scenario(store: MemoryStore, writer: ResultWriter) -> None:
        await writer.write([put(MONDAY, A="failed", B="passed")], at=MONDAY)
        await writer.write([put(TUESDAY, A="failed", B="failed")], at=TUESDAY)
        found = await controls(store)
        assert (found["A"][FIRST_SEEN], found["B"][FIRST_SEEN]) == (MONDAY, TUESDAY)
        await writer.write([put(WEDNESDAY, A="passed", B="failed")], at=WEDNESDAY)
        found = await controls(store)
        assert FIRST_SEEN not in found["A"]
        assert found["B"][FIRST_SEEN] == TUESDAY
        await writer.write([put(WEDNESDAY, A="failed", B="failed")], at=WEDNESDAY)
        assert (await controls(store))["A"][FIRST_SEEN] == WEDNESDAY

    run(scenario)


def test_a_failure_that_was_stored_without_a_date_has_that_of_its_result():
    async def scenario(store: MemoryStore, writer: ResultWriter) -> None:
        await store.put(put(MONDAY, A="failed"))
        await writer.learn()
        await writer.write([put(TUESDAY, A="failed", B="passed")], at=TUESDAY)
        assert (await controls(store))["A"][FIRST_SEEN] == MONDAY

    run(scenario)


def test_what_someone_else_wrote_meanwhile_is_replaced_with_its_dates():
    async def scenario(store: MemoryStore, writer: ResultWriter) -> None:
        await ResultWriter(store).write([put(MONDAY, A="failed")], at=MONDAY)
        await writer.write([put(TUESDAY, A="failed", B="failed")], at=TUESDAY)
        found = await controls(store)
        assert (found["A"][FIRST_SEEN], found["B"][FIRST_SEEN]) == (MONDAY, TUESDAY)

    run(scenario)


def test_results_about_kinds_that_may_not_be_read_are_not_beyond():
    async def scenario(store: MemoryStore, writer: ResultWriter) -> None:
        def labelled(name: str, labels: dict[str, str]) -> Put:
            one = put(MONDAY, Key(SCANS, "shop", name), A="passed")
            whole = orjson.loads(one.content.metadata) | {"labels": labels}
            return Put(one.key, Content(orjson.dumps(whole), body=one.content.body))

        pod = {"kubescape.io/workload-kind": "Pod"}
        ingress = {
            "kubescape.io/workload-kind": "Ingress",
            "kubescape.io/workload-api-group": "networking.k8s.io",
        }
        joined = {"kubescape.io/workload-kind": "ServiceAccount", "kubescape.io/rbac-resource": "true"}
        people = {"kubescape.io/workload-kind": "Pod", "kubescape.io/managed-by": "User"}
        rows = {"p": pod, "i": ingress, "j": joined, "u": people}
        await store.put_all([labelled(name, labels) for name, labels in rows.items()])
        await writer.learn()

        def beyond(*unread: str) -> list[str]:
            return sorted(key.name for key in writer.beyond(set(), set(unread)))

        assert beyond() == ["i", "j", "p"]
        assert beyond("Pod") == ["i", "j"]
        assert beyond("Ingress.networking.k8s.io", "ClusterRole.rbac.authorization.k8s.io") == ["p"]

    run(scenario)


class CountingStore(MemoryStore):
    """Counts what it is asked for by name."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Key] = []

    async def get(self, key: Key) -> Any:
        # A history is read where it goes on.
        if key.plural != HISTORIES:
            self.asked.append(key)
        return await super().get(key)


def test_what_was_learnt_or_written_is_replaced_without_being_asked_for():
    async def scenario() -> None:
        store = CountingStore()
        first = ResultWriter(store)
        await first.learn()
        await first.write([put(MONDAY, A="failed", B="failed", C="passed")], at=MONDAY)
        await first.write([put(TUESDAY, A="failed", B="passed", C="failed")], at=TUESDAY)
        second = ResultWriter(store)
        await second.learn()
        await second.write([put(WEDNESDAY, A="failed", B="failed", C="failed")], at=WEDNESDAY)
        assert store.asked == []
        found = await controls(store)
        assert [found[id][FIRST_SEEN] for id in "ABC"] == [MONDAY, WEDNESDAY, TUESDAY]

    asyncio.run(scenario())


def test_what_someone_else_changed_after_it_was_known_is_asked_for_once_and_nothing_of_it_stays_but_dates():
    async def scenario() -> None:
        store = CountingStore()
        writer, other = ResultWriter(store), ResultWriter(store)
        await writer.learn()
        await writer.write([put(MONDAY, A="failed")], at=MONDAY)
        await other.learn()
        await other.write([put(TUESDAY, A="failed", B="failed", OLD="failed")], at=TUESDAY)
        await writer.write([put(WEDNESDAY, A="failed", B="failed", C="failed")], at=WEDNESDAY)
        assert store.asked == [KEY]
        found = await controls(store)
        assert {id: result[FIRST_SEEN] for id, result in found.items()} == {
            "A": MONDAY,
            "B": TUESDAY,
            "C": WEDNESDAY,
        }

    asyncio.run(scenario())


def test_a_namespace_that_is_being_deleted_keeps_no_result_of_others_out():
    class Ending(MemoryStore):
        async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
            gone = next((one.key.namespace for one in puts if one.key.namespace in ("old", "older")), "")
            if gone:
                raise EndingError(gone, f"namespace {gone} is being terminated")
            return await super().put_all(puts)

    async def scenario() -> None:
        store = Ending()
        writer = ResultWriter(store)
        await writer.learn()
        kept = [put(MONDAY, Key(SCANS, "shop", f"pod-{number}"), A="failed") for number in range(3)]
        lost = [put(MONDAY, Key(SCANS, name, "pod-x"), A="failed") for name in ("old", "older")]
        keys = await writer.write([lost[0], kept[0], lost[1], *kept[1:]], at=MONDAY)
        assert keys == [one.key for one in kept]
        assert writer.ending == {"old", "older"}
        for one in kept:
            assert (await controls(store, one.key))["A"]["status"]["status"] == "failed"
        await writer.write([put(TUESDAY, A="failed")], at=TUESDAY)
        assert writer.ending == set()

    asyncio.run(scenario())
