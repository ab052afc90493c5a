"""The operator that follows no change of objects: all is judged at full scans, and nothing is held between them."""

import asyncio
from typing import Any

from test_continuous import (
    CURRENT,
    LONG_S,
    PODS,
    failed,
    is_gone,
    of_pod,
    operator,
    passed,
    pod,
    run,
    server,
)

from leadline.api.posture_results import SCANS
from leadline.api.protocol import Content, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.programs.operator.images.jobs import ImageSettings
from leadline.scans.stored.scan_runs import RUNS
from memory_store import MemoryStore
from watch_server import WatchServer, event

__all__ = ["server"]
FOLLOWED = b'{"spec":{"subject":"posture"},"status":{"phase":"Following","seenAt":"2026-01-01T00:00:00Z"}}'
NO_IMAGES = ImageSettings(enabled=False)


async def order(store: MemoryStore, name: str) -> None:
    await store.put(Put(Key(RUNS, "", name), Content(b'{"name":"%s"}' % name.encode(), body=b'{"spec":{}}')))


def succeeded(whole: Any) -> bool:
    return bool(whole) and (whole.get("status") or {}).get("phase") == "Succeeded"


def test_a_change_shows_at_the_next_full_scan_and_no_watch_is_open(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        # An operator that followed changes was here before.
        await store.put(Put(Key(RUNS, "", CURRENT), Content(b'{"name":"posture-current"}', body=FOLLOWED)))
        async with operator(server, store, tmp_path, continuous=False, images=NO_IMAGES) as started:
            await started.until(of_pod("web"), failed("C-0057"))
            await started.until(Key(RUNS, "", CURRENT), is_gone)
            server.objects[PODS].clear()
            server.add(PODS, pod("web", privileged=False))
            for number in range(2):
                await order(store, f"now-{number}")
                await started.until(Key(RUNS, "", f"now-{number}"), succeeded)
            await started.until(of_pod("web"), passed("C-0057"))
            await started.until(of_pod("old"), is_gone)
        assert server.watched == []
        runs = (await store.list(Selection(RUNS), Paging())).entries
        assert len(runs) == 3

    run(scenario)


def test_images_are_followed_all_the_same(server: WatchServer, tmp_path: Any):
    server.watches["pods"] = [(event("DELETED", pod("old", privileged=True)),)]

    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path, continuous=False) as started:
            await started.until(of_pod("old"), failed("C-0057"))
            known: dict[Any, Any] = {}

            async def gather() -> None:
                while known.get(("Pod", "shop", "old"), "") is not None:
                    known.update(await started.running.changes())

            await asyncio.wait_for(gather(), LONG_S)
            # What is judged is what the last full scan read.
            assert len((await store.list(Selection(SCANS), Paging())).entries) == 3

    run(scenario)
