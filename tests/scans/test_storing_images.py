"""Image results in a store: replaced, and collected when nobody runs the image."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson

from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Match
from leadline.outputs.store.image_results import MANIFESTS, SUMMARIES, RunningContainer
from leadline.outputs.store.memory import MemoryStore
from leadline.outputs.store.protocol import Content, Paging, Put
from leadline.outputs.store.selection import Key, Selection
from leadline.scans.store_images import collect_images, store_image

PACKAGE = Package(type="npm", name="left-pad", version="1.0.0")
WEB = RunningContainer("Deployment", "web", "shop", "main")
OLD = RunningContainer("Deployment", "old", "shop", "main")


def report(name: str, *ids: str) -> ImageReport:
    matches = tuple(Match(id, PACKAGE, severity="high") for id in ids)
    image = ImageIdentity(f"{name}:1", id=f"sha256:{name}".ljust(71, "0"))
    return ImageReport(Sbom(image, (PACKAGE,)), (), vulnerabilities=matches)


def run(scenario: Callable[[MemoryStore], Awaitable[None]]) -> None:
    asyncio.run(scenario(MemoryStore()))


async def names(store: MemoryStore, plural: str) -> list[str]:
    return [entry.key.name for entry in (await store.list(Selection(plural), Paging())).entries]


def test_a_newer_scan_replaces_an_older_one():
    async def scenario(store: MemoryStore) -> None:
        await store_image(store, report("nginx", "CVE-1", "CVE-2"), [WEB])
        assert await store_image(store, report("nginx", "CVE-2"), [WEB]) == 2
        (name,) = await names(store, MANIFESTS)
        entry = await store.get(Key(MANIFESTS, "leadline", name))
        assert entry is not None
        matches = orjson.loads(entry.content.body)["spec"]["payload"]["matches"]
        assert [match["vulnerability"]["id"] for match in matches] == ["CVE-2"]

    run(scenario)


def test_what_nobody_runs_is_collected():
    async def scenario(store: MemoryStore) -> None:
        await store_image(store, report("nginx"), [WEB])
        await store_image(store, report("redis"), [OLD])
        running = {report("nginx").sbom.image.id}
        assert await collect_images(store, running, [WEB]) == 2
        assert await names(store, SUMMARIES) == ["deployment-web-main"]
        assert len(await names(store, MANIFESTS)) == 1
        assert await collect_images(store, running, [WEB]) == 0

    run(scenario)


def test_what_people_manage_stays():
    async def scenario(store: MemoryStore) -> None:
        metadata = b'{"name":"a","namespace":"leadline","labels":{"kubescape.io/managed-by":"User"}}'
        await store.put(Put(Key(MANIFESTS, "leadline", "a"), Content(metadata)))
        assert await collect_images(store, set(), []) == 0

    run(scenario)
