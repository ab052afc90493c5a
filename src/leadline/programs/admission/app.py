"""Two ASGI applications: one that takes reviews, one that shows numbers."""

import asyncio
import logging
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from leadline.programs.admission.counts import Counts
from leadline.programs.admission.known_waivers import KnownWaivers
from leadline.programs.admission.rehearsing import LONGEST_S, Rehearsal, not_rehearsed
from leadline.programs.admission.reviewer import Decision, Reviewer
from leadline.programs.admission.turns import TooManyError, Turns
from leadline.programs.admission.wire import Answer, Malformed, Review, TooLarge, read_review, written
from leadline.programs.serving.plain_server import METRICS, TEXT, Send, send_whole
from leadline.scans.observing.sessions import Session

log = logging.getLogger(__name__)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
MOST_HELD_BYTES = 24 << 20
"""Of large reviews that are under way, together, at each path."""
MOST_SMALL_BYTES = 8 << 20
"""Of all others: an ordinary object finds room whatever large ones are on their way."""
SMALL_BYTES = 64 << 10
PATH, GUARDED_PATH, SESSIONS_PATH = "/validate", "/validate/guarded", "/sessions"
"""The second takes workloads and RBAC alone; the third ways into pods, which are always allowed."""
T = TypeVar("T")


class _TooMuch(Exception):  # noqa: N818
    """The body is larger than reviews may be, or all that are under way are."""


class Webhook:
    """Judges what may be denied in one thread, and in another what cannot be, so that the first waits for none of it."""

    def __init__(
        self,
        reviewer: Reviewer,
        waivers: KnownWaivers,
        counts: Counts,
        entered: Callable[[Session], None] | None = None,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        """``entered`` takes ways into pods; ``None`` where they are not watched.

        ``rehearsal``: what else is warned of; it has a thread of its own, and no denial waits for it.
        """
        self._entered = entered
        self._reviewer = reviewer
        self._waivers = waivers
        self._counts = counts
        self._largest_bytes = reviewer.settings.largest_body_mib << 20
        self._deciding: Turns[Decision] = Turns("reviews")
        self._warning: Turns[Decision] = Turns("reviews of what is not denied")
        self._rehearsal = rehearsal
        self._rehearsing: Turns[tuple[str, ...]] = Turns("rehearsals")
        self._held_bytes: Counter[str] = Counter()
        self.is_ending = False

    def end(self) -> None:
        """It is ready no more."""
        self.is_ending = True

    @property
    def is_ready(self) -> bool:
        return self._waivers.is_tried and not self.is_ending

    @property
    def is_alive(self) -> bool:
        return self._deciding.is_alive and self._warning.is_alive

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path in (PATH, GUARDED_PATH, SESSIONS_PATH) and method == "POST":
            status, kind, body = await self._answer(scope, receive)
        elif path == "/livez":
            status, kind, body = (200, TEXT, b"ok\n") if self.is_alive else (503, TEXT, b"stuck\n")
        elif path == "/readyz":
            status, kind, body = (200, TEXT, b"ok\n") if self.is_ready else (503, TEXT, b"not ready\n")
        else:
            status, kind, body = (
                404,
                TEXT,
                b"there is POST /validate, /validate/guarded, /sessions, /livez and /readyz\n",
            )
        await send_whole(send, status, kind, body)

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, str, bytes]:
        length = dict(scope["headers"]).get(b"content-length", b"")
        # The API server always says how long it is.
        size = int(length) if length.isdigit() else self._largest_bytes + 1
        try:
            if size > self._largest_bytes:
                raise _TooMuch("body too large")
            place, most = (
                ("small", MOST_SMALL_BYTES) if size <= SMALL_BYTES else (scope["path"], MOST_HELD_BYTES)
            )
            if self._held_bytes[place] + size > most:
                raise _TooMuch("too many at once")
            self._held_bytes[place] += size
            try:
                return await self._held(receive, size, scope["path"])
            finally:
                self._held_bytes[place] -= size
        except _TooMuch as why:
            self._counts.refused(str(why))
            return 413 if size > self._largest_bytes else 503, TEXT, f"{why}\n".encode()
        except TimeoutError:
            self._counts.refused("body too slow")
            return 408, TEXT, b"the review did not arrive in time\n"
        except Malformed as why:
            self._counts.refused("malformed")
            return 400, TEXT, f"{why}\n".encode()

    async def _held(self, receive: Receive, size: int, path: str) -> tuple[int, str, bytes]:
        async with asyncio.timeout(self._reviewer.settings.timeout_s):
            content = await _body(receive, size)
        began = time.perf_counter()
        try:
            review = read_review(content)
        except TooLarge as reason:
            review = Review(reason.uid, "")
            decision = self._reviewer.too_large(reason.uid, reason.why)
        else:
            is_session = path == SESSIONS_PATH
            decision = self._watched(review) if is_session else await self._decided(review)
            if (
                self._rehearsal is not None
                and not is_session
                and decision.answer.is_allowed
                and not decision.why
            ):
                more = await _in_turn(
                    self._rehearsing,
                    review,
                    partial(self._rehearsal.warnings, review),
                    LONGEST_S,
                    lambda why: (not_rehearsed(why),),
                )
                answer = replace(decision.answer, warnings=(*decision.answer.warnings, *more))
                decision = replace(decision, answer=answer)
        self._counts.decided(review.operation, decision, time.perf_counter() - began)
        if decision.outcome == "denied":
            controls = sorted({control for control, effect in decision.effects if effect == "denied"})
            title = "/".join(filter(None, (review.namespace, review.kind.kind, review.name)))
            what = ",".join(controls[:20]) or decision.why
            log.info("denied %s of %s: %s", review.operation, title[:300], what)
        return 200, "application/json", written(decision.answer)

    def _watched(self, review: Review) -> Decision:
        """Allows it whatever it is, and hands it on."""
        if self._entered is not None and review.operation == "CONNECT":
            try:
                options = msgspec.json.decode(review.object, type=dict[str, Any] | None) or {}
            except (msgspec.DecodeError, UnicodeDecodeError):
                options = {}
            session = Session(
                review.sub_resource, review.namespace, review.name, review.user_info.username, options
            )
            self._entered(session)
        return Decision(Answer(review.uid, is_allowed=True), "allowed")

    async def _decided(self, review: Review) -> Decision:
        turns = self._deciding if self._reviewer.may_deny(review) else self._warning

        def decide() -> Decision:
            return self._reviewer.decide(review, self._waivers.known, datetime.now(UTC))

        seconds = self._reviewer.settings.timeout_s
        return await _in_turn(turns, review, decide, seconds, partial(self._reviewer.failed, review))


