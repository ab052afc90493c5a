"""Of each vulnerability of a stored image it is said whether the container loaded its package, beside the unfiltered results."""

import asyncio
from typing import Any

import orjson
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.images import VulnerabilityManifestSummary
from leadline.api.selection import Key
from leadline.api.stored import Reader
from leadline.model.container import Container
from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.profile import LOST, Profile
from leadline.model.vulnerability import DatabaseState, Match
from leadline.scans.stored.behaviour import StoredRecord, store_profile, stored_records
from leadline.scans.stored.image_results import SUMMARIES, VEX, RunningContainer
from leadline.scans.stored.loaded_packages import write_loaded
from leadline.scans.stored.store_images import store_image
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


async def statements(store: MemoryStore, record: StoredRecord) -> dict[str, str]:
    entry = await store.get(Key(VEX, "leadline", record.name))
    assert entry is not None
    found = orjson.loads(entry.content.body)["spec"]["statements"]
    return {one["vulnerability"]["name"]: one["status"] for one in found}


def test_counts_and_statements_follow_what_was_loaded_and_the_results_stay():
    async def scenario() -> None:
        store = MemoryStore()
        record = await stored(store, profile())
        assert await write_loaded(store, record, "2026-01-02T00:00:00Z") == 2
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
        assert await write_loaded(store, record, "2026-01-03T00:00:00Z") == 0
        await store_image(store, REPORT, [WEB])
        assert _summary(await store.get(SUMMARY)).spec.severities.critical.relevant == 0  # type: ignore[arg-type]
        assert await write_loaded(store, record, "2026-01-04T00:00:00Z") >= 1
        assert _summary(await store.get(SUMMARY)).spec.severities.critical.relevant == 1  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_of_half_a_record_or_while_learning_nothing_is_called_not_affected():
    async def scenario() -> None:
        for one, now_s in ((profile(completion="partial", reasons=(LOST,)), 9000.0), (profile(), 1100.0)):
            store = MemoryStore()
            record = await stored(store, one, now_s)
            await write_loaded(store, record, "2026-01-02T00:00:00Z")
            found = await statements(store, record)
            assert found["CVE-2"] == "under_investigation"
            assert "not_affected" not in found.values()

    asyncio.run(scenario())


def test_an_image_that_was_not_scanned_yet_is_waited_for():
    async def scenario() -> None:
        store = MemoryStore()
        await store_profile(store, profile(), 500.0, 9000.0)
        (record,) = await stored_records(store)
        assert await write_loaded(store, record, "2026-01-02T00:00:00Z") == 0
        assert record.labels[f"{PREFIX}workload-name"] == "web"

    asyncio.run(scenario())
