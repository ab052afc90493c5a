"""Images handed to Jobs: who works on what stands in the store, so that neither side has to remember anything."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_scanner import Crash, FakeScanner
from hypothesis import given, settings
from hypothesis import strategies as st
from pods import digest_of, pod, shown

from leadline.errors import UsageError
from leadline.programs.operator.images.batches import (
    Batch,
    has_ended,
    job_of,
    read_template,
    slice_of,
)
from leadline.programs.operator.images.carrier import Clock
from leadline.programs.operator.images.jobs import ImageAnswer, ImageSettings
from leadline.programs.operator.images.keeper import Cluster, ImageKeeper
from leadline.programs.operator.images.notes import version_text
from leadline.programs.operator.images.slice import Slice
from leadline.programs.operator.images.used import UsedImages
from leadline.programs.operator.plan import Outcome
from leadline.programs.operator.work_state import Work, WorkStore
from leadline.programs.serving.kube import Kube
from memory_store import MemoryStore

TEMPLATE = {
    "spec": {"serviceAccountName": "scanner", "containers": [{"image": "leadline", "command": ["slice"]}]}
}
NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "pod.yaml"
    path.write_text(json.dumps(TEMPLATE))
    return path


class JobController:
    """Keeps Jobs, and answers as the API server does."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.status = 201

    def kube(self) -> Kube:
        return Kube(httpx2.AsyncClient(base_url="http://kube", transport=httpx2.MockTransport(self.answer)))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            if self.status != 201:
                return httpx2.Response(self.status, json={"message": "jobs.batch is forbidden"})
            body = json.loads(request.content)
            self.jobs[body["metadata"]["name"]] = body
            return httpx2.Response(201, json=body)
        path = request.url.path
        if path == "/api/v1/namespaces/leadline/serviceaccounts/scanner":
            return httpx2.Response(200, json={"metadata": {"uid": "uid-scanner"}})
        job = self.jobs.get(path.rpartition("/")[2])
        return httpx2.Response(200 if job else 404, json=job or {"message": "not found"})

    def end(self, name: str, how: str, **why: str) -> None:
        self.jobs[name]["status"] = {"conditions": [{"type": how, "status": "True", **why}]}


class World:
    def __init__(self, template: Path, **images: Any) -> None:
        self.store = MemoryStore()
        self.now = NOW
        self.controller = JobController()
        self.scanner = FakeScanner(self.store, lambda: self.database, lambda: self.now)
        self.settings = ImageSettings(job_template=str(template), job_pods=3, **images)
        self.used = UsedImages()
        self.clock = Clock(lambda: self.now, self.sleep)
        cluster = Cluster(lambda: self.used.now({}), lambda: True)
        kube = self.controller.kube()
        self.keeper = ImageKeeper(
            self.store, cluster, self.scanner, self.settings, "leadline", kube=kube, clock=self.clock
        )
        self.keeper._database = _Database()
        self.database = "db1"
        """Of the pods of Jobs."""

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, number: int) -> None:
        for n in range(number):
            self.used.take(shown(pod(f"p{n}", f"quay.io/a{n}:1", digest_of(n))))

    async def pod(self, job: str, index: int, pods: int) -> bool:
        """Whether it came to its end."""
        part = Slice(WorkStore(self.store), self.scanner, self.settings.pace, "leadline", clock=self.clock)
        try:
            await part.work(job, index, pods, version_text(self.database))
        except Crash:
            return False
        return True

    async def job(self, name: str) -> str:
        """Runs all pods as often as the Job controller would."""
        spec = self.controller.jobs[name]["spec"]
        well = True
        for index in range(spec["completions"]):
            for _ in range(spec["backoffLimitPerIndex"] + 1):
                if await self.pod(name, index, spec["completions"]):
                    break
            else:
                well = False
        self.controller.end(name, "Complete" if well else "Failed")
        return name

    @property
    def works(self) -> Sequence[Work]:
        return list(self.keeper.works.values())


