"""Spreads the work over the nodes of a cluster: a Kubernetes Job for a batch of images, whose pods share it by hash.

Who works on an image is in its ImageScan. A Job that has ended leaves nothing behind: what its pods still held is
given back. How often a pod is begun again, and when a Job has taken too long, is for the Job controller to say.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

import hashlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.programs.operator.images.carrier import Clock
from leadline.programs.operator.images.jobs import ImageSettings
from leadline.programs.operator.images.notes import rescued
from leadline.programs.operator.images.used import InUse
from leadline.programs.operator.plan import Job, Outcome, ended
from leadline.programs.operator.work_state import Work, WorkStore
from leadline.programs.serving.kube import Kube, KubeError
from leadline.programs.serving.settings_table import read_mapping

log = logging.getLogger(__name__)
PREFIX = "job/"
"""Begins the name of a holder that is a Job; an index may follow the Job's name."""
LABEL = "leadline.dev/images"
POLL_S = 5.0
RETRIES = 3
"""Of one index. A pod that breaks down passes over the image that it broke down with."""
STUCK_S = 60.0
"""A Job of which no pod runs after so long says so."""
Body = dict[str, Any]


class Batch(Struct, frozen=True):
    """One Job."""

    name: str
    pods: int
    deadline_s: int
    node: str = ""
    """The node that it has to run on; empty for any."""
    kept_s: int = 600
    """So long it is there once it has ended, for those who look for its log."""
    owners: tuple[Body, ...] = ()
    """References to what it goes with."""


def slice_of(digest: str, pods: int) -> int:
    """Which of so many pods takes an image: the same for all who ask."""
    drawn = hashlib.blake2b(digest.encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") % pods


def read_template(path: str) -> Body:
    """The pod template (``metadata``, ``spec``) in a file. Raises: ``UsageError``."""
    hint = "write spec with a container, as in a Job"
    body = read_mapping(path, hint)
    spec = body.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not containers or not isinstance(containers[0], dict):
        raise UsageError(f"{path} holds no pod template", hint=hint)
    return body


def job_of(template: Mapping[str, Any], batch: Batch, home: str) -> Body:
    """The Job for ``batch``: ``template`` with what only we know."""
    spec = template["spec"]
    first, *others = spec["containers"]
    arguments = [f"--batch={batch.name}", f"--pods={batch.pods}"]
    container = {
        "name": "images",
        **first,
        "args": [*(first.get("args") or ()), *arguments],
    }
    node = {"nodeSelector": {**(spec.get("nodeSelector") or {}), "kubernetes.io/hostname": batch.node}}
    metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), LABEL: "true"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": batch.name,
            "namespace": home,
            "labels": labels,
            **({"ownerReferences": list(batch.owners)} if batch.owners else {}),
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": batch.pods,
            "parallelism": batch.pods,
            "backoffLimitPerIndex": RETRIES,
            "activeDeadlineSeconds": batch.deadline_s,
            "ttlSecondsAfterFinished": batch.kept_s,
            "template": {
                "metadata": {**metadata, "labels": labels},
                "spec": {
                    **spec,
                    **(node if batch.node else {}),
                    "containers": [container, *others],
                    "restartPolicy": "Never",
                },
            },
        },
    }


def has_ended(job: Mapping[str, Any] | None) -> bool:
    """Whether nothing of it will run any more; also of one that is not there."""
    return job is None or any(one.get("type") in ("Complete", "Failed") for one in _conditions(job))


def failure_of(job: Mapping[str, Any] | None) -> str:
    """Why it failed, in the words of its controller; empty where it did not."""
    failed = [one for one in _conditions(job) if one.get("type") == "Failed"]
    words = [str(failed[0].get(key) or "") for key in ("reason", "message")] if failed else []
    return ": ".join(filter(None, words)) or ("it does not say why" if failed else "")


def trouble_of(job: Mapping[str, Any] | None, now: float) -> str:
    """What is wrong with one that has not ended; empty where a pod of it runs, or has come to its end."""
    status = (job or {}).get("status") or {}
    try:
        started = datetime.fromisoformat(str(status.get("startTime"))).timestamp()
    except ValueError:
        return ""
    if status.get("ready") or status.get("succeeded") or now - started < STUCK_S:
        return ""
    if failed := status.get("failed"):
        return f"{failed} of its pods failed"
    return "no pod of it runs yet"


