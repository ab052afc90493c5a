"""A store's file is followed from another place than the one that writes it."""

import asyncio
from pathlib import Path

import pytest
from store_carriers import EVERYTHING, key, put

from leadline.api.carriers import local_care
from leadline.api.carriers.local import Limits, LocalStore
from leadline.api.carriers.local_reading import LocalReader
from leadline.api.protocol import Changes, GoneError, Paging
from leadline.errors import StoreError

SOON_S = 0.01


async def next_with_events(watch: "asyncio.StreamReader | object") -> Changes:
    async with asyncio.timeout(60):
        async for changes in watch:  # type: ignore[attr-defined]
            if changes.events:
                return changes
    raise AssertionError("the watch has ended")


def test_what_another_writes_is_listed_and_watched(tmp_path: Path):
    async def scenario() -> None:
        writer = LocalStore(tmp_path / "r.db")
        await writer.put(put("a", "first"))
        reader = LocalReader(tmp_path / "r.db", SOON_S)
        page = await reader.list(EVERYTHING, Paging())
        assert [entry.key.name for entry in page.entries] == ["a"]
        watch = reader.watch(EVERYTHING, page.revision)
        assert (await anext(watch)).events == ()
        await writer.put(put("b", "second"))
        await writer.delete(key("a"))
        seen = []
        while len(seen) < 2:
            seen += [(e.type, e.entry.key.name) for e in (await next_with_events(watch)).events]
        assert seen == [("ADDED", "b"), ("DELETED", "a")]
        await reader.close()
        await writer.close()

    asyncio.run(scenario())


def test_the_writer_is_not_kept_out(tmp_path: Path):
    async def scenario() -> None:
        await (first := LocalStore(tmp_path / "r.db")).put(put("a"))
        await first.close()
        reader = LocalReader(tmp_path / "r.db")
        second = LocalStore(tmp_path / "r.db")
        await second.put(put("b"))
        assert len((await reader.list(EVERYTHING, Paging())).entries) == 2
        await second.close()
        await reader.close()

    asyncio.run(scenario())


def test_a_past_that_the_writer_has_forgotten_is_gone(tmp_path: Path):
    async def scenario() -> None:
        writer = LocalStore(tmp_path / "r.db", Limits(history=5))
        start = (await writer.put(put("a"))).revision
        reader = LocalReader(tmp_path / "r.db", SOON_S)
        for number in range(20):
            await writer.put(put("a", str(number)))
        await writer.tend()
        with pytest.raises(GoneError):
            await anext(reader.watch(EVERYTHING, start))
        await reader.close()
        await writer.close()

    asyncio.run(scenario())


def test_another_file_in_its_place_is_an_error(tmp_path: Path):
    async def scenario() -> None:
        for name in ("r.db", "other.db"):
            await (writer := LocalStore(tmp_path / name)).put(put(name))
            await writer.close()
        reader = LocalReader(tmp_path / "r.db", SOON_S)
        local_care.restore(tmp_path / "other.db", tmp_path / "restored.db")
        (tmp_path / "restored.db").replace(tmp_path / "r.db")
        with pytest.raises(StoreError, match="another file"):
            await reader.list(EVERYTHING, Paging())
        (tmp_path / "r.db").unlink()
        with pytest.raises(StoreError, match="there is no store"):
            await anext(reader.watch(EVERYTHING, 1))
        await reader.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes | None):
    path = tmp_path / "r.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError):
        LocalReader(path)
    assert (path.read_bytes() if path.exists() else None) == content