class _Database:
    def version(self) -> str:
        return version_text("db1")


def active(world: World) -> list[str]:
    return [name for name, job in world.controller.jobs.items() if not has_ended(job)]


def test_a_job_is_made_of_the_template_and_what_only_we_know() -> None:
    job = job_of(TEMPLATE, Batch("images-1", 4, 900, "node-b"), "leadline")
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    assert (spec["activeDeadlineSeconds"], spec["backoffLimitPerIndex"]) == (900, 3)
    pod_spec = spec["template"]["spec"]
    assert pod_spec["nodeSelector"] == {"kubernetes.io/hostname": "node-b"}
    assert (pod_spec["serviceAccountName"], pod_spec["restartPolicy"]) == ("scanner", "Never")
    (container,) = pod_spec["containers"]
    assert container["args"] == ["--batch=images-1", "--pods=4"]
    assert (
        "nodeSelector"
        not in job_of(TEMPLATE, Batch("images-1", 4, 900), "leadline")["spec"]["template"]["spec"]
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "spec: {}", "spec: {containers: []}", "spec: {containers: [1]}", "{"]
)
def test_a_file_that_is_no_template_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(text)
    with pytest.raises(UsageError):
        read_template(str(path))


@given(st.integers(1, 50), st.integers(0, 1000))
def test_each_image_belongs_to_one_pod(pods: int, number: int) -> None:
    assert 0 <= slice_of(digest_of(number), pods) < pods


def test_the_pods_of_a_job_share_its_images(template: Path) -> None:
    async def run() -> None:
        world = World(template)
        world.run(12)
        await world.keeper.step()
        (name,) = active(world)
        assert {work.record.holder for work in world.works} == {f"job/{name}"}
        await world.keeper.step()
        assert len(active(world)) == 1  # what is handed over is not handed over again
        await world.pod(name, 1, 3)
        mine = {digest_of(n) for n in range(12) if slice_of(digest_of(n), 3) == 1}
        assert {digest for digest, _ in world.scanner.scanned} == mine
        await world.job(name)
        await world.keeper.step()
        assert {work.record.phase for work in world.works} == {"Done"}
        assert set(world.scanner.scanned.values()) == {1}
        await world.keeper.step()
        assert active(world) == []

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)), st.integers(0, 2))
def test_pods_that_break_down_cost_their_image_alone(
    template: Path, breaks: set[int], stored: set[int], busy: set[int], lost: int
) -> None:
    """Whatever pods do, in the end each image has a result, or is the one that broke them."""

    async def run() -> None:
        world = World(template)
        world.scanner.crash_before = {digest_of(n) for n in breaks}
        world.scanner.crash_after = {digest_of(n) for n in stored}
        world.scanner.answers = {digest_of(n): [ImageAnswer(Outcome("Busy", "later"))] for n in busy}
        world.run(8)
        for round in range(60):
            wake = await world.keeper.step()
            for name in active(world):
                if round < lost:
                    world.controller.end(name, "Failed")  # before a pod of it began
                else:
                    await world.job(name)
            world.now = max(world.now + 1, min(wake, world.now + 500))
        for work in world.works:
            if work.image.digest in world.scanner.crash_before:
                assert (work.record.phase, bool(work.record.why)) in {("Failed", True), ("Pending", True)}
            else:
                assert work.record.phase == "Done", work.record
        assert set(world.scanner.scanned.values()) <= {1}

    asyncio.run(run())


def test_with_blobs_of_nodes_each_image_is_scanned_on_a_node_that_runs_it(template: Path) -> None:
    async def run() -> None:
        world = World(template, node_blobs="/blobs")
        for n in range(4):
            body = pod(f"p{n}", f"quay.io/a{n}:1", digest_of(n))
            body["spec"]["nodeName"] = f"node{n % 2}"
            world.used.take(shown(body))
        await world.keeper.step()
        nodes = {
            job["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"]: name
            for name, job in world.controller.jobs.items()
        }
        assert sorted(nodes) == ["node0", "node1"]
        holders = {work.image.digest: work.record.holder for work in world.works}
        assert holders[digest_of(1)] == f"job/{nodes['node1']}"

    asyncio.run(run())


