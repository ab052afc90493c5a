"""What is accepted in images: in the image's own result, as each workload sees it, and the same on every surface."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pods import digest_of, pod

from leadline.api.protocol import Paging
from leadline.api.selection import Selection
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.package import Distro, ImageIdentity, Package, Sbom
from leadline.model.vulnerability import DatabaseState, FeedState, Match
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.programs.exporter.metrics import families, sums_of
from leadline.programs.exporter.results import Results
from leadline.programs.operator.images.carrier import Clock
from leadline.programs.operator.images.following import Accepting
from leadline.programs.operator.images.jobs import (
    ImageAnswer,
    ImageSettings,
    ImageTask,
    Place,
    Start,
)
from leadline.programs.operator.images.keeper import Cluster, ImageKeeper
from leadline.programs.operator.images.used import UsedImages
from leadline.programs.operator.images.worker import ImageWorker
from leadline.programs.operator.waiver_objects import ExceptionStatus
from leadline.programs.operator.watch import RunningImages
from leadline.scans.images.images_in_use import images_of_manifests
from leadline.scans.options import PostureOptions
from leadline.scans.stored.image_results import COUNTED, MANIFESTS, SBOMS, SUMMARIES, Scanned, stored_image
from leadline.scans.stored.store_images import store_images
from leadline.scans.waivers.image_waiving import waived_images
from memory_store import MemoryStore

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC).timestamp()
SETTINGS = ImageSettings(gap_s=0.0, workers=2, workers_of_registry=2)
ZLIB = Package("deb", "zlib1g", "1.2", namespace="debian", found_in=("var/lib/dpkg/status",))
CURL = Package("deb", "curl", "8.0", namespace="debian", found_in=("var/lib/dpkg/status",))
MATCHES = (
    Match("CVE-1", ZLIB, severity="critical", state="fixed", fixed_in=("1.3",), aliases=("GHSA-1",)),
    Match("CVE-2", ZLIB, severity="high"),
    Match("CVE-3", CURL, severity="low"),
)
IMAGES = {"docker.io/library/nginx:1.27": 1, "quay.io/shop/cache:7": 2}
DATABASE = DatabaseState("2026-11-25T00:00:00Z", (FeedState("debian", "Debian", "2026-11-25"),))


def report(name: str, number: int) -> ImageReport:
    image = ImageIdentity(f"{name}@{digest_of(number)}", id=f"sha256:{number:064x}", digest=digest_of(number))
    sbom = Sbom(image, (ZLIB, CURL), distro=Distro("debian", "12"))
    return ImageReport(sbom, (), vulnerabilities=MATCHES, database=DATABASE)


class ReportScanner:
    """Scans by looking up a report, and stores it as the real worker does."""

    def __init__(self, store: MemoryStore, now: Mapping[str, float]) -> None:
        self.worker = ImageWorker(Start(SETTINGS, Place()), store)
        self.now = now
        self.scanned: list[str] = []
        self.looked_at: list[str] = []

    async def scan(self, task: ImageTask) -> ImageAnswer:
        if task.is_scanned:
            self.looked_at.append(task.digest)
            return await self.worker.answer(task)
        self.scanned.append(task.digest)
        (name,) = (name for name, number in IMAGES.items() if digest_of(number) == task.digest)
        at = datetime.fromtimestamp(self.now["now"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        scanned = Scanned("leadline", at, task.digest)
        return await self.worker._keep(task, report(name, int(task.digest[-3:], 16)), scanned)

    async def close(self) -> None:
        pass


def metadata(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "uid": f"uid-{namespace}-{name}",
        **({"namespace": namespace} if namespace else {}),
        **more,
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name, "", labels=labels)}


def deployment(space: str, name: str, image: str, **more: Any) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, space, **more),
        "spec": spec,
    }


def owner(space: str, kind: str, name: str) -> dict[str, Any]:
    uid = f"uid-{space}-{name}"
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def replica_set(space: str, name: str, image: str) -> dict[str, Any]:
    whole = deployment(space, f"{name}-1", image, ownerReferences=[owner(space, "Deployment", name)])
    return {**whole, "kind": "ReplicaSet"}


def owned_pod(space: str, name: str, image: str) -> dict[str, Any]:
    by = owner(space, "ReplicaSet", f"{name}-1")
    return pod(f"{name}-x", image, digest_of(IMAGES[image]), namespace=space, owner=by)


def exception(
    name: str, *vulnerabilities: dict[str, Any], space: str = "shop", **spec: Any
) -> dict[str, Any]:
    found = [{"status": "affected", **one} for one in vulnerabilities]
    kind = "SecurityException" if space else "ClusterSecurityException"
    return {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": kind,
        "metadata": metadata(name, space),
        "spec": {"reason": "known", "vulnerabilities": found, **spec},
    }


def cve(id: str, **more: Any) -> dict[str, Any]:
    return {"vulnerability": {"id": id}, **more}


NGINX, CACHE = IMAGES
WORKLOADS = (
    deployment("shop", "web", NGINX, labels={"app": "web"}),
    deployment("lab", "web", NGINX, labels={"app": "lab"}),
    deployment("shop", "cache", CACHE, annotations={"leadline.dev/accept": "CVE-3"}),
)
OBJECTS = (namespace("shop", env="prod"), namespace("lab", env="dev"), *WORKLOADS)
RUN = (("shop", "web", NGINX), ("lab", "web", NGINX), ("shop", "cache", CACHE))
REPLICA_SETS = tuple(replica_set(*one) for one in RUN)
PODS = tuple(owned_pod(*one) for one in RUN)


class World:
    """A cluster with an operator's half that looks at images."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = {"now": NOW}
        self.scanner = ReportScanner(self.store, self.clock)
        self.running = RunningImages(asyncio.get_running_loop())
        self.used = UsedImages()
        self.told: Mapping[str, int] = {}
        for one in (*OBJECTS, *REPLICA_SETS, *PODS):
            self.show(one)
        self.restart()

    def restart(self) -> None:
        accepting = Accepting((), ExceptionStatus(None))

        async def tell(findings: Mapping[str, int]) -> None:
            self.told = dict(findings)

        cluster = Cluster(
            lambda: self.used.now({}),
            lambda: True,
            lambda in_use: accepting.waivers(in_use, self.running) if self.running.is_read else None,
            tell,
        )
        clock = Clock(lambda: self.clock["now"])
        self.keeper = ImageKeeper(self.store, cluster, self.scanner, SETTINGS, "leadline", clock=clock)

    def show(self, body: dict[str, Any]) -> None:
        group = body["apiVersion"].rpartition("/")[0]
        self.running.observe(f"{body['kind']}.{group}" if group else body["kind"], body)

    def forget(self, body: dict[str, Any]) -> None:
        group = body["apiVersion"].rpartition("/")[0]
        its = body["metadata"]
        self.running.forget((f"{body['kind']}.{group}", its.get("namespace", ""), its["name"]))

    async def settle(self) -> None:
        if not self.running.is_read:
            self.running.read(is_whole=True)
        await asyncio.sleep(0)
        self.used.take(await self.running.changes())
        for _ in range(20):
            await self.keeper.step()
            jobs = list(self.keeper._jobs.values())
            if not jobs:
                await self.keeper.step()
                return
            await asyncio.gather(*jobs)
        raise AssertionError(self.scanner.looked_at)

    async def images(self) -> dict[str, set[str]]:
        """What is accepted in each image's own result."""
        page = await self.store.list(Selection(MANIFESTS), Paging())
        found = {}
        for entry in page.entries:
            stored = stored_image(entry.content.body)
            assert stored is not None
            found[stored.sbom.image.name.partition("@")[0]] = accepted_in(stored)
        return found

    async def summaries(self) -> dict[str, dict[str, int]]:
        return await summaries_of(self.store)


