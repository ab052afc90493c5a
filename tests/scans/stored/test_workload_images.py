"""Ranks that are stored count the vulnerabilities of images as the ranking of a scan does."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from leadline.api.risk_results import RISKS, stored_risk
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.resource import Resource, resource_of
from leadline.model.vulnerability import DatabaseState, Exploited, Match
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.stored.followed_results import FollowedResults
from leadline.scans.stored.image_facts import image_facts
from leadline.scans.stored.image_results import RunningContainer, Scanned, image_puts
from leadline.scans.stored.result_writer import ResultWriter
from leadline.scans.stored.risks import with_risks
from leadline.scans.stored.scan_runs import all_of
from leadline.scans.stored.workload_images import WorkloadImages, image_changes, owner_of, read_images
from memory_store import MemoryStore
from scans.test_followed_results import AT, RULES, brought_up, reading

SCANNED = Scanned("leadline", AT)
DATABASE = DatabaseState("2027-01-01T00:00:00Z", ())
PACKAGES = (Package("deb", "openssl", "3.0.1"), Package("deb", "zlib", "1.2.1"))
matches = st.builds(
    Match,
    st.sampled_from(["CVE-1", "CVE-2", "CVE-3", "CVE-4"]),
    st.sampled_from(PACKAGES),
    st.sampled_from(["critical", "high", "low"]),
    exploited=st.sampled_from([None, Exploited("CVE", "2024-01-01")]),
    fixed_in=st.sampled_from([(), ("2.0",)]),
    loaded=st.sampled_from([None, True, False]),
)
reports = st.lists(
    st.tuples(st.lists(matches, max_size=6), st.sampled_from([DATABASE, None])), min_size=1, max_size=3
)


def image(number: int, found: tuple[Match, ...], database: DatabaseState | None) -> ImageReport:
    identity = ImageIdentity(f"registry.example/app-{number}:1", id=f"sha256:{number:064}")
    return ImageReport(Sbom(identity, PACKAGES), (), vulnerabilities=found, database=database)


def deployment(images: int, name: str = "web") -> Resource:
    containers = [
        {"name": f"c{n}", "image": f"registry.example/app-{n}:1", "securityContext": {"privileged": True}}
        for n in range(images)
    ]
    return resource_of(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": containers}}},
        }
    )


def containers_of(number: int, name: str = "web") -> tuple[RunningContainer, ...]:
    return (RunningContainer("Deployment", name, "shop", f"c{number}"),)


@settings(max_examples=40, deadline=None)
@given(drawn=reports)
def test_summaries_say_of_a_workload_what_the_report_about_its_images_says(
    drawn: list[tuple[list[Match], DatabaseState | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    workload = deployment(len(drawn))
    images = [image(number, tuple(found), database) for number, (found, database) in enumerate(drawn)]
    path = Path(tmp_path_factory.mktemp("images")) / "images.json"
    report = ImagesReport(tuple(ScannedImage((one.sbom.image.name,), one) for one in images))
    with path.open("w") as out:
        find_format("json", ImagesReport).write(report, out, Page(places=NoPlaces()))
    expected = image_facts(str(path), [workload]).facts.get(workload.id)

    async def scenario() -> None:
        store, known = MemoryStore(), WorkloadImages()
        for number, one in enumerate(images):
            await store.put_all(image_puts(one, SCANNED, containers_of(number)))
        await read_images(store, known)
        assert known.facts_of(workload) == expected
        assert known.facts_of(deployment(1, "other")) is None

    asyncio.run(scenario())


def test_a_rank_follows_what_is_found_in_an_image_and_what_is_fixed():
    workload, other = deployment(1), deployment(1, "other")
    grave = Match("CVE-1", PACKAGES[0], "critical", exploited=Exploited("CVE-1", "2024-01-01"))

    async def scenario() -> None:
        store = MemoryStore()
        followed = FollowedResults(RULES, reading(workload, other))
        writer = ResultWriter(store)
        await brought_up(writer, followed)
        changes = image_changes(store, await read_images(store, followed.images))

        async def ranks() -> dict[str, str]:
            return {one.name: risk.sentence for one, risk in map(stored_risk, await all_of(store, RISKS))}

        async def comes(report: ImageReport) -> None:
            await store.put_all(image_puts(report, SCANNED, containers_of(0)))
            (changed,) = [await anext(changes)]
            owners = {owner for entry, gone in changed for owner in followed.images.take(entry, is_gone=gone)}
            assert owners == {owner_of(workload)}
            followed.look_at_images(owners)
            assert list(followed.pending) == [workload.id]
            await brought_up(writer, followed)

        clean = await ranks()
        assert "exploited" not in clean["web"]
        await comes(image(0, (grave,), DATABASE))
        found = await ranks()
        assert "1 exploited vulnerability" in found["web"]
        assert found["other"] == clean["other"]
        report = followed.report()
        bodies = structs.replace(report, resources=(workload, other))
        assert {r.sentence for r in with_risks(report, bodies, followed.images).risks or ()} == set(
            found.values()
        )
        await comes(image(0, (), DATABASE))
        assert await ranks() == clean

    asyncio.run(scenario())
