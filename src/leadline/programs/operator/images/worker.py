"""The process that scans images, one after another, and stores what it finds: ``python -m …operator.image_worker``.

It takes its settings on the first line of its standard input and then a task a line, and answers each with a line. It
ends with its input. What one image does to it costs no other: its parent starts another.
"""

import asyncio
import base64
import binascii
import os
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from leadline.api.carriers.remote import RemoteStore
from leadline.api.kind import PREFIX
from leadline.api.kinds.scans import AcceptedInImage, NamedSource, ViewCounts
from leadline.api.protocol import Store
from leadline.api.selection import Key
from leadline.errors import ClusterError, DatabaseError, LeadlineError, SourceError, StoreError, UsageError
from leadline.model.image_report import ImageReport
from leadline.programs.operator.images.jobs import NO_DATABASE, ImageAnswer, ImageTask, Start
from leadline.programs.operator.plan import Outcome
from leadline.scans.images.open_image import TooLargeError
from leadline.scans.images.running_image import (
    IncompleteError,
    PullSource,
    RunningImage,
    report_of_sbom,
    scan_running,
)
from leadline.scans.options import ImageOptions
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SBOMS,
    Scanned,
    counted,
    counts_of,
    image_puts,
    scan_note,
    stored_image,
)
from leadline.scans.stored.scan_runs import moment
from leadline.scans.stored.store_images import manifest_place
from leadline.scans.waivers.image_acceptance import Views, accepted_views, unwaived
from leadline.sources.cluster.connection import Cluster, RefusedError, async_client, connect
from leadline.sources.registry.client import BusyError, DeniedError
from leadline.sources.registry.http import UnreachableError
from leadline.sources.registry.image import IN_A_FILE
from leadline.sources.registry.options import PullSecret
from leadline.untyped import MALFORMED

MOST_VIEWS = 50
"""Of one image; objects of a further one see it with nothing accepted."""
MOST_EXCEPTIONS = 1_000
"""Whose findings in one image are counted."""
LOST = Outcome("Lost", "what was stored of it is gone, or was written by another version")
SECRETS_OFF = (
    "pods pull it with secrets: the chart's capabilities.pullSecrets=true lets the operator read them"
)
NODE_IMAGE = "it was brought to the node without a registry: the chart's vulnerabilityScan.jobs.enabled and .nodeBlobs let it be read there"


