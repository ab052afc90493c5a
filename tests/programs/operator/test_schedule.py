"""When scans are due."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from leadline.api.protocol import Content, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import UsageError
from leadline.programs.operator.schedule import SCHEDULES, Schedule, Schedules, due, next_after
from leadline.programs.serving.cron import check
from leadline.scans.stored.scan_runs import RUNS
from memory_store import MemoryStore

NOW = datetime(2027, 3, 1, 12, 0, 30, tzinfo=UTC)
"""A Monday."""


@pytest.mark.parametrize(
    ("expression", "zone", "since", "expected"),
    [
        ("0 12 * * *", "UTC", NOW - timedelta(hours=1), datetime(2027, 3, 1, 12, tzinfo=UTC)),
        ("0 12 * * *", "UTC", datetime(2027, 3, 1, 12, tzinfo=UTC), None),
        ("1 12 * * *", "UTC", NOW - timedelta(hours=1), None),
        ("0 13 * * *", "Europe/Berlin", NOW - timedelta(hours=1), datetime(2027, 3, 1, 12, tzinfo=UTC)),
        # Of four days that were missed the last is made up for.
        ("0 3 * * *", "UTC", NOW - timedelta(days=4), datetime(2027, 3, 1, 3, tzinfo=UTC)),
        ("0 3 * * SUN", "UTC", NOW - timedelta(days=4), datetime(2027, 2, 28, 3, tzinfo=UTC)),
    ],
)
def test_what_is_due(expression: str, zone: str, since: datetime, expected: datetime | None):
    assert due(Schedule("a", expression, since, zone), NOW) == expected


def test_what_comes_next():
    assert next_after(Schedule("a", "0 3 * * *", NOW), NOW) == datetime(2027, 3, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("", "UTC"),
        ("every day", "UTC"),
        ("99 * * * *", "UTC"),
        ("0 3 * * *", "Mars/Base"),
        ("0 3 * * *", "../x"),
    ],
)
def test_what_has_no_meaning_is_refused(expression: str, zone: str):
    with pytest.raises(UsageError):
        check(expression, zone)


async def runs(store: MemoryStore) -> dict[str, Any]:
    page = await store.list(Selection(RUNS), Paging())
    return {one.key.name: orjson.loads(one.content.body)["spec"] for one in page.entries}


async def status(store: MemoryStore, name: str) -> Any:
    entry = await store.get(Key(SCHEDULES, "", name))
    assert entry is not None
    return orjson.loads(entry.content.body)["status"]


async def add(store: MemoryStore, name: str, **spec: Any) -> None:
    metadata = orjson.dumps({"name": name, "creationTimestamp": "2027-03-01T00:00:00Z"})
    await store.put(Put(Key(SCHEDULES, "", name), Content(metadata, body=orjson.dumps({"spec": spec}))))


def test_a_moment_is_ordered_once_however_often_an_operator_starts():
    async def scenario() -> None:
        store = MemoryStore()
        await add(store, "nightly", schedule="0 3 * * *", subject="images")
        for _ in range(3):
            await Schedules(store, "").order(NOW)
        expected = {"nightly-20270301t0300z": {"subject": "images", "trigger": "schedule nightly"}}
        assert await runs(store) == expected
        assert await status(store, "nightly") == {
            "lastRun": "nightly-20270301t0300z",
            "lastScheduleAt": "2027-03-01T03:00:00Z",
            "nextScheduleAt": "2027-03-02T03:00:00Z",
            "message": "",
        }
        revision = store.revision
        await Schedules(store, "").order(NOW)
        assert store.revision == revision

    asyncio.run(scenario())


def test_the_schedule_of_the_settings_begins_with_the_first_start_and_is_made_up_for_later():
    async def scenario() -> None:
        store = MemoryStore()
        schedules = Schedules(store, "* * * * *")
        soon = datetime.now(UTC) + timedelta(minutes=2)
        await schedules.order(soon - timedelta(minutes=10))
        assert await runs(store) == {}
        await schedules.order(soon)
        assert len(await runs(store)) == 1
        await Schedules(store, "* * * * *").order(soon)
        assert len(await runs(store)) == 1
        await Schedules(store, "* * * * *").order(soon + timedelta(days=1))
        assert len(await runs(store)) == 2

    asyncio.run(scenario())


def test_one_that_has_no_meaning_or_is_suspended_says_so_and_holds_up_no_other():
    async def scenario() -> None:
        store = MemoryStore()
        await add(store, "a-wrong", schedule="often")
        await add(store, "b-wrong", schedule="0 3 * * *", subject="nothing")
        await add(store, "c-still", schedule="0 3 * * *", suspend=True)
        await add(store, "d-good", schedule="0 3 * * *")
        await Schedules(store, "").order(NOW)
        assert list(await runs(store)) == ["d-good-20270301t0300z"]
        assert "five fields" in (await status(store, "a-wrong"))["message"]
        assert "posture or images" in (await status(store, "b-wrong"))["message"]
        assert (await status(store, "c-still"))["message"] == "suspended"

    asyncio.run(scenario())
