"""What would block recorded behaviour is warned of, never denied, and a rehearsal that takes long holds nothing up."""

import asyncio
import json
import threading
import time
from typing import Any

from reviews import container, deployment, review, reviewer

from leadline.errors import StoreError
from leadline.model.container import Container
from leadline.model.profile import OpenedFile, Profile
from leadline.programs.admission.app import Webhook
from leadline.programs.admission.counts import Counts
from leadline.programs.admission.known_waivers import KnownWaivers
from leadline.programs.admission.rehearsing import Rehearsal
from leadline.scans.rehearsing.one_change import Recorded, recorded_of

READ_ONLY = deployment(container(securityContext={"readOnlyRootFilesystem": True}))
WRITTEN = Profile(
    Container("c1", "web", namespace="shop", workload_kind="Deployment", workload=READ_ONLY["metadata"]["name"]),
    "complete", (), opened=(OpenedFile("/var/cache/web/page", ("O_WRONLY",)),),
)  # fmt: skip


def answered(webhook: Webhook, content: bytes) -> dict[str, Any]:
    """The answer to a review, through the webhook as the API server asks it."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "path": "/validate", "method": "POST", "headers": headers}
    asyncio.run(webhook(scope, receive, send))  # type: ignore[arg-type]
    found: dict[str, Any] = json.loads(sent[-1]["body"])["response"]
    return found


def webhook(rehearsal: Rehearsal) -> Webhook:
    return Webhook(reviewer(), KnownWaivers((), None), Counts(lambda: ()), rehearsal=rehearsal)


def test_what_would_block_what_was_recorded_is_warned_of_and_let_through():
    rehearsal = Rehearsal(lambda: recorded_of((WRITTEN,), ()))
    rehearsal.look()
    answer = answered(webhook(rehearsal), review(READ_ONLY))
    assert answer["allowed"]
    (warning,) = (one for one in answer["warnings"] if "recorded" in one)
    assert "would block what was recorded: shop/Deployment/" in warning
    assert "writes /var/cache/web/page: the root is read-only" in warning


def test_what_could_not_be_read_is_said():
    def read() -> Recorded:
        raise StoreError("the store does not answer")

    rehearsal = Rehearsal(read)
    rehearsal.look()
    warnings = answered(webhook(rehearsal), review(READ_ONLY))["warnings"]
    assert "leadline: not rehearsed against all that was recorded: the store does not answer" in warnings


def test_a_rehearsal_that_takes_long_is_given_up_and_the_write_goes_through():
    class Slow(Rehearsal):
        def warnings(self, review: object) -> tuple[str, ...]:
            going_on.wait(30)
            return ()

    going_on = threading.Event()
    began = time.monotonic()
    answer = answered(webhook(Slow(lambda: Recorded({}))), review(READ_ONLY))
    took = time.monotonic() - began
    going_on.set()
    assert answer["allowed"]
    assert any("it took too long" in one for one in answer["warnings"])
    assert took < 20
