"""Image results in a store: replaced, and collected when nobody runs the image."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from leadline.api.protocol import Content, Entry, FullError, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage, UnreadImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.model.vulnerability import Match
from leadline.scans.stored.image_results import MANIFESTS, SUMMARIES, RunningContainer, summary_names
from leadline.scans.stored.scan_runs import RUNS
from leadline.scans.stored.store_images import collect_images, store_image, store_images
from memory_store import MemoryStore

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
        assert await store_image(store, report("nginx", "CVE-2"), [WEB]) == 4
        (name,) = await names(store, MANIFESTS)
        entry = await store.get(Key(MANIFESTS, "leadline", name))
        assert entry is not None
        matches = orjson.loads(entry.content.body)["spec"]["payload"]["matches"]
        assert [match["vulnerability"]["id"] for match in matches] == ["CVE-2"]

    run(scenario)


async def found(store: MemoryStore, plural: str, name: str) -> str:
    """The id of the image that it is about."""
    (entry,) = (await store.list(Selection(plural, name=name), Paging())).entries
    return orjson.loads(entry.content.metadata)["annotations"]["kubescape.io/image-id"]


def test_an_image_whose_result_would_have_the_name_of_anothers_takes_another_name():
    """Both ids end alike: the end of an id is soon found by trying."""

    async def scenario(store: MemoryStore) -> None:
        mine, theirs = report("shop/till", "CVE-1"), report("shop-till")
        for one in (mine, theirs, mine, theirs, theirs):
            await store_image(store, one, [WEB if one is mine else OLD])
            held = {await found(store, MANIFESTS, name) for name in await names(store, MANIFESTS)}
            assert mine.sbom.image.id in held
        usual, other = await names(store, MANIFESTS)
        assert [await found(store, MANIFESTS, name) for name in (usual, other)] == [
            mine.sbom.image.id,
            theirs.sbom.image.id,
        ]
        await collect_images(store, {theirs.sbom.image.id}, [OLD])
        # It keeps the name that it once got.
        await store_image(store, theirs, [OLD])
        assert await names(store, MANIFESTS) == [other]

    run(scenario)


def test_containers_whose_summaries_would_have_one_name_have_one_each():
    first = RunningContainer("Deployment", "web", "shop", "a-b")
    second = RunningContainer("Deployment", "web-a", "shop", "b")
    elsewhere = RunningContainer("Deployment", "web-a", "bank", "b")

    async def scenario(store: MemoryStore) -> None:
        scanned = [
            ScannedImage(
                (name,),
                report(name),
                tuple(ImageUse("", f"{c.namespace}/{c.kind}/{c.workload}", c.name) for c in its),
            )
            for name, its in (("bad", [first, elsewhere]), ("good", [second]))
        ]
        for _ in range(2):
            await store_images(store, ImagesReport(tuple(scanned)), is_full=True)
            entries = (await store.list(Selection(SUMMARIES), Paging())).entries
            assert len(entries) == 3
        assert (
            await found(store, SUMMARIES, summary_names([first, second])[second])
            == report("good").sbom.image.id
        )

    assert summary_names([second]) == {second: "deployment-web-a-b"}
    run(scenario)


def test_what_nobody_runs_is_collected():
    async def scenario(store: MemoryStore) -> None:
        await store_image(store, report("nginx"), [WEB])
        await store_image(store, report("redis"), [OLD])
        running = {report("nginx").sbom.image.id}
        assert await collect_images(store, running, [WEB]) == 4
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


def several(*reports: ImageReport, **more: Any) -> ImagesReport:
    uses = (ImageUse("/v1/shop/Deployment/web", "shop/Deployment/web", "main"),)
    images = tuple(ScannedImage((one.sbom.image.name,), one, uses) for one in reports)
    return ImagesReport(images, **more)


async def run_of(store: MemoryStore, name: str) -> Any:
    entry = await store.get(Key(RUNS, "", name))
    assert entry is not None
    return orjson.loads(entry.content.body)


def test_a_scan_of_all_that_runs_collects_what_nobody_runs():
    async def scenario(store: MemoryStore) -> None:
        await store_image(store, report("redis"), [OLD])
        stored = await store_images(store, several(report("nginx", "CVE-1")), is_full=True)
        assert (stored.images, stored.collected) == (1, 4)
        run = await run_of(store, stored.run)
        assert run["status"]["phase"] == "Succeeded"
        assert run["status"]["findings"]["high"] == 1
        assert run["status"]["coverage"]["images"] == 1

    run(scenario)


def test_nothing_is_collected_where_something_could_not_be_read():
    lost = UnreadImage(Unread("lost:1", "no such image", reason="missing"))

    async def scenario(store: MemoryStore) -> None:
        await store_image(store, report("redis"), [OLD])
        stored = await store_images(store, several(report("nginx"), failed=(lost,)), is_full=True)
        assert stored.collected == 0
        run = await run_of(store, stored.run)
        assert run["status"]["coverage"]["unreadPlaces"][0]["where"] == "lost:1"

    run(scenario)


class Picky(MemoryStore):
    """Takes nothing about one image."""

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        if any("redis" in put.key.name for put in puts):
            raise FullError("too much")
        return await super().put_all(puts)


def test_an_image_that_is_not_taken_costs_no_other():
    async def scenario() -> None:
        store = Picky()
        stored = await store_images(store, several(report("redis"), report("nginx")), is_full=True)
        assert (stored.images, stored.collected) == (1, 0)
        assert stored.failed[0].where == "redis:1"
        assert (await run_of(store, stored.run))["status"]["phase"] == "Failed"
        assert len(await names(store, MANIFESTS)) == 1

    asyncio.run(scenario())