async def summaries_of(store: MemoryStore) -> dict[str, dict[str, int]]:
    """What each workload has, by severity, and how much of it is accepted."""
    page = await store.list(Selection(SUMMARIES), Paging())
    found = {}
    for entry in page.entries:
        severities = orjson.loads(entry.content.body)["spec"]["severities"]
        counts = {name: pair["all"] for name, pair in severities.items() if pair["all"]}
        annotations = orjson.loads(entry.content.metadata)["annotations"]
        counts["accepted"] = json.loads(annotations[COUNTED])["accepted"]
        found[f"{entry.key.namespace}/{entry.key.name.removesuffix('-main')}"] = counts
    return found


def accepted_in(report: ImageReport) -> set[str]:
    return {one.match.id for one in report.suppressed if one.by == "waiver"}


ALL = {"critical": 1, "high": 1, "low": 1, "accepted": 0}
WITHOUT_FIRST = {"high": 1, "low": 1, "accepted": 1}


def test_an_exception_of_a_namespace_is_about_what_that_namespace_sees_of_an_image() -> None:
    async def run() -> None:
        world = World()
        first = exception("known", cve("ghsa-1"))
        world.show(first)
        await world.settle()
        assert await world.images() == {NGINX: set(), CACHE: {"CVE-1", "CVE-3"}}
        assert await world.summaries() == {
            "shop/deployment-web": WITHOUT_FIRST,
            "lab/deployment-web": ALL,
            "shop/deployment-cache": {"high": 1, "accepted": 2},
        }
        assert world.told["shop/SecurityException/known"] == 2
        # The other namespace accepts it as well, and so it is accepted in the image.
        world.show(exception("known", cve("CVE-1"), space="lab"))
        await world.settle()
        assert (await world.images())[NGINX] == {"CVE-1"}
        assert (await world.summaries())["lab/deployment-web"] == WITHOUT_FIRST
        world.forget(first)
        await world.settle()
        assert await world.images() == {NGINX: set(), CACHE: {"CVE-3"}}
        assert (await world.summaries())["shop/deployment-web"] == ALL
        assert "shop/SecurityException/known" not in world.told
        assert sorted(world.scanner.scanned) == [digest_of(1), digest_of(2)]

    asyncio.run(run())