def test_jobs_that_may_not_be_created_are_not_tried_again_at_once(template: Path) -> None:
    async def run() -> None:
        world = World(template)
        world.controller.status = 403
        world.run(2)
        await world.keeper.step()
        world.controller.status = 201
        wake = await world.keeper.step()
        assert (active(world), wake > world.now) == ([], True)
        world.now += 61
        await world.keeper.step()
        await world.keeper.step()
        assert len(active(world)) == 1

    asyncio.run(run())


def reasons(world: World) -> set[tuple[str, str]]:
    return {(work.record.phase, work.record.why) for work in world.works}


def test_a_job_goes_with_the_account_that_its_pods_work_as(template: Path) -> None:
    async def run() -> None:
        world = World(template, job_kept_s=7)
        world.run(1)
        await world.keeper.step()
        (job,) = world.controller.jobs.values()
        owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "scanner", "uid": "uid-scanner"}
        assert job["metadata"]["ownerReferences"] == [owner]
        assert job["spec"]["ttlSecondsAfterFinished"] == 7

    asyncio.run(run())


def test_images_that_pods_of_jobs_fetched_without_a_database_are_matched_by_the_operator(
    template: Path,
) -> None:
    async def run() -> None:
        world = World(template)
        world.run(12)
        world.database = ""
        await world.keeper.step()
        await world.job(*active(world))
        world.database = "db1"
        for _ in range(12):
            await world.keeper.step()
            await asyncio.gather(*world.keeper._jobs.values())
        assert {work.record.phase for work in world.works} == {"Done"}
        assert {work.record.version for work in world.works} == {version_text("db1")}
        # Nothing was fetched twice, and no second Job was needed.
        assert set(world.scanner.fetched.values()) == {1}
        assert len(world.controller.jobs) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"ready": 1, "active": 1}, ""),
        ({"succeeded": 1}, ""),
        ({"active": 1}, "no pod of it runs yet"),
        ({}, "no pod of it runs yet"),
        ({"failed": 2}, "2 of its pods failed"),
    ],
)
def test_an_image_says_what_its_job_waits_for(template: Path, status: dict[str, Any], said: str) -> None:
    async def run() -> None:
        world = World(template)
        world.run(2)
        await world.keeper.step()
        (name,) = active(world)
        world.controller.jobs[name]["status"] = {"startTime": "2027-01-15T08:00:00Z", **status}
        await world.keeper.step()
        assert reasons(world) == {("Running", "")}
        world.now += 61
        await world.keeper.step()
        assert reasons(world) == {("Running", f"waits for the Job {name}: {said}" if said else "")}

    asyncio.run(run())


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_job_that_fails_is_named_by_its_images_and_not_made_again_at_once(
    template: Path, is_begun: bool
) -> None:
    async def run() -> None:
        world = World(template)
        world.run(1)
        await world.keeper.step()
        (name,) = active(world)
        if is_begun:
            world.scanner.crash_before = {digest_of(0)}
            await world.pod(name, slice_of(digest_of(0), 1), 1)
        world.controller.end(name, "Failed", reason="DeadlineExceeded", message="it was active too long")
        await world.keeper.step()
        ((phase, why),) = reasons(world)
        assert phase == ("Pending" if is_begun else "Failed")
        assert why.endswith(f"the Job {name} failed: DeadlineExceeded: it was active too long")
        assert active(world) == []
        world.now += 3600
        await world.keeper.step()
        assert len(active(world)) == 1

    asyncio.run(run())


def test_a_job_that_may_not_be_created_is_a_reason(template: Path) -> None:
    async def run() -> None:
        world = World(template)
        world.controller.status = 403
        world.run(2)
        await world.keeper.step()
        assert reasons(world) == {("Failed", "no Job can be created: jobs.batch is forbidden")}

    asyncio.run(run())
