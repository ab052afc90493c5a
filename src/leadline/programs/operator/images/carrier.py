"""Carries one job out: says in the store that it is begun, has the image scanned, and writes what came of it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import StoreError
from leadline.programs.operator.dispatch import Scanner
from leadline.programs.operator.images.jobs import ImageAnswer, task_of
from leadline.programs.operator.plan import Job, Settings, ended, taken
from leadline.programs.operator.work_state import Result, Work, WorkStore
from leadline.scans.waivers.image_acceptance import Acceptance

log = logging.getLogger(__name__)
AGAIN_S = 5.0
_ATTEMPTS = 20
"""Of one write that others are faster with."""


def nothing_accepted(digest: str) -> Acceptance:
    """For those who do not know: what is accepted is then looked at by those who do."""
    del digest
    return Acceptance()


class Clock(Struct, frozen=True):
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Carrier:
    def __init__(
        self,
        works: WorkStore,
        scanner: Scanner,
        pace: Settings,
        holder: str,
        clock: Clock,
        *,
        acceptance_of: Callable[[str], Acceptance] = nothing_accepted,
    ) -> None:
        """``holder`` is who is said to work on what is begun; ``acceptance_of`` what is accepted, by digest."""
        self._acceptance_of = acceptance_of
        self._works = works
        self._scanner = scanner
        self._pace = pace
        self._holder = holder
        self._clock = clock

    async def begin(self, job: Job) -> bool:
        """False where someone else has it. Raises: ``StoreError``."""
        work = self._works.works.get(job.key)
        if work is None:
            return False
        record = taken(work.record, self._holder, self._pace, self._clock.now())
        return await self._works.write(replace(work, record=record))

    async def carry_out(self, job: Job) -> ImageAnswer:
        """What was begun. Waits for a store that cannot be reached."""
        work = self._works.works[job.key]
        manifest = work.result.counts.manifest if job.is_stored and work.result else ""
        answer = await self._scanner.scan(task_of(work.image, manifest, self._acceptance_of(job.key)))
        log.info("image %s: %s %s", job.key, answer.outcome.phase, answer.outcome.why)
        while not await self._settled(job, answer):
            await self._clock.sleep(AGAIN_S)
        return answer

    async def _settled(self, job: Job, answer: ImageAnswer) -> bool:
        """Whether what came of it is written; false where the store cannot be reached now."""
        work: Work | None = None
        try:
            for _ in range(_ATTEMPTS):
                work = self._works.works.get(job.key)
                if work is None or work.record.holder != self._holder:
                    return True  # someone else has it by now
                record = ended(work.record, job, answer.outcome, self._pace, self._clock.now())
                result = result_of(answer) or work.result
                if await self._works.write(replace(work, record=record, result=result)):
                    return True
        except StoreError as error:
            log.warning("image %s: what came of it is not stored yet: %s", job.key, error)
            return work is None or self._clock.now() > work.record.held_until
        return True


def result_of(answer: ImageAnswer) -> Result | None:
    """What is to be remembered of what was stored; ``None`` where nothing was."""
    if answer.counts is None:
        return None
    return Result(answer.counts, answer.at, answer.database, answer.seconds, answer.accepted)