async def _in_turn(
    turns: Turns[T], review: Review, work: Callable[[], T], seconds: float, otherwise: Callable[[str], T]
) -> T:
    """What ``work`` gives; ``otherwise`` says why it gave nothing within ``seconds``."""

    def guarded() -> T:
        try:
            return work()
        except Exception as error:
            # Without its message, which may repeat what was judged.
            where = "".join(traceback.format_tb(error.__traceback__)[-5:])
            log.error("a fault of this program: %s\n%s", type(error).__name__, where)
            return otherwise("a fault of this program")

    try:
        waited = turns.submit(review.user_info.username, guarded)
    except TooManyError:
        return otherwise("too many at once")
    try:
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(waited)), seconds)
    except TimeoutError:
        waited.cancel()
        return otherwise("it took too long")


class Shown:
    """``/metrics``, ``/healthz`` and ``/readyz``."""

    def __init__(self, counts: Counts, webhook: Webhook) -> None:
        self._counts = counts
        self._webhook = webhook

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["path"]:
            case "/metrics":
                await send_whole(send, 200, METRICS, self._counts.text())
            case "/healthz" | "/livez":
                await send_whole(send, 200, TEXT, b"ok\n")
            case "/readyz":
                is_ready = self._webhook.is_ready
                await send_whole(
                    send, 200 if is_ready else 503, TEXT, b"ok\n" if is_ready else b"not ready\n"
                )
            case _:
                await send_whole(send, 404, TEXT, b"there is /metrics, /healthz and /readyz\n")


async def _body(receive: Receive, size: int) -> bytes:
    """Raises: ``Malformed`` for one of another size than was said."""
    parts: list[bytes] = []
    left = size
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("it ended early")
        parts.append(message.get("body", b""))
        left -= len(parts[-1])
        if left < 0:
            raise Malformed("it is longer than was said")
        if not message.get("more_body"):
            return b"".join(parts)
