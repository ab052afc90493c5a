"""A scan that is followed no more says so, though the one who wrote it is gone."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from asgi import Client, run

from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.programs.apiserver.computed.tending import mark_stale
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE, UNHEARD

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


async def put(client: Client, name: str, **status: str) -> None:
    body = orjson.dumps({"spec": {}, "status": status})
    await client.store.put(Put(Key(RUNS, "", name), Content(orjson.dumps({"name": name}), body=body)))


async def phase_of(client: Client, name: str) -> tuple[str, str]:
    entry = await client.store.get(Key(RUNS, "", name))
    assert entry is not None
    status = orjson.loads(entry.content.body)["status"]
    return status["phase"], status.get("message", "")


def before(ago: timedelta) -> str:
    return (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("phase", "ago", "becomes"),
    [
        (FOLLOWING, timedelta(minutes=1), FOLLOWING),
        (FOLLOWING, UNHEARD - timedelta(seconds=1), FOLLOWING),
        (FOLLOWING, UNHEARD, STALE),
        (FOLLOWING, timedelta(days=30), STALE),
        ("Succeeded", timedelta(days=30), "Succeeded"),
        ("Running", timedelta(days=30), "Running"),
    ],
)
def test_what_was_not_heard_of_for_fifteen_minutes_is_stale(phase: str, ago: timedelta, becomes: str):
    async def scenario(client: Client) -> None:
        await put(client, "posture-current", phase=phase, seenAt=before(ago))
        marked = await mark_stale(client.store, client.app.served, NOW)
        found, message = await phase_of(client, "posture-current")
        assert found == becomes
        assert bool(marked) == bool(message) == (becomes == STALE)
        if message:
            assert before(ago) in message
        revision = client.store.revision
        await mark_stale(client.store, client.app.served, NOW)
        assert client.store.revision == revision

    run(scenario)


@pytest.mark.parametrize("status", [{}, {"seenAt": "soon"}, {"startedAt": before(timedelta(hours=1))}])
def test_what_does_not_say_when_it_was_heard_of_is_stale(status: dict[str, str]):
    async def scenario(client: Client) -> None:
        await put(client, "images-current", phase=FOLLOWING, **status)
        assert await mark_stale(client.store, client.app.served, NOW) == ["images-current"]

    run(scenario)
