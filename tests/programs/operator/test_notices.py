"""Kubernetes Events: for a scan that failed, coverage that was lost, an exception that ended, and nothing else."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson

from leadline.api.protocol import Content, Entry
from leadline.api.selection import Key
from leadline.model.resource import resource_of
from leadline.programs.operator.notices import Notices
from leadline.programs.operator.waiver_objects import ExceptionStatus


class FakeKube:
    """Takes what is written."""

    def __init__(self, **held: Any) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.held = held

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.events.append((path, body))
        return body

    async def get(self, path: str) -> dict[str, Any] | None:
        return {"status": self.held}

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.held |= body["status"]
        return body

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(event["reason"], event["message"]) for _, event in self.events]


def run(name: str, phase: str, unread: int = 0, message: str = "") -> Entry:
    places = [{"where": "secrets", "why": "forbidden"}][:unread]
    coverage = {"unread": unread, "unreadPlaces": places}
    body = {"status": {"phase": phase, "message": message, "coverage": coverage}}
    return Entry(Key("scanruns", "", name), 1, Content(b'{"uid":"u-1"}', body=orjson.dumps(body)))


def test_a_scan_that_fails_is_said_once_and_one_of_before_is_not():
    async def scenario() -> None:
        kube = FakeKube()
        notices = Notices(kube)  # type: ignore[arg-type]
        await notices.look_at(run("old", "Failed"), is_left_over=True)
        for phase in ("", "Running", "Failed", "Failed"):
            await notices.look_at(run("new", phase, message="no object was judged"), is_left_over=False)
        await notices.look_at(run("good", "Succeeded"), is_left_over=False)
        assert kube.said == [("ScanFailed", "the scan failed: no object was judged")]
        ((path, event),) = kube.events
        assert path == "/api/v1/namespaces/default/events"
        assert event["involvedObject"] == {
            "apiVersion": "leadline.dev/v1alpha1",
            "kind": "ScanRun",
            "name": "new",
            "uid": "u-1",
        }

    asyncio.run(scenario())


def test_coverage_is_lost_when_more_is_unread_than_before():
    async def scenario() -> None:
        kube = FakeKube()
        notices = Notices(kube)  # type: ignore[arg-type]
        await notices.look_at(run("posture-current", "Following", 2), is_left_over=True)
        for unread in (2, 0, 1, 1):
            await notices.look_at(run("posture-current", "Following", unread), is_left_over=False)
        assert kube.said == [
            ("CoverageLost", "1 part of the cluster could not be read, first secrets: forbidden")
        ]

    asyncio.run(scenario())


def test_an_exception_that_ends_is_said_in_its_namespace():
    async def scenario() -> None:
        kube = FakeKube()
        status = ExceptionStatus(kube, notices=Notices(kube))  # type: ignore[arg-type]

        def exception(expires: str) -> Any:
            return resource_of(
                {
                    "apiVersion": "kubescape.io/v1beta1",
                    "kind": "SecurityException",
                    "metadata": {"name": "known", "namespace": "shop", "uid": "u-2"},
                    "spec": {"posture": [{"controlID": "C-0057"}], "expiresAt": expires},
                }
            )

        later = f"{datetime.now(UTC).year + 1}-01-01T00:00:00Z"
        await status.show([exception(later)], {})
        assert kube.held["state"] == "InForce"
        assert kube.said == []
        for _ in range(2):
            await status.show([exception("2020-01-01T00:00:00Z")], {})
        assert kube.held["state"] == "Expired"
        assert [reason for reason, _ in kube.said] == ["ExceptionEnded"]
        path, event = kube.events[0]
        assert path == "/api/v1/namespaces/shop/events"
        assert event["involvedObject"]["kind"] == "SecurityException"

    asyncio.run(scenario())
