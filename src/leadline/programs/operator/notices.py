"""Kubernetes Events, for three things and no other: a scan failed, coverage was lost, an exception ended."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from leadline.api.kinds.scans import RUNS
from leadline.api.protocol import Entry
from leadline.programs.serving.kube import Kube, KubeError
from leadline.scans.stored.scan_runs import moment

log = logging.getLogger(__name__)
SCAN_FAILED = "ScanFailed"
COVERAGE_LOST = "CoverageLost"
EXCEPTION_ENDED = "ExceptionEnded"
NOWHERE = "default"
"""Where Kubernetes keeps events about objects that have no namespace."""
LONGEST_NOTE = 1_000
"""Characters; kube-apiserver takes 1,024."""
MOST_KNOWN = 10_000
Body = dict[str, Any]


class Notices:
    """Says each thing once; one that cannot be said is logged and not tried again: the status has it as well."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._runs: dict[str, tuple[str, int]] = {}
        """Phase and number of unread parts of each run, as they were seen last."""

    async def look_at(self, entry: Entry, *, is_left_over: bool) -> None:
        """``entry`` is a ScanRun; one that is ``is_left_over`` was there before us, and nothing is said of it."""
        whole = orjson.loads(entry.content.body)
        status = whole.get("status") or {}
        coverage = status.get("coverage") or {}
        phase, unread = str(status.get("phase") or ""), coverage.get("unread")
        unread = unread if isinstance(unread, int) else 0
        name = entry.key.name
        before = self._runs.get(name)
        if len(self._runs) >= MOST_KNOWN:
            self._runs.clear()
        self._runs[name] = (phase, unread)
        if is_left_over or before == (phase, unread):
            return
        uid = orjson.loads(entry.content.metadata).get("uid") or ""
        run = {"apiVersion": RUNS.api_version, "kind": RUNS.name, "name": entry.key.name, "uid": uid}
        if phase == "Failed" and (before is None or before[0] != phase):
            await self.say(
                run, SCAN_FAILED, f"the scan failed: {status.get('message') or 'no reason is known'}"
            )
        elif unread > (before[1] if before else 0):
            await self.say(run, COVERAGE_LOST, _lost(unread, coverage))

    def forget(self, name: str) -> None:
        self._runs.pop(name, None)

    async def ended(self, exception: Mapping[str, Any], matched: int) -> None:
        """``exception`` is the object as the cluster has it."""
        metadata = exception["metadata"]
        about = {
            "apiVersion": exception["apiVersion"],
            "kind": exception["kind"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace") or "",
            "uid": metadata.get("uid") or "",
        }
        number = f"{matched:,} finding{'s' if matched != 1 else ''}"
        await self.say(about, EXCEPTION_ENDED, f"it has ended; {number} that it accepted count again")

    async def say(self, about: Mapping[str, str], reason: str, note: str) -> None:
        now = moment()
        namespace = about.get("namespace") or NOWHERE
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{about['name'][:200]}.", "namespace": namespace},
            "involvedObject": {name: value for name, value in about.items() if value},
            "reason": reason,
            "message": note[:LONGEST_NOTE],
            "type": "Warning",
            "source": {"component": "leadline-operator"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._kube.create(f"/api/v1/namespaces/{namespace}/events", event)
        except KubeError as error:
            log.warning("the event %s of %s cannot be written: %s", reason, about["name"], error)


def _lost(unread: int, coverage: Mapping[str, Any]) -> str:
    parts = f"{unread:,} part{'s' if unread != 1 else ''} of the cluster could not be read"
    places = coverage.get("unreadPlaces") or ()
    first = next((one for one in places if isinstance(one, dict)), None)
    return f"{parts}, first {first.get('where')}: {first.get('why')}" if first else parts