def _conditions(job: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Those that hold."""
    found = ((job or {}).get("status") or {}).get("conditions") or ()
    return [one for one in found if one.get("status") == "True"]


class Batches:
    """Hands images over to Jobs, and takes back what they leave behind."""

    def __init__(
        self, kube: Kube, works: WorkStore, settings: ImageSettings, home: str, clock: Clock
    ) -> None:
        """Raises: ``UsageError`` where the template cannot be used."""
        self._kube = kube
        self._works = works
        self._store = works.store
        self._settings = settings
        self._home = home
        self._clock = clock
        self._template = read_template(settings.job_template)
        self._path = f"/apis/batch/v1/namespaces/{home}/jobs"

    @property
    def active(self) -> frozenset[str]:
        """Names of the Jobs that hold images."""
        holders = (work.record.holder for work in self._works.works.values())
        return frozenset(job_name(holder) for holder in holders if holder.startswith(PREFIX))

    async def look(self) -> None:
        """Learns what the pods of Jobs have done, and gives back what a Job that has ended still holds.

        Raises: ``StoreError``, ``KubeError``.
        """
        jobs = {name: await self._kube.get(f"{self._path}/{name}") for name in self.active}
        held = [digest for digest, work in self._works.works.items() if job_name(work.record.holder)]
        lost: dict[str, list[Work]] = {}
        for digest in held:
            work = await self._works.read(digest)
            name = job_name(work.record.holder) if work else ""
            if work is None or name not in jobs:
                continue
            if not has_ended(jobs[name]):
                await self._tell(work, name, trouble_of(jobs[name], self._clock.now()))
            elif "/" in work.record.holder.removeprefix(PREFIX):
                lost.setdefault(name, []).append(work)
            else:
                await self._give_back(work, name, failure_of(jobs[name]))
        now = self._clock.now()
        for name, works in lost.items():
            why = failure_of(jobs[name])
            for work in await rescued(self._store, self._home, works, self._settings.pace, now=now):
                await self._works.write(self._named(work, name, why))

    async def _tell(self, work: Work, name: str, trouble: str) -> None:
        """An image that waits for a pod says what the pod waits for."""
        why = f"waits for the Job {name}: {trouble}" if trouble else ""
        if work.record.why != why:
            hint = self._hint(name) if why else ""
            await self._works.write(replace(work, record=replace(work.record, why=why, hint=hint)))

    async def _give_back(self, work: Work, name: str, failure: str) -> None:
        """What no pod had come to. It is no fault of the image's, but may happen again."""
        if failure:
            outcome = Outcome("Failed", f"the Job {name} failed: {failure}", self._hint(name))
            await self._fail(work, outcome)
            return
        record = replace(work.record, phase="Pending", holder="", held_until=0.0)
        await self._works.write(replace(work, record=record))

    async def _fail(self, work: Work, outcome: Outcome) -> None:
        record = work.record
        job = Job(record.key, record.version, record.is_kept)
        record = ended(record, job, outcome, self._settings.pace, self._clock.now())
        await self._works.write(replace(work, record=record))

    def _named(self, work: Work, name: str, failure: str) -> Work:
        """What a pod was at, with what became of its Job."""
        record = work.record
        if record.phase == "Done" or not failure:
            return work
        why = f"{record.why}; the Job {name} failed: {failure}"
        return replace(work, record=replace(record, why=why, hint=record.hint or self._hint(name)))

    def _hint(self, name: str) -> str:
        return f"kubectl describe job {name} -n {self._home}"

    async def hand_over(self, jobs: Sequence[Job], in_use: InUse) -> None:
        """Begins Jobs for ``jobs``, as far as there may be more. Raises: ``StoreError``, ``KubeError``."""
        room = (
            self._settings.job_pods - len(self.active) if self._settings.node_blobs else 1 - len(self.active)
        )
        for node, batch in list(self._by_node(jobs, in_use).items())[: max(0, room)]:
            await self._begin(node, batch)

    def _by_node(self, jobs: Sequence[Job], in_use: InUse) -> dict[str, list[Job]]:
        """Where nodes give what registries do not, an image is scanned on one that runs it; each try on another."""
        if not self._settings.node_blobs:
            return {"": list(jobs)} if jobs else {}
        found: dict[str, list[Job]] = {}
        for job in jobs:
            image, work = in_use.images.get(job.key), self._works.works.get(job.key)
            nodes = [node for node in (image.nodes if image else ()) if node]
            tries = work.record.tries if work else 0
            found.setdefault(nodes[tries % len(nodes)] if nodes else "", []).append(job)
        return found

    async def _begin(self, node: str, jobs: Sequence[Job]) -> None:
        settings = self._settings
        pods = 1 if settings.node_blobs else min(settings.job_pods, len(jobs))
        most_of_pod = -(-len(jobs) // pods) * 2
        batch = Batch(
            f"leadline-images-{uuid.uuid4().hex[:10]}",
            pods,
            int(settings.pace.job_s) + int(settings.worker_s) * most_of_pod,
            node,
            settings.job_kept_s,
            await self._owners(),
        )
        now = self._clock.now()
        for job in jobs:
            work = self._works.works[job.key]
            record = replace(
                work.record,
                phase="Running",
                holder=f"{PREFIX}{batch.name}",
                started=now,
                held_until=now + batch.deadline_s + settings.job_kept_s,
                why="",
                hint="",
            )
            await self._works.write(replace(work, record=record))
        # The images are held first: a Job that cannot be created is then known to have ended.
        try:
            await self._kube.create(self._path, job_of(self._template, batch, self._home))
        except KubeError as error:
            outcome = Outcome("Failed", f"no Job can be created: {error}", "see the log of the operator")
            for job in jobs:
                await self._fail(self._works.works[job.key], outcome)
            raise
        log.info("images: %d in the Job %s of %d pods %s", len(jobs), batch.name, pods, node and f"on {node}")

    async def _owners(self) -> tuple[Body, ...]:
        """Jobs go with the account that their pods work as, so that none is left by an installation that is removed."""
        name = self._template["spec"].get("serviceAccountName")
        path = f"/api/v1/namespaces/{self._home}/serviceaccounts/{name}"
        try:
            account = await self._kube.get(path) if name else None
        except KubeError as error:
            log.warning("images: %s: %s", path, error)
            return ()
        uid = ((account or {}).get("metadata") or {}).get("uid")
        return ({"apiVersion": "v1", "kind": "ServiceAccount", "name": name, "uid": uid},) if uid else ()


def job_name(holder: str) -> str:
    """Of the Job that ``holder`` is, or that is a pod of."""
    return holder.removeprefix(PREFIX).partition("/")[0] if holder.startswith(PREFIX) else ""
