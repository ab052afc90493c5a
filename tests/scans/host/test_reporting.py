"""What is written of a node, and what is deleted of what it no longer has."""

import asyncio
from typing import Any

from leadline.scans.host.reporting import Reporter

PLACE = "/apis/hostdata.kubescape.cloud/v1beta1"


class Kept:
    """A server that keeps objects by their paths."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.asked = 0

    async def get(self, path: str) -> dict[str, Any] | None:
        self.asked += 1
        return self.objects.get(path)

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.objects[f"{path}/{body['metadata']['name']}"] = body
        return body

    async def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path in self.objects
        self.objects[path] = body
        return body

    async def delete(self, path: str) -> None:
        del self.objects[path]


def body(kind: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "node1"}, "spec": {}}


def report(reporter: Reporter, *kinds: str, now_s: float) -> int:
    bodies = [body(kind) for kind in kinds]
    return asyncio.run(reporter.report(bodies, None, at="2026-01-01T00:00:00Z", now_s=now_s))


def test_an_object_of_a_kind_that_is_gone_is_deleted_also_after_a_restart():
    kept = Kept()
    assert report(Reporter(kept, "node1", 3600), "KubeletInfo", "ControlPlaneInfo", now_s=0) == 2
    # The node is a worker now, and the reporter another one.
    reporter = Reporter(kept, "node1", 3600)
    assert report(reporter, "KubeletInfo", now_s=0) == 1
    assert list(kept.objects) == [f"{PLACE}/kubeletinfos/node1"]
    before = kept.asked
    assert report(reporter, "KubeletInfo", now_s=10) == 0
    assert kept.asked == before
    assert report(reporter, "KubeletInfo", "ControlPlaneInfo", now_s=20) == 1
    assert report(reporter, "KubeletInfo", now_s=30) == 0
    assert list(kept.objects) == [f"{PLACE}/kubeletinfos/node1"]


def test_objects_of_other_nodes_stay():
    kept = Kept()
    report(Reporter(kept, "node2", 3600), "KubeletInfo", now_s=0)
    kept.objects[f"{PLACE}/controlplaneinfos/node1"] = body("ControlPlaneInfo")
    report(Reporter(kept, "node2", 3600), "KubeletInfo", now_s=0)
    assert f"{PLACE}/controlplaneinfos/node1" in kept.objects
