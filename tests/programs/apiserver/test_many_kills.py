"""A hundred kills of the server of results under load, and a hundred crashes of PostgreSQL under two of them.

With ``LEADLINE_KILLS`` a slice of the hundred, which ``LEADLINE_SEED`` makes another one.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from https_client import Connection
from kill_run import PATH, body, kill_again_and_again
from lone_server import LoneServer

from api.postgres_server import PostgresServer

pytestmark = [pytest.mark.nightly("kills"), pytest.mark.slow]
TIMES = int(os.environ.get("LEADLINE_KILLS", "100"))
SEED = int(os.environ.get("LEADLINE_SEED", "7"))
AGAIN_S = 10.0
"""A replica answers again so long after the database does."""
DEADLINE_S = 30.0
"""``terminationGracePeriodSeconds`` of the chart."""


def test_a_hundred_kills_lose_nothing_that_was_acknowledged():
    server = LoneServer()
    try:
        run = asyncio.run(kill_again_and_again(server, TIMES, seed=SEED))
    finally:
        server.stop()
        server.close()
    print(
        f"{run.restarts} kills, seed {SEED}, {len(run.acknowledged)} writes acknowledged, {len(run.seen)} events seen"
    )
    assert run.problems == []
    assert run.restarts == TIMES


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Writer:
    """Writes to one replica without an end, and remembers what was acknowledged."""

    def __init__(self, server: LoneServer, name: str) -> None:
        self.acknowledged: dict[str, int] = {}
        self.sent: dict[str, int] = {}
        self.refused: dict[int, int] = {}
        self._server, self._name = server, name
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._write()))
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    async def _write(self) -> None:
        number = 0
        while not self._ends.is_set():
            try:
                async with Connection.to(self._server) as connection:
                    while not self._ends.is_set():
                        number += 1
                        name = f"{self._name}-{number % 50}"
                        revision = ""
                        there = await connection.ask("GET", f"{PATH}/{name}")
                        if there.code == 200:
                            revision = there.json["metadata"]["resourceVersion"]
                        self.sent[name] = number
                        whole: dict[str, Any] = json.loads(body(name, number))
                        verb, path = "POST", PATH
                        if revision:
                            whole["metadata"]["resourceVersion"] = revision
                            verb, path = "PUT", f"{PATH}/{name}"
                        answer = await connection.ask(verb, path, json.dumps(whole).encode())
                        if answer.code in (200, 201):
                            self.acknowledged[name] = number
                        else:
                            self.refused[answer.code] = self.refused.get(answer.code, 0) + 1
                            await asyncio.sleep(0.05)
            except (OSError, asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
                await asyncio.sleep(0.05)


async def _listed(server: LoneServer) -> dict[str, int]:
    async with Connection.to(server) as connection:
        answer = await connection.ask("GET", f"{PATH}?resourceVersion=fullSpec")
    if answer.code != 200:
        raise ConnectionError(answer.code)
    items = answer.json["items"]
    return {one["metadata"]["name"]: int(one["metadata"]["annotations"]["number"]) for one in items}


def _answers_within(server: LoneServer, seconds: float) -> float:
    """How long it took to list and to write again."""
    began = time.monotonic()
    while True:
        try:
            asyncio.run(_probed(server))
            return time.monotonic() - began
        except (OSError, asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError) as error:
            if time.monotonic() - began > seconds:
                raise AssertionError(f"no answer after {seconds} s: {error}; {server.log[-2000:]}") from error
            time.sleep(0.05)


async def _probed(server: LoneServer) -> None:
    async with asyncio.timeout(AGAIN_S), Connection.to(server) as connection:
        listed = await connection.ask("GET", PATH)
        gone = await connection.ask("DELETE", f"{PATH}/probe")
        made = await connection.ask("POST", PATH, body("probe", 1))
    if listed.code != 200 or gone.code not in (200, 404) or made.code not in (201, 409):
        raise ConnectionError(f"{listed.code} {gone.code} {made.code}")


def test_a_hundred_crashes_of_the_database_under_two_replicas(postgres: PostgresServer):
    address: Any = postgres.database()
    replicas = [LoneServer(database=address) for _ in range(2)]
    slowest = 0.0
    writers: list[Writer] = []
    try:
        for one in replicas:
            one.start()
        writers = [Writer(one, f"of{number}") for number, one in enumerate(replicas)]
        for _ in range(TIMES):
            known = sum(len(one.acknowledged) for one in writers)
            until = time.monotonic() + 20
            while sum(len(one.acknowledged) for one in writers) <= known and time.monotonic() < until:
                time.sleep(0.02)
                if known >= 100:
                    break
            postgres.restart()
            slowest = max(slowest, *(_answers_within(one, AGAIN_S) for one in replicas))
        for one in writers:
            one.end()
        found = [asyncio.run(_listed(one)) for one in replicas]
        assert found[0] == found[1]
        for one in writers:
            for name, number in one.acknowledged.items():
                assert number <= found[0].get(name, 0) <= one.sent[name], name
        ends = []
        for one in replicas:
            began = time.monotonic()
            assert one.stop() == 0
            ends.append(time.monotonic() - began)
        assert max(ends) < DEADLINE_S
        print(
            f"{TIMES} crashes of PostgreSQL, {sum(sum(w.sent.values()) > 0 and len(w.acknowledged) for w in writers)} names, "
            f"refused {[w.refused for w in writers]}, slowest to answer again {slowest:.1f} s, to end {max(ends):.1f} s"
        )
    finally:
        for writer in writers:
            writer.end()
        for one in replicas:
            one.stop()
            one.close()