def test_metrics_count_what_is_accepted_apart() -> None:
    async def run() -> None:
        world = World()
        world.show(exception("known", cve("CVE-1")))
        await world.settle()
        results = Results(())
        for kind in (results.containers, results.images):
            for entry in (await world.store.list(Selection(kind.plural), Paging())).entries:
                kind.put(entry)
        samples = {
            (family.name, sample.labels.get("namespace"), sample.labels.get("workload")): sample.value
            for family in families(sums_of(results))
            for sample in family.samples
        }
        critical = "kubescape_vulnerabilities_total_workload_critical"
        accepted = "leadline_accepted_vulnerabilities"
        assert [samples[critical, "shop", "web"], samples[critical, "lab", "web"]] == [0, 1]
        assert [samples[accepted, "shop", "web"], samples[accepted, "lab", "web"]] == [1, 0]
        counted = {fact.workload[:2]: fact.counted for fact in results.containers.facts.values()}
        assert counted["shop", "web"].critical_ids == ()
        assert counted["lab", "web"].critical_ids == ("CVE-1",)

    asyncio.run(run())


def test_what_no_exception_is_about_is_never_looked_at_again() -> None:
    async def run() -> None:
        world = World()
        await world.settle()
        world.show(exception("posture", posture=[{"controlID": "C-0057"}], vulnerabilities=None))
        world.show(exception("elsewhere", cve("CVE-1"), space="other"))
        world.show(exception("image", cve("CVE-1"), space="", match={"images": ["ghcr.io/*"]}))
        await world.settle()
        assert world.scanner.looked_at == []
        world.show(
            exception("image", cve("CVE-1"), space="", match={"images": ["docker.io/library/nginx:1.27"]})
        )
        await world.settle()
        assert world.scanner.looked_at == [digest_of(1)]
        assert await world.images() == {NGINX: {"CVE-1"}, CACHE: {"CVE-3"}}

    asyncio.run(run())


def test_an_exception_ends_while_the_operator_runs() -> None:
    async def run() -> None:
        world = World()
        whole = exception("whole", cve("CVE-1"), expiresAt="2026-11-26T12:00:30Z")
        world.show(whole)
        world.show(exception("part", cve("CVE-2", expiresAt="2026-11-26"), cve("CVE-3")))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == {"accepted": 3}
        world.clock["now"] += 31
        world.show(namespace("new"))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == {"critical": 1, "accepted": 2}
        assert world.told["shop/SecurityException/whole"] == 2
        world.clock["now"] += 86_400
        world.show(namespace("newer"))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == {"critical": 1, "high": 1, "accepted": 1}
        assert len(world.scanner.scanned) == 2

    asyncio.run(run())


def test_labels_and_a_workload_that_comes_later_change_the_view() -> None:
    async def run() -> None:
        world = World()
        selector = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web", "lab"]}]}
        world.show(exception("odd", cve("CVE-1"), space="", match={"objectSelector": selector}))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == ALL
        world.show(deployment("shop", "web", NGINX, labels={"app": "other"}))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == WITHOUT_FIRST
        assert (await world.summaries())["lab/deployment-web"] == ALL
        world.show(namespace("new"))
        world.show(deployment("new", "web", NGINX))
        world.show(replica_set("new", "web", NGINX))
        world.show(owned_pod("new", "web", NGINX))
        await world.settle()
        assert (await world.summaries())["new/deployment-web"] == WITHOUT_FIRST

    asyncio.run(run())


def test_a_restart_writes_nothing_again_and_knows_what_was_accepted() -> None:
    async def run() -> None:
        world = World()
        world.show(exception("known", cve("CVE-1")))
        await world.settle()
        before = {
            entry.key: entry.revision
            for plural in (MANIFESTS, SUMMARIES, SBOMS)
            for entry in (await world.store.list(Selection(plural), Paging())).entries
        }
        looked_at = len(world.scanner.looked_at)
        world.restart()
        world.show(namespace("new"))
        await world.settle()
        after = {
            entry.key: entry.revision
            for plural in (MANIFESTS, SUMMARIES, SBOMS)
            for entry in (await world.store.list(Selection(plural), Paging())).entries
        }
        assert after == before
        assert len(world.scanner.looked_at) == looked_at
        assert world.told["shop/SecurityException/known"] == 2

    asyncio.run(run())


