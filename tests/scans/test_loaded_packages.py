"""Of each vulnerability of a stored image it is said whether the container loaded its package, beside the unfiltered results."""

import asyncio
from collections import Counter
from typing import Any

import orjson
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.images import VulnerabilityManifestSummary
from leadline.api.protocol import Paging
from leadline.api.selection import Key, Selection, labels_of
from leadline.api.stored import Reader
from leadline.model.container import Container
from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.profile import LOST, Profile
from leadline.model.resource import Resource
from leadline.model.risk import ImageFacts
from leadline.model.vulnerability import DatabaseState, Exploited, Match, Suppressed
from leadline.packages.loaded import Loaded
from leadline.scans.stored.behaviour import StoredRecord, store_profile, stored_records
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SUMMARIES,
    VEX,
    RunningContainer,
    Scanned,
    counts_of,
    manifest_name,
    summary_puts,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.loaded_packages import keep_loaded
from leadline.scans.stored.store_images import store_image
from leadline.scans.stored.stored_images import image_rows, stored_image_of
from leadline.scans.stored.workload_images import WorkloadImages, read_images
from leadline.vulnerabilities.relevance import ranked_by_loading
from memory_store import MemoryStore

USED = Package("deb", "libused", "1", files=("usr/lib/libused.so.1",), found_in=("var/lib/dpkg/status",))
UNUSED = replace(USED, name="libunused", files=("usr/lib/libunused.so.1",))
DATA = replace(USED, name="data", files=("usr/share/data.txt",))
MATCHES = (
    Match("CVE-1", USED, severity="critical", fixed_in=("2",)),
    Match("CVE-2", UNUSED, severity="critical"),
    Match("CVE-3", DATA, severity="high"),
)
REPORT = ImageReport(
    Sbom(ImageIdentity("web:1", id="sha256:abc123"), (USED, UNUSED, DATA)), (), vulnerabilities=MATCHES,
    database=DatabaseState("2026-01-01T00:00:00Z", ()),
)  # fmt: skip
WEB = RunningContainer("Deployment", "web", "shop", "web")
SUMMARY = Key(SUMMARIES, "shop", "deployment-web-web")
_summary = Reader(VulnerabilityManifestSummary)


def profile(**more: Any) -> Profile:
    container = Container(
        "c1", "web", namespace="shop", workload_kind="Deployment", workload="web", revision="5d4f"
    )
    made = Profile(
        container, "complete", (), loaded=("/usr/lib/libused.so.1",), since_s=1000.0, until_s=2000.0
    )
    return replace(made, **more)


async def stored(store: MemoryStore, profile: Profile, now_s: float = 9000.0) -> StoredRecord:
    await store_image(store, REPORT, [WEB])
    await store_profile(store, profile, 500.0, now_s)
    (record,) = await stored_records(store)
    return record


async def keep(store: MemoryStore, *records: StoredRecord) -> int:
    kept = await keep_loaded(store, records, "2026-01-02T00:00:00Z")
    assert kept.problems == ()
    return kept.written


async def relevant(store: MemoryStore, name: str) -> dict[str, bool | None]:
    """By vulnerability, in the order of the manifest."""
    entry = await store.get(Key(MANIFESTS, "leadline", name))
    assert entry is not None
    matches = orjson.loads(entry.content.body)["spec"]["payload"]["matches"]
    return {one["vulnerability"]["id"]: one.get("relevant") for one in matches}


async def statements(store: MemoryStore, record: StoredRecord) -> dict[str, str]:
    entry = await store.get(Key(VEX, "leadline", record.name))
    assert entry is not None
    found = orjson.loads(entry.content.body)["spec"]["statements"]
    return {one["vulnerability"]["name"]: one["status"] for one in found}


def test_counts_and_statements_follow_what_was_loaded_and_the_results_stay():
    async def scenario() -> None:
        store = MemoryStore()
        record = await stored(store, profile())
        assert await keep(store, record) == 4
        entry = await store.get(SUMMARY)
        assert entry is not None
        spec = _summary(entry).spec
        assert (spec.severities.critical.all, spec.severities.critical.relevant) == (2, 1)
        assert (spec.severities.high.all, spec.severities.high.relevant) == (1, 1)
        assert spec.vulnerabilities_ref.relevant.name == record.name
        assert await statements(store, record) == {
            "CVE-1": "affected",
            "CVE-2": "not_affected",
            "CVE-3": "under_investigation",
        }
        assert await keep(store, record) == 0
        await store_image(store, REPORT, [WEB])
        assert _summary(await store.get(SUMMARY)).spec.severities.critical.relevant == 0  # type: ignore[arg-type]
        assert await keep(store, record) >= 1
        assert _summary(await store.get(SUMMARY)).spec.severities.critical.relevant == 1  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_of_half_a_record_or_while_learning_nothing_is_called_not_affected():
    async def scenario() -> None:
        for one, now_s in ((profile(completion="partial", reasons=(LOST,)), 9000.0), (profile(), 1100.0)):
            store = MemoryStore()
            record = await stored(store, one, now_s)
            await keep(store, record)
            found = await statements(store, record)
            assert found["CVE-2"] == "under_investigation"
            assert "not_affected" not in found.values()

    asyncio.run(scenario())


