"""A scanner that stores results as the real one does, and counts what it was asked for."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import orjson

from leadline.api.kinds.images import Counted
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.programs.operator.images.jobs import ImageAnswer, ImageTask
from leadline.programs.operator.plan import Outcome
from leadline.scans.stored.image_results import COUNTED, MANIFESTS, SCAN, ImageCounts, ScanNote
from memory_store import MemoryStore


class Crash(BaseException):
    """The process is gone. No code of ours catches it."""


class FakeScanner:
    def __init__(self, store: MemoryStore, database: Callable[[], str], clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock
        self.database = database
        self.scanned: Counter[tuple[str, str]] = Counter()
        self.fetched: Counter[str] = Counter()
        self.answers: dict[str, list[ImageAnswer]] = {}
        """What is said first of a digest, instead of a result."""
        self.crash_before: set[str] = set()
        self.crash_after: set[str] = set()
        """Digests whose results are stored, and then the process ends before it can say so."""

    async def scan(self, task: ImageTask) -> ImageAnswer:
        if task.digest in self.crash_before:
            raise Crash
        if waiting := self.answers.get(task.digest):
            return waiting.pop(0)
        if not task.manifest:
            self.fetched[task.digest] += 1
        database = self.database()
        at = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.scanned[task.digest, database] += 1
        name, id, manifest = f"image {task.digest[-2:]}", f"id-{task.digest}", f"m-{task.digest[7:]}"
        counts = ImageCounts(name, id, manifest, True, Counted(found={"high": 2}))
        annotations = {
            SCAN: msgspec.json.encode(ScanNote(task.digest, database)).decode(),
            COUNTED: msgspec.json.encode(counts.counted).decode(),
            "kubescape.io/timestamp": at,
            "kubescape.io/image-id": id,
            "kubescape.io/image-tag": name,
            "kubescape.io/status": "ready",
        }
        metadata = {"name": counts.manifest, "namespace": "leadline", "annotations": annotations}
        key = Key(MANIFESTS, "leadline", counts.manifest)
        await MemoryStore.put(self.store, Put(key, Content(orjson.dumps(metadata))))
        if task.digest in self.crash_after:
            self.crash_after.remove(task.digest)
            raise Crash
        return ImageAnswer(Outcome("Done", is_kept=True), counts, at, database)

    async def close(self) -> None:
        pass