def test_nothing_is_said_before_it_is_known_what_is_accepted() -> None:
    async def run() -> None:
        world = World()
        await asyncio.sleep(0)
        world.used.take(await world.running.changes())
        await world.keeper.step()
        await asyncio.gather(*world.keeper._jobs.values())
        await world.keeper.step()
        assert len(world.scanner.scanned) == 2
        assert await world.summaries() == {}
        world.show(exception("known", cve("CVE-1")))
        await world.settle()
        assert (await world.summaries())["shop/deployment-web"] == WITHOUT_FIRST

    asyncio.run(run())


def test_images_looked_at_together_get_the_verdict_that_each_has_alone() -> None:
    names = [f"quay.io/shop/i{number}:1" for number in range(60)]
    images = tuple(ScannedImage((name,), report(name, number)) for number, name in enumerate(names))
    match = WaiverMatch(vulnerabilities=("CVE-1",), images=tuple(f"{name}*" for name in names[::3]))
    waivers = (Waiver(name="some", matches=(match,)),)

    def accepted(*some: ScannedImage) -> list[set[str]]:
        found = waived_images(ImagesReport(some), waivers, {}, "2026-11-26").images
        return [accepted_in(one.report) for one in found]

    together = accepted(*images)
    assert together == [verdict for one in images for verdict in accepted(one)]
    assert together == [set() if number % 3 else {"CVE-1"} for number in range(60)]


SELECTORS = st.sampled_from(
    [
        {"matchLabels": {"app": "web"}},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
        {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
        {},
    ]
)
FOUND = st.builds(
    lambda name, more: cve(name, **more),
    st.sampled_from(["CVE-1", "GHSA-1", "CVE-2", "CVE-3"]),
    st.fixed_dictionaries(
        {},
        optional={
            "expiredOnFix": st.booleans(),
            "expiresAt": st.sampled_from(["2026-11-25", "2026-11-26", "2026-11-26T11:00:00Z"]),
            "subcomponents": st.sampled_from([["pkg:deb/debian/zlib1g"], ["pkg:deb/debian/curl@7"]]),
        },
    ),
)
MATCH = st.fixed_dictionaries(
    {},
    optional={
        "objectSelector": SELECTORS,
        "resources": st.sampled_from(
            [
                [{"kind": "Deployment", "apiGroup": "apps"}],
                [{"kind": "deployment", "name": "web"}],
                [{"kind": "Pod"}],
            ]
        ),
        "images": st.sampled_from([["*nginx*"], ["docker.io/library/nginx:1.27"], ["quay.io/shop/*"]]),
    },
)


@st.composite
def exceptions(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        space = draw(st.sampled_from(["shop", "lab", ""]))
        match = draw(MATCH)
        if not space and draw(st.booleans()):
            match["namespaceSelector"] = draw(
                st.sampled_from([{"matchLabels": {"env": "dev"}}, {}, {"matchLabels": {"env": "no"}}])
            )
        rows = draw(st.lists(FOUND, min_size=1, max_size=2))
        found.append(exception(f"e{number}", *rows, space=space, match=match))
    return found


def by_command(objects: list[dict[str, Any]], folder: Path) -> tuple[dict[str, set[str]], dict[str, int]]:
    """What a scan of manifests accepts in images, and how much as each workload sees it."""
    file = folder / "objects.json"
    file.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    found = images_of_manifests([str(file)], PostureOptions())
    at = datetime.fromtimestamp(NOW, UTC).isoformat()
    images = tuple(
        ScannedImage((name,), report(name, IMAGES[name]), uses) for name, uses in found.images.items()
    )

    def waived(images: tuple[ScannedImage, ...]) -> ImagesReport:
        return waived_images(ImagesReport(images), found.waivers, found.subjects, at)

    report_of_all = waived(images)
    whole = {one.names[0]: accepted_in(one.report) for one in report_of_all.images}
    seen = {}
    for one in images:
        for use in one.uses:
            (alone,) = waived((ScannedImage(one.names, one.report, (use,)),)).images
            space, kind, name = use.title.split("/")
            seen[f"{space}/{kind.lower()}-{name}"] = len(accepted_in(alone.report))
    store = MemoryStore()
    asyncio.run(store_images(store, report_of_all))
    stored = asyncio.run(summaries_of(store))
    assert {name: counts["accepted"] for name, counts in stored.items()} == seen
    return whole, seen


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exceptions())
def test_every_surface_comes_to_the_same_verdict(tmp_path: Path, found: list[dict[str, Any]]) -> None:
    async def run() -> tuple[dict[str, set[str]], dict[str, int]]:
        world = World()
        for one in found:
            world.show(one)
        await world.settle()
        summaries = await world.summaries()
        return await world.images(), {name: counts["accepted"] for name, counts in summaries.items()}

    assert asyncio.run(run()) == by_command([*OBJECTS, *found], tmp_path)