def test_an_image_that_was_not_scanned_yet_is_waited_for():
    async def scenario() -> None:
        store = MemoryStore()
        await store_profile(store, profile(), 500.0, 9000.0)
        (record,) = await stored_records(store)
        assert await keep(store, record) == 0
        assert record.labels[f"{PREFIX}workload-name"] == "web"

    asyncio.run(scenario())


def test_each_match_says_whether_it_is_loaded_and_the_filtered_manifest_has_what_may_be():
    async def scenario() -> None:
        store = MemoryStore()
        record = await stored(store, profile())
        await keep(store, record)
        name = manifest_name(REPORT)
        assert await relevant(store, name) == {"CVE-1": True, "CVE-3": None, "CVE-2": False}
        assert await relevant(store, record.name) == {"CVE-1": True, "CVE-3": None}
        filtered = await store.get(Key(MANIFESTS, "leadline", record.name))
        assert filtered is not None
        body = orjson.loads(filtered.content.body)
        assert body["spec"]["metadata"]["withRelevancy"] is True
        assert labels_of(filtered.content.metadata)[f"{PREFIX}context"] == "filtered"
        spec = _summary(await store.get(SUMMARY)).spec  # type: ignore[arg-type]
        assert (spec.vulnerabilities_ref.relevant.kind, spec.vulnerabilities_ref.relevant.name) == (
            MANIFESTS,
            record.name,
        )
        # The same numbers wherever they are read, and the image is there once.
        (row,) = await image_rows(store)
        assert row["vulnerabilities"]["critical"] == spec.severities.critical.all == 2
        report = await stored_image_of(store, "web:1")
        assert {one.id: one.loaded for one in report.vulnerabilities} == await relevant(store, name)
        may_run = Counter(one.severity for one in report.vulnerabilities if one.loaded is not False)
        assert may_run == {
            "critical": spec.severities.critical.relevant,
            "high": spec.severities.high.relevant,
        }
        ranked = ranked_by_loading(MATCHES, Loaded(profile().loaded).is_loaded)
        assert {one.id: one.loaded for one in ranked} == await relevant(store, name)

    asyncio.run(scenario())


def test_an_image_is_not_loaded_only_where_all_that_run_it_did_not():
    async def scenario() -> None:
        store = MemoryStore()
        other = RunningContainer("Deployment", "other", "shop", "web")
        await store_image(store, REPORT, [WEB, other])
        await store_profile(store, profile(), 500.0, 9000.0)
        records = await stored_records(store)
        await keep(store, *records)
        name = manifest_name(REPORT)
        assert (await relevant(store, name))["CVE-2"] is None
        unlike = replace(profile().container, id="c2", workload="other")
        await store_profile(store, profile(container=unlike, loaded=("/usr/bin/x",)), 500.0, 9000.0)
        await keep(store, *await stored_records(store))
        assert await relevant(store, name) == {"CVE-1": True, "CVE-3": None, "CVE-2": False}
        # What was made of a container goes with it.
        await keep(store, *records)
        left = await store.list(Selection(MANIFESTS), Paging())
        assert {one.key.name for one in left.entries} == {name, records[0].name}

    asyncio.run(scenario())


def test_of_two_revisions_the_one_that_ran_last_counts():
    async def scenario() -> None:
        store = MemoryStore()
        await store_image(store, REPORT, [WEB])
        await store_profile(store, profile(), 500.0, 9000.0)
        later = replace(profile().container, id="c2", revision="77aa")
        await store_profile(
            store, profile(container=later, loaded=("/usr/bin/x",), until_s=3000.0), 500.0, 9000.0
        )
        records = await stored_records(store)
        await keep(store, *records)
        assert (await relevant(store, manifest_name(REPORT)))["CVE-1"] is False
        assert await keep(store, *records) == 0

    asyncio.run(scenario())


def test_what_a_container_accepts_is_not_counted_as_in_use():
    async def scenario() -> None:
        store = MemoryStore()
        seen = replace(
            REPORT, vulnerabilities=MATCHES[1:], suppressed=(Suppressed(MATCHES[0], "waiver", "known"),)
        )
        await store_image(store, REPORT, [])
        await put_lasting(
            store, summary_puts(counts_of(seen), Scanned("leadline", "2026-01-01T00:00:00Z"), [WEB])
        )
        await store_profile(store, profile(), 500.0, 9000.0)
        await keep(store, *await stored_records(store))
        critical = _summary(await store.get(SUMMARY)).spec.severities.critical  # type: ignore[arg-type]
        assert (critical.all, critical.relevant) == (1, 0)

    asyncio.run(scenario())


def test_the_rank_of_a_workload_learns_what_is_exploited_and_loaded():
    async def scenario() -> None:
        store = MemoryStore()
        exploited = tuple(replace(one, exploited=Exploited(one.id)) for one in MATCHES[:2])
        await store_image(store, replace(REPORT, vulnerabilities=(*exploited, MATCHES[2])), [WEB])
        await store_profile(store, profile(), 500.0, 9000.0)
        workload = Resource("apps/v1", "Deployment", "shop", "web", {})
        images = WorkloadImages()
        await read_images(store, images)
        assert images.facts_of(workload) == ImageFacts(exploited=2, fixable=1)
        await keep(store, *await stored_records(store))
        await read_images(store, images)
        assert images.facts_of(workload) == ImageFacts(exploited=2, loaded_exploited=1, fixable=1)

    asyncio.run(scenario())