class ImageWorker:
    """Scans one image at a time."""

    def __init__(self, start: Start, store: Store) -> None:
        settings = start.settings
        self._settings = settings
        self._place = start.place
        self._store = store
        self._cluster: Cluster | None = None
        # The way to registries alone: credentials that lie about in a pod are none of the images'.
        names = ("http_proxy", "https_proxy", "no_proxy")
        self._options = ImageOptions(
            database=settings.database,
            oldest_database_days=settings.oldest_database_days or None,
            cache_folder=settings.cache,
            mirrors=settings.mirrors,
            is_named_by_others=True,
            ca_file=settings.ca_file,
            accept_any_certificate=settings.accept_any_certificate,
            most_stored_bytes=settings.most_image_mib << 20,
            longest_wait_s=0.0,
            environ={name: value for name, value in os.environ.items() if name.lower() in names},
        )

    async def answer(self, task: ImageTask) -> ImageAnswer:
        """Never fails: what goes wrong with an image is an outcome. A fault of ours is not caught."""
        started = time.monotonic()
        answer = await self._tried(task)
        used = resource.getrusage(resource.RUSAGE_SELF)
        return msgspec.structs.replace(
            answer,
            seconds=time.monotonic() - started,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_bytes=used.ru_maxrss * 1024,
        )

    async def _tried(self, task: ImageTask) -> ImageAnswer:
        notes: list[str] = []
        try:
            if task.is_scanned:
                return await self._accepted(task)
            report = await self._stored(task) if task.manifest else self._fetched(task, notes)
            if report is None:
                return ImageAnswer(LOST)
            return await self._keep(task, report, Scanned(self._place.home, moment(), task.digest))
        except (SourceError, UsageError, DatabaseError, StoreError) as error:
            error.hint = "; ".join(filter(None, (self._hint(error, task), *notes)))
            return ImageAnswer(_outcome(error))

    def _hint(self, error: LeadlineError, task: ImageTask) -> str:
        """What to do in a cluster, where no one logs in or has a file."""
        match error:
            case DeniedError():
                return f"credentials tried: {error.tried}"
            case UnreachableError() if task.is_id and not self._settings.node_blobs:
                return NODE_IMAGE
            case UnreachableError():
                return error.hint.removeprefix(IN_A_FILE).removeprefix("; ")
        return error.hint

    def _fetched(self, task: ImageTask, notes: list[str]) -> ImageReport:
        sources = tuple(PullSource(one.name, tuple(self._secrets(one, notes))) for one in task.sources)
        if not self._settings.pull_secrets and any(one.secrets for one in task.sources):
            notes.append(SECRETS_OFF)
        image = RunningImage(task.digest, sources, task.is_id)
        return scan_running(image, self._options, self._settings.node_blobs)

    async def _stored(self, task: ImageTask) -> ImageReport | None:
        report, _ = await self._manifest(task)
        return report_of_sbom(report.sbom, self._options) if report is not None else None

    async def _manifest(self, task: ImageTask) -> tuple[ImageReport | None, Mapping[str, str]]:
        """What is stored of the image, and its annotations."""
        entry = await self._store.get(Key(MANIFESTS, self._place.home, task.manifest))
        if entry is None:
            return None, {}
        try:
            annotations = (orjson.loads(entry.content.metadata) or {}).get("annotations") or {}
            return stored_image(entry.content.body), annotations
        except (SourceError, orjson.JSONDecodeError, *MALFORMED):
            return None, {}

    async def _accepted(self, task: ImageTask) -> ImageAnswer:
        """What is stored, with what is accepted now: its moment stays that of the scan."""
        report, annotations = await self._manifest(task)
        note = scan_note(annotations)
        if report is None or note is None:
            return ImageAnswer(LOST)
        at = annotations.get(f"{PREFIX}timestamp", "")
        return await self._keep(task, report, Scanned(self._place.home, at, task.digest))

    async def _keep(self, task: ImageTask, report: ImageReport, scanned: Scanned) -> ImageAnswer:
        views = accepted_views(report, task.acceptance) if task.acceptance.stamp else None
        image = views.image if views is not None else unwaived(report)
        database = report.database.built if report.database else ""
        scanned = msgspec.structs.replace(scanned, database=database, accepted=task.acceptance.stamp)
        name = await manifest_place(self._store, image, self._place.home)
        *others, last = image_puts(image, scanned, manifest=name)
        # Packages are what they were, whatever is accepted in them.
        await self._store.put_all([put for put in others if put.key.plural != SBOMS or not task.is_scanned])
        await self._store.put(last)
        outcome = Outcome("Done", "" if report.database else NO_DATABASE, is_kept=True)
        accepted = _seen(report, views, task.acceptance.stamp) if views is not None else AcceptedInImage()
        return ImageAnswer(outcome, counts_of(image, name), scanned.at, database, accepted=accepted)

    def _secrets(self, source: NamedSource, notes: list[str]) -> list[PullSecret]:
        """Those that can be read, in order; of the others ``notes`` are taken."""
        found: list[PullSecret] = []
        if not self._settings.pull_secrets:
            return found
        for name in source.secrets:
            namespace, _, own = name.partition("/")
            try:
                if self._cluster is None:
                    place = self._place
                    self._cluster = connect(place.kube_context, place.kubeconfig, environ=os.environ)
                secret = self._cluster.ask(f"/api/v1/namespaces/{namespace}/secrets/{own}")
            except RefusedError as refused:
                why = "is not there" if refused.status == 404 else "may not be read"
                notes.append(f"pull secret {name} {why}")
                continue
            except ClusterError as error:
                notes.append(f"pull secret {name} cannot be read: {error.args[0]}")
                continue
            content = docker_config(secret) if isinstance(secret, dict) else None
            if content is None:
                notes.append(f"pull secret {name} is none of a registry")
            else:
                found.append(PullSecret(name, content))
        return found


def _seen(report: ImageReport, views: Views, stamp: str) -> AcceptedInImage:
    seen = [ViewCounts(view, counted(one)) for view, one in list(views.by_view.items())[:MOST_VIEWS]]
    nothing = ViewCounts("", counted(unwaived(report)))
    return AcceptedInImage(stamp, (nothing, *seen), dict(list(views.counts.items())[:MOST_EXCEPTIONS]))


def _outcome(error: LeadlineError) -> Outcome:
    why, hint = str(error.args[0]), error.hint
    match error:
        case BusyError():
            return Outcome("Busy", why, hint, error.retry_after_s)
        case UnreachableError() | IncompleteError():
            return Outcome("Unreachable", why, hint)
        case StoreError():
            return Outcome("Failed", f"its result could not be stored: {why}", hint)
        case DeniedError():
            return Outcome("Unauthorized", why, hint)
        case TooLargeError():
            return Outcome("TooLarge", why, hint)
    return Outcome("Failed", why, hint)


async def serve() -> None:
    """Until the input ends."""
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=Start)
    client = async_client(start.place.kube_context, start.place.kubeconfig, environ=os.environ)
    worker = ImageWorker(start, RemoteStore(client))
    _say(b"{}")
    for line in sys.stdin.buffer:
        answer = await worker.answer(msgspec.json.decode(line, type=ImageTask))
        _say(msgspec.json.encode(answer))


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


_KEYS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
MOST_BYTES = 4 << 20
"""Far above what the API server takes."""


def docker_config(secret: Mapping[str, Any]) -> bytes | None:
    """The Docker configuration that ``secret`` holds; ``None`` where it is of another type, or damaged.

    Source: https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets

    As the kubelet has it, the type decides, and what else is in the secret is of no account.
    """
    key = _KEYS.get(str(secret.get("type")))
    data = secret.get("data")
    value = data.get(key) if key and isinstance(data, dict) else None
    if not isinstance(value, str) or len(value) > MOST_BYTES * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


if __name__ == "__main__":
    asyncio.run(serve())
