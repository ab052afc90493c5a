"""The half of the operator that follows what agents record: profiles of workloads, suggestions and their states."""

import asyncio
import logging
from collections.abc import Callable

from leadline.api.protocol import Store, pages_of
from leadline.api.selection import Selection
from leadline.errors import LeadlineError
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.behaviour import PROFILES
from leadline.scans.suggesting.keeping import SUGGESTIONS, keep_behaviour

log = logging.getLogger(__name__)
LOOK_S = 30.0
"""So often it is looked for new records and approvals, which costs two lists without bodies."""


class Behaviour:
    """``read`` reads the cluster, ``every_s`` seconds apart at least, and as often where suggestions wait for something."""

    def __init__(
        self, store: Store, read: Callable[[], RehearsalTarget], every_s: float, look_s: float = LOOK_S
    ) -> None:
        self._store = store
        self._read = read
        self._every_s = every_s
        self._look_s = look_s

    async def run(self) -> None:
        """Does not return. What fails is tried again."""
        seen, read_at, said = "", float("-inf"), ""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._look_s)
            problem = ""
            try:
                now, waits = await self._look()
                is_due = clock() - read_at >= self._every_s
                if now and is_due and (now != seen or waits):
                    read_at = clock()
                    problem = await self._round()
                    seen = now
            except LeadlineError as error:
                problem = str(error.args[0])
            if problem and problem != said:
                log.warning("what agents recorded is not followed: %s; tried again", problem)
            said = problem

    async def _round(self) -> str:
        """What went wrong; empty where nothing did."""
        target = await asyncio.to_thread(self._read)
        kept = await keep_behaviour(self._store, target)
        if kept.workloads or kept.suggestions:
            log.info("profiles of workloads written: %d, suggestions: %d", kept.workloads, kept.suggestions)
        return kept.problems[0] if kept.problems else ""

    async def _look(self) -> tuple[str, bool]:
        """What names the records and suggestions that are there, empty without any; whether a suggestion is there."""
        found, has_suggestion = [], False
        for plural in (PROFILES, SUGGESTIONS):
            async for entries in pages_of(self._store, Selection(plural, with_body=False)):
                found += [f"{entry.key.namespace}/{entry.key.name}@{entry.revision}" for entry in entries]
                has_suggestion |= plural == SUGGESTIONS and bool(entries)
        return "\n".join(found), has_suggestion
