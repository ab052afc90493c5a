"""What the watch remembers of pods, when it could not see all changes of them."""

import asyncio

from pods import digest_of, pod

from leadline.programs.operator.watch import RunningImages
from leadline.sources.cluster.watch import Key


def key(name: str, namespace: str = "shop") -> Key:
    return ("Pod", namespace, name)


async def changes(running: RunningImages) -> dict[Key, bool]:
    """Whether each that changed is there."""
    return {key: one is not None for key, one in (await running.changes()).items()}


def test_what_a_new_reading_does_not_show_is_gone() -> None:
    async def run() -> None:
        running = RunningImages(asyncio.get_running_loop())
        for name in ("a", "b"):
            running.observe("Pod", pod(name, "quay.io/app:1", digest_of(1)))
        running.begin()
        running.observe("Pod", pod("b", "quay.io/app:1", digest_of(1)))
        assert not running.is_whole
        running.read(is_whole=True)
        assert running.is_whole
        assert await changes(running) == {key("a"): False, key("b"): True}

    asyncio.run(run())


def test_a_reading_that_could_not_see_pods_takes_none_away() -> None:
    async def run() -> None:
        running = RunningImages(asyncio.get_running_loop())
        running.observe("Pod", pod("a", "quay.io/app:1", digest_of(1)))
        running.begin()
        running.read(is_whole=False)
        assert not running.is_whole
        assert await changes(running) == {key("a"): True}

    asyncio.run(run())


def test_a_list_after_missed_changes_takes_away_what_is_not_on_it() -> None:
    async def run() -> None:
        running = RunningImages(asyncio.get_running_loop())
        for name, space in (("a", "shop"), ("b", "shop"), ("c", "other")):
            running.observe("Pod", pod(name, "quay.io/app:1", digest_of(1), namespace=space))
        running.relisted("Pod", "shop", [key("a")])
        assert await changes(running) == {key("a"): True, key("b"): False, key("c", "other"): True}
        running.relisted("Pod", "", [])
        assert await changes(running) == {key("a"): False, key("c", "other"): False}

    asyncio.run(run())
