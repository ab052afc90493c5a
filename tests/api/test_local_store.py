"""What the store in one file promises besides the protocol."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from store_carriers import EVERYTHING, content, key, put

from leadline.api.carriers import local_care
from leadline.api.carriers.local import Limits, LocalStore
from leadline.api.carriers.local_schema import APPLICATION_ID, MIGRATIONS
from leadline.api.protocol import Content, FullError, GoneError, Paging, Put, Store
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

WRITER = Path(__file__).with_name("store_writer.py")


def within(path: Path, scenario: Callable[[LocalStore], Awaitable[None]], limits: Limits = Limits()) -> None:  # noqa: B008
    async def run() -> None:
        store = LocalStore(path, limits)
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(run())


async def write_many(store: Store, count: int, text: str = "") -> None:
    await store.put_all([put(f"object-{n:05}", f"{text}{n}") for n in range(count)])


def test_what_was_put_is_there_after_reopening(tmp_path: Path):
    path = tmp_path / "r.db"
    revisions = []

    async def first(store: LocalStore) -> None:
        revisions.append((await store.put(put("a", "kept"))).revision)
        revisions.append((await store.delete((await store.put(put("b"))).key)).revision)

    async def second(store: LocalStore) -> None:
        assert store.revision == revisions[1]
        found = await store.get(key("a"))
        assert found is not None
        assert (found.revision, found.content) == (revisions[0], content("kept"))
        changes = await anext(store.watch(EVERYTHING, revisions[0]))
        assert [event.type for event in changes.events] == ["ADDED", "DELETED"]
        assert (await store.put(put("c"))).revision > revisions[1]

    within(path, first)
    within(path, second)


def test_revisions_are_not_given_again_after_the_history_is_forgotten(tmp_path: Path):
    path = tmp_path / "r.db"
    last = []

    async def first(store: LocalStore) -> None:
        await store.put(put("a"))
        last.append((await store.delete(key("a"))).revision)
        await store.tend()

    async def second(store: LocalStore) -> None:
        assert store.revision == last[0]

    within(path, first, Limits(history=0))
    within(path, second)


def test_a_dictionary_is_trained_and_old_bodies_stay_readable(tmp_path: Path):
    text = "the quick brown container runs as root and mounts the socket of its node " * 8

    async def scenario(store: LocalStore) -> None:
        await write_many(store, 300, text)
        await store.tend()
        await store.put_all([put(f"later-{n:05}", f"{text}{n}") for n in range(300)])
        database = sqlite3.connect(store.path)
        sizes = dict(
            database.execute(
                "SELECT dictionary, avg(length(body)) FROM version GROUP BY dictionary"
            ).fetchall()
        )
        database.close()
        assert set(sizes) == {0, 1}
        assert sizes[1] < sizes[0] / 2
        page = await store.list(EVERYTHING, Paging(limit=600))
        assert {e.key.name: e.content.body for e in page.entries} == {
            f"{name}-{n:05}": content(f"{text}{n}").body for name in ("object", "later") for n in range(300)
        }

    within(tmp_path / "r.db", scenario)


def test_large_bodies_are_kept_whole(tmp_path: Path):
    text = "".join(map(str, range(200_000)))

    async def scenario(store: LocalStore) -> None:
        await store.put(put("a", text))
        found = await store.get(key("a"))
        assert found is not None
        assert found.content == content(text)

    within(tmp_path / "r.db", scenario)


def test_space_is_given_back(tmp_path: Path):
    path = tmp_path / "r.db"

    async def scenario(store: LocalStore) -> None:
        noise = [os.urandom(20_000).hex() for _ in range(200)]
        await store.put_all([put(f"a{n}", noise[n]) for n in range(200)])
        for n in range(200):
            await store.delete(key(f"a{n}"))
        await store.put(put("last"))
        full = _pages(path)
        await store.tend()
        assert _pages(path) < full / 5

    within(path, scenario, Limits(history=1))


def test_the_history_is_bounded_by_bytes_too(tmp_path: Path):
    async def scenario(store: LocalStore) -> None:
        start = (await store.put(put("a"))).revision
        for _ in range(20):
            await store.put(put("a", os.urandom(50_000).hex()))
        await store.tend()
        with pytest.raises(GoneError):
            await anext(store.watch(EVERYTHING, start))
        changes = await anext(store.watch(EVERYTHING, store.revision - 3))
        assert len(changes.events) == 3

    within(tmp_path / "r.db", scenario, Limits(history_bytes=400_000))


def test_a_second_opener_is_refused(tmp_path: Path):
    async def scenario(store: LocalStore) -> None:
        with pytest.raises(StoreError, match="in use by another process"):
            LocalStore(store.path)

    within(tmp_path / "r.db", scenario)


@pytest.mark.parametrize(
    "text", [b"no database at all, but long enough to look at" * 100, b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, text: bytes):
    path = tmp_path / "r.db"
    path.write_bytes(text)
    with pytest.raises(StoreError, match="damaged"):
        LocalStore(path)
    assert path.read_bytes() == text


def test_a_database_of_something_else_is_refused(tmp_path: Path):
    path = tmp_path / "r.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE version(x)")
    database.close()
    with pytest.raises(StoreError, match="no store of results"):
        LocalStore(path)


def test_a_store_of_a_later_version_is_refused(tmp_path: Path):
    path = tmp_path / "r.db"

    async def nothing(store: LocalStore) -> None:
        await store.put(put("a"))

    within(path, nothing)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match="later version"):
        LocalStore(path)


def test_a_damaged_page_leaves_the_rest_readable(tmp_path: Path):
    path = tmp_path / "r.db"

    async def fill(store: LocalStore) -> None:
        await store.put_all([put(f"a{n:02}", os.urandom(20_000).hex()) for n in range(20)])

    async def read(store: LocalStore) -> None:
        reads = [store.get(key(f"a{n:02}")) for n in range(20)]
        failures = [
            r for r in await asyncio.gather(*reads, return_exceptions=True) if isinstance(r, Exception)
        ]
        assert 0 < len(failures) < 5
        assert all(isinstance(f, StoreError) and "damaged" in str(f) for f in failures)
        page = await store.list(Selection(EVERYTHING.plural, with_body=False), Paging())
        assert len(page.entries) == 20

    within(path, fill)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096 + 100
    whole[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(whole)
    assert list(local_care.check(path)) != []
    within(path, read)


def test_a_read_only_file_is_served_and_not_written(tmp_path: Path):
    path = tmp_path / "r.db"

    async def fill(store: LocalStore) -> None:
        await store.put(put("a"))

    async def read(store: LocalStore) -> None:
        store.is_writable = False
        assert await store.get(key("a")) is not None
        with pytest.raises(StoreError, match="read-only"):
            await store.put(put("b"))
        await store.tend()

    within(path, fill)
    within(path, read)


def test_a_full_disk_refuses_writes_keeps_the_rest_and_recovers(tmp_path: Path):
    async def scenario(store: LocalStore) -> None:
        await store.put(put("a"))
        before = store.revision
        database = store._database
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(FullError, match="cannot grow"):
            await store.put(put("large", os.urandom(100_000).hex()))
        assert store.revision == before
        assert await store.get(key("a")) is not None
        assert await store.get(key("large")) is None
        database.execute("PRAGMA max_page_count=1000000")
        await store.put(put("large", os.urandom(100_000).hex()))

    within(tmp_path / "r.db", scenario)


def test_a_backup_is_restored_above_all_revisions_of_the_lost_store(tmp_path: Path):
    lost, backup, path = tmp_path / "lost.db", tmp_path / "backup.db", tmp_path / "r.db"
    seen = []

    async def fill(store: LocalStore) -> None:
        await write_many(store, 150, "text ")
        await store.tend()
        await store.put(put("object-00000", "second version"))
        await store.back_up(backup)
        with pytest.raises(StoreError, match="exists"):
            await store.back_up(backup)
        for n in range(20):
            seen.append((await store.put(put("after", str(n)))).revision)

    async def read(store: LocalStore) -> None:
        assert store.revision > seen[-1]
        assert await store.get(key("after")) is None
        assert len((await store.list(EVERYTHING, Paging())).entries) == 150
        with pytest.raises(GoneError):
            await anext(store.watch(EVERYTHING, seen[-1]))
        assert (await store.put(put("after"))).revision > seen[-1]
        with pytest.raises(StoreError, match="exists"):
            local_care.restore(backup, path)

    within(lost, fill)
    local_care.restore(backup, path)
    assert list(local_care.check(path)) == []
    within(path, read)


def test_a_damaged_backup_is_not_restored(tmp_path: Path):
    backup = tmp_path / "backup.db"
    backup.write_bytes(b"SQLite format 3\0" + b"y" * 9000)
    with pytest.raises(StoreError, match="damaged"):
        local_care.restore(backup, tmp_path / "r.db")
    assert not (tmp_path / "r.db").exists()


@pytest.mark.parametrize("content", [b"", b"y" * 5000], ids=["empty", "other"])
def test_what_is_not_a_store_is_not_backed_up_restored_or_whole(tmp_path: Path, content: bytes):
    file, made = tmp_path / "cut.db", tmp_path / "made.db"
    file.write_bytes(content)
    for work in (local_care.back_up, local_care.restore):
        with pytest.raises(StoreError, match=r"empty|not a store|not a database"):
            work(file, made)
        assert [path.name for path in tmp_path.iterdir()] == ["cut.db"]
        assert file.read_bytes() == content
    if content:
        assert list(local_care.check(file)) == ["file is not a database"]
    else:
        with pytest.raises(StoreError, match="is empty, and not a store of results"):
            list(local_care.check(file))


def test_a_caller_that_leaves_does_not_undo_its_write(tmp_path: Path):
    async def scenario(store: LocalStore) -> None:
        write = asyncio.ensure_future(store.put(Put(key("a"), content())))
        await asyncio.sleep(0)
        write.cancel()
        await store.put(put("b"))
        assert await store.get(key("a")) is not None

    within(tmp_path / "r.db", scenario)


def test_a_killed_writer_loses_nothing_it_was_told_is_written(tmp_path: Path):
    path = tmp_path / "r.db"
    told: dict[str, int] = {}
    for number in range(10):
        command = [sys.executable, str(WRITER), str(path), f"run{number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(200):
                name, revision = child.stdout.readline().split()
                told[name] = int(revision)
            child.send_signal(signal.SIGKILL)
            for line in child.stdout:
                if line.endswith("\n"):
                    name, revision = line.split()
                    told[name] = int(revision)
    assert len(set(told.values())) == len(told)
    assert list(local_care.check(path)) == []

    async def read(store: LocalStore) -> None:
        found = {}
        page = await store.list(EVERYTHING, Paging(limit=100_000))
        for entry in page.entries:
            found[entry.key.name] = entry.revision
            assert entry.content.body == content(entry.key.name * 50).body
        assert told.items() <= found.items()

    within(path, read)


def _pages(path: Path) -> int:
    database = sqlite3.connect(path)
    pages = int(database.execute("PRAGMA page_count").fetchone()[0])
    database.close()
    return pages


def test_an_older_copy_goes_on_above_what_the_lost_store_has_given(tmp_path: Path):
    path, copy = tmp_path / "r.db", tmp_path / "copy.db"
    given: list[int] = []

    async def first(store: LocalStore) -> None:
        given.append((await store.put(put("a", "old"))).revision)

    async def later(store: LocalStore) -> None:
        assert store.note == ""
        given.append((await store.put(put("a", "new"))).revision)

    async def restored(store: LocalStore) -> None:
        assert "older than the one that was served here" in store.note
        assert store.revision > given[1]
        for since in given:
            with pytest.raises(GoneError):
                await anext(store.watch(EVERYTHING, since))
        found = await store.get(key("a"))
        assert found is not None
        assert found.content == content("old")
        assert (await store.put(put("b"))).revision > given[1]

    within(path, first)
    shutil.copy(path, copy)
    within(path, later)
    shutil.copy(copy, path)
    within(path, restored)
    within(path, later)


def test_a_store_that_was_lost_is_begun_above_it_whatever_the_clock_says(tmp_path: Path):
    path = tmp_path / "r.db"
    far_ahead = 5 * 10**16

    async def lost(store: LocalStore) -> None:
        await store.put(put("a"))

    async def begun_anew(store: LocalStore) -> None:
        assert store.revision > far_ahead

    within(path, lost)
    # As a clock does that is set back by centuries between the two.
    path.with_name("r.db.lock").write_bytes(b"%020d" % far_ahead)
    path.unlink()
    within(path, begun_anew)


@pytest.mark.parametrize("content", [b"", b"x", b"9" * 10, b"9" * 20, b"\xff" * 40, b"-0000000000000000001"])
def test_a_lock_that_remembers_nonsense_stops_no_one(tmp_path: Path, content: bytes):
    path = tmp_path / "r.db"
    path.with_name("r.db.lock").write_bytes(content)

    async def scenario(store: LocalStore) -> None:
        await store.put(put("a"))

    within(path, scenario)


def test_what_stands_beside_a_body_is_not_served_once_it_is_damaged(tmp_path: Path):
    async def run() -> None:
        path = tmp_path / "store.db"
        store = LocalStore(path)
        for number in range(3):
            await store.put(Put(Key("things", "shop", f"t{number}"), Content(b'{"labels":{}}', b"[]", b"{}")))
        await store.close()
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE version SET metadata=? WHERE name='t1'", (b'{"labels":{\x00',))
            database.commit()
        (problem,) = local_care.check(path)
        assert problem.startswith("what stands beside the body of things/shop/t1/")
        store = LocalStore(path)
        assert await store.get(Key("things", "shop", "t0"))
        for damaged in (
            store.get(Key("things", "shop", "t1")),
            store.list(Selection("things"), Paging()),
        ):
            with pytest.raises(StoreError, match="damaged: things shop/t1 cannot be read"):
                await damaged
        await store.close()

    asyncio.run(run())


def test_a_store_of_before_checksums_is_read_on(tmp_path: Path):
    async def run() -> None:
        path = tmp_path / "store.db"
        with closing(sqlite3.connect(path)) as database:
            database.executescript(
                f"PRAGMA application_id={APPLICATION_ID}; {MIGRATIONS[0]}; PRAGMA user_version=1"
            )
            database.execute(
                "INSERT INTO version VALUES(7,NULL,0,'things','shop','old',?,?,NULL,2,0,?)",
                (b"{}", b"[]", zstandard.compress(b"{}")),
            )
            database.commit()
        store = LocalStore(path)
        found = await store.get(Key("things", "shop", "old"))
        assert found is not None
        assert found.content.body == b"{}"
        await store.close()

    asyncio.run(run())
