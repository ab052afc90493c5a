"""Who can reach cluster admin is a finding with a history, and known since when."""

import asyncio
from datetime import UTC, datetime

import pytest

from leadline.api.kinds.history import DayCounts
from leadline.api.kinds.scans import KnownAdmin, ScanOutcome, ScanRun
from leadline.errors import SourceError
from leadline.model.access import Access, AccessStep, Subject
from leadline.scans.stored.history.admins import record_admins, stored_admins
from leadline.scans.stored.history.days import CLUSTER, Place, record_day
from leadline.scans.stored.history.reading import asked_of, history
from leadline.scans.stored.scan_runs import record
from memory_store import MemoryStore

ALICE, BOB = Subject("User", "", "alice"), Subject("ServiceAccount", "shop", "bob")


def path(subject: Subject) -> Access:
    return Access(subject=subject, steps=(AccessStep("admin", f"{subject.title} is cluster admin"),))


async def look(store: MemoryStore, day: int, *subjects: Subject) -> tuple[KnownAdmin, ...]:
    at = f"2027-01-{day:02d}T08:00:00Z"
    admins = await record_admins(store, [path(one) for one in subjects], Place("leadline", at))
    await record(store, f"run-{day}", ScanRun(status=ScanOutcome("Succeeded", at, at, admins=admins)))
    return admins


def test_who_comes_after_the_first_look_is_known_since_then_and_the_history_keeps_who_went():
    async def run() -> None:
        store = MemoryStore()
        assert [(one.subject, one.since) for one in await look(store, 1, ALICE)] == [("User/alice", "")]
        both = await look(store, 2, ALICE, BOB)
        assert [(one.subject, one.since) for one in both] == [
            ("shop/ServiceAccount/bob", "2027-01-02T08:00:00Z"),
            ("User/alice", ""),
        ]
        assert both[0].how == "shop/ServiceAccount/bob is cluster admin"
        assert [one.since for one in await look(store, 3, BOB)] == ["2027-01-02T08:00:00Z"]
        # Who comes back is new again.
        assert {one.subject: one.since for one in await look(store, 4, ALICE, BOB)}[
            "User/alice"
        ] == "2027-01-04T08:00:00Z"
        found = await history(store, asked_of("", "2027-01-01", datetime(2027, 1, 5, tzinfo=UTC)))
        lives = {one.object: one for one in found.lives}
        assert {one.id for one in found.lives} == {"cluster-admin"}
        alice = next(one for name, one in lives.items() if "alice" in name)
        assert [(one.at[:10], one.state) for one in alice.changes] == [
            ("2027-01-01", "failed"),
            ("2027-01-03", "passed"),
            ("2027-01-04", "failed"),
        ]

    asyncio.run(run())


def test_the_history_of_cluster_admin_alone_is_that_of_who_can_reach_it():
    async def run() -> None:
        store = MemoryStore()
        asked = asked_of("Cluster-Admin", "2027-01-01", datetime(2027, 1, 5, tzinfo=UTC))
        with pytest.raises(SourceError, match="no history of finding cluster-admin is stored"):
            await history(store, asked)
        # A scan that did not look for them has found no one by that.
        at = "2027-01-01T07:00:00Z"
        await record(store, "run-0", ScanRun(status=ScanOutcome("Succeeded", at, at)))
        await record_day(store, CLUSTER, DayCounts("2027-01-01", at, 1), "leadline")
        with pytest.raises(SourceError, match="no scan that is stored looked for cluster admins"):
            await history(store, asked)
        await look(store, 1, ALICE, BOB)
        found = await history(store, asked)
        assert found.subject == "finding cluster-admin"
        assert sorted(one.object for one in found.lives) == ["User/alice", "shop/ServiceAccount/bob"]

    asyncio.run(run())


def test_those_of_a_store_are_an_answer_with_their_ways_and_since_when():
    async def run() -> None:
        store = MemoryStore()
        with pytest.raises(SourceError, match="no scan that is stored in kube looked for cluster admins"):
            await stored_admins(store, "kube")
        await look(store, 1, ALICE)
        await look(store, 2, ALICE, BOB)
        found = (await stored_admins(store, "kube")).found
        assert [(one.subject, one.since) for one in found] == [
            (BOB, "2027-01-02T08:00:00Z"),
            (ALICE, "the first look"),
        ]
        assert [one.steps for one in found] == [path(BOB).steps, path(ALICE).steps]

    asyncio.run(run())


def test_a_first_look_that_finds_no_one_is_a_look():
    async def run() -> None:
        store = MemoryStore()
        assert await look(store, 1) == ()
        assert [one.since for one in await look(store, 2, BOB)] == ["2027-01-02T08:00:00Z"]

    asyncio.run(run())


@pytest.mark.parametrize("number", [1_500])
def test_more_than_a_thousand_are_cut(number: int):
    async def run() -> None:
        store = MemoryStore()
        admins = await look(store, 1, *(Subject("User", "", f"u{one:05d}") for one in range(number)))
        assert len(admins) == 1_000

    asyncio.run(run())
