"""What the store in PostgreSQL promises besides the protocol: replicas."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from store_carriers import EVERYTHING, HISTORY, SERVER, key, put

from leadline.api.carriers.postgres import PostgresStore, open_postgres
from leadline.api.protocol import AwayError, Paging
from leadline.errors import StoreError

pytestmark = pytest.mark.usefixtures("postgres_server")


def two(scenario: Callable[[PostgresStore, PostgresStore], Awaitable[None]]) -> None:
    async def within() -> None:
        address = SERVER.database()
        one, other = await asyncio.gather(open_postgres(address, HISTORY), open_postgres(address, HISTORY))
        try:
            await asyncio.wait_for(scenario(one, other), 60)
        finally:
            await one.close()
            await other.close()

    asyncio.run(asyncio.wait_for(within(), 90))


def test_what_one_replica_writes_the_other_reads_at_once():
    async def scenario(one: PostgresStore, other: PostgresStore) -> None:
        written = await one.put(put("a"))
        assert await other.get(key("a")) == written
        assert (await other.list(EVERYTHING, Paging())).entries == (written,)

    two(scenario)


def test_a_watch_hears_of_the_other_replica():
    async def scenario(one: PostgresStore, other: PostgresStore) -> None:
        watch = other.watch(EVERYTHING, one.revision)
        coming = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        written = await one.put(put("a"))
        changes = await coming
        assert [event.entry for event in changes.events] == [written]

    two(scenario)


def test_writers_at_both_replicas_lose_nothing_and_watches_have_no_gap():
    async def scenario(one: PostgresStore, other: PostgresStore) -> None:
        start = one.revision
        stores = (one, other)

        async def write(worker: int) -> None:
            for n in range(20):
                await stores[n % 2].put(put(f"w{worker}", str(n)))

        await asyncio.gather(*(write(worker) for worker in range(6)))
        end = max(one.revision, other.revision)
        assert end - start == 120
        for store in stores:
            revisions = []
            async for changes in store.watch(EVERYTHING, start):
                revisions += [event.entry.revision for event in changes.events]
                if changes.revision >= end:
                    break
            assert revisions == list(range(start + 1, end + 1))

    two(scenario)


def test_of_two_replicas_one_wins():
    async def scenario(one: PostgresStore, other: PostgresStore) -> None:
        first = await one.put(put("a"))
        writes = [
            store.put(put("a", str(n), expected=first.revision)) for n, store in enumerate((one, other) * 4)
        ]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError"] * 7 + ["Entry"]

    two(scenario)


def test_a_crash_of_the_database_is_survived():
    async def scenario(one: PostgresStore, other: PostgresStore) -> None:
        written = await one.put(put("a"))
        watch = other.watch(EVERYTHING, written.revision)
        coming = asyncio.ensure_future(anext(watch))
        await asyncio.to_thread(SERVER.restart)
        again = None
        while again is None:
            try:
                again = await one.put(put("b"))
            except AwayError:
                continue
        assert again.revision > written.revision
        assert await one.get(key("a")) == written
        assert [event.entry for event in (await coming).events] == [again]

    two(scenario)


def test_closing_does_not_wait_for_a_server_that_does_not_answer():
    async def within() -> None:
        store = await open_postgres(SERVER.database(), HISTORY, close_s=0.5)
        with SERVER.paused():
            writing = asyncio.ensure_future(store.put(put("a")))
            await asyncio.sleep(0)
            await asyncio.wait_for(store.close(), 20)
            with pytest.raises(StoreError):
                await asyncio.wait_for(writing, 20)

    asyncio.run(asyncio.wait_for(within(), 50))


def test_an_address_where_nobody_listens_is_said_so():
    async def within() -> None:
        with pytest.raises(AwayError, match="PostgreSQL"):
            await open_postgres("postgresql://nobody@127.0.0.1:1/nothing")

    asyncio.run(within())
