"""What is shown now: kept current while one looks, and narrowed to what each user may see."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from leadline.api.protocol import Readable
from leadline.api.selection import Key
from leadline.errors import LeadlineError
from leadline.programs.service import give_back_memory
from leadline.programs.serving.following import Followed, Follower
from leadline.scans.pages.page import Ask, built
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.stored import READERS, known_of
from leadline.scans.pages.world import Known, World

log = logging.getLogger(__name__)
_SETTLE_S = 0.2
"""After a change others follow; pages are made again once they have."""
_MOST_VIEWS = 20
"""Sets of namespaces that are kept worked out at a time."""


class Shown:
    """The newest that is known, and the views of it."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.namespaces = _namespaces(known)
        """That hold something."""
        self._views: OrderedDict[frozenset[str] | None, asyncio.Future[World]] = OrderedDict()
        self.revision = 0
        self.why_old = ""
        """Why what is shown is not current; empty where it is."""
        self.changed = asyncio.Event()
        """Set, and replaced, with each change."""

    @property
    def known(self) -> Known:
        return self._known

    async def world(self, seen: frozenset[str] | None) -> World:
        """Of the user who may see these namespaces; worked out once, beside what else is answered."""
        view = self._views.get(seen)
        if view is None:
            view = asyncio.ensure_future(asyncio.to_thread(_prepared, self._known, seen))
            self._views[seen] = view
            if len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(seen)
        world = await asyncio.shield(view)
        world.say_old(self.why_old)
        return world

    async def become(self, known: Known) -> None:
        """The whole view is worked out before anyone waits for it."""
        old = self._views.get(None)
        before = old.result() if old is not None and old.done() else None
        whole = await asyncio.to_thread(_prepared, known, None, before)
        self._known = known
        self.namespaces = _namespaces(known)
        self._views.clear()
        self._views[None] = asyncio.get_running_loop().create_future()
        self._views[None].set_result(whole)
        self.revision += 1
        self.wake()

    def say_old(self, why: str) -> None:
        if why != self.why_old:
            self.why_old = why
            self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


def _namespaces(known: Known) -> frozenset[str]:
    return frozenset(one.namespace for one in known.report.resources if one.namespace)


def _prepared(known: Known, seen: frozenset[str] | None, before: World | None = None) -> World:
    world = World(known, seen, before)
    # What is worked out once is worked out here and not while someone waits.
    _ = world.rows, world.risks, world.by_key, world.severities, world.report.numbers
    # The first page is asked for most, and takes longest.
    asyncio.run(built(PAGES[0], world, Ask()))
    give_back_memory()
    return world


class StoredKinds:
    """The stored objects that pages are made of, as ``Follower`` keeps them."""

    def __init__(self) -> None:
        self._followed = tuple(Followed[Any](plural, read) for plural, read in READERS.items())

    @property
    def followed(self) -> tuple[Followed[Any], ...]:
        return self._followed

    @property
    def version(self) -> int:
        return sum(one.version for one in self._followed)

    @property
    def facts(self) -> Mapping[str, Mapping[Key, Any]]:
        return {one.plural: dict(one.facts) for one in self._followed}

    @property
    def unreadable(self) -> frozenset[Key]:
        return frozenset().union(*(one.unreadable for one in self._followed))


class Keeper:
    """Follows a store, and makes the pages again when it changes."""

    def __init__(self, shown: Shown, opened: Callable[[], Readable]) -> None:
        self._shown = shown
        self._opened = opened
        self._store: Readable | None = None
        self._kinds = StoredKinds()
        self._follower = Follower(self._kinds, self._open)

    async def run(self) -> None:
        """Does not return."""
        await asyncio.gather(self._follower.run(), self._make())

    def _open(self) -> Readable:
        self._store = self._opened()
        return self._store

    async def _make(self) -> None:
        made = -1
        while True:
            changed = self._follower.changed
            self._say_age()
            if self._kinds.version == made or self._store is None:
                await changed.wait()
                continue
            await asyncio.sleep(_SETTLE_S)
            made, store = self._kinds.version, self._store
            left = [name for name in READERS if name not in self._follower.listed]
            reading = ", ".join(left)
            before = self._shown.known
            known = await asyncio.to_thread(
                known_of, self._kinds.facts, store, before.command, reading, self._kinds.unreadable
            )
            await self._shown.become(replace(known, is_kubernetes=before.is_kubernetes))

    def _say_age(self) -> None:
        why = ""
        if self._shown.known.reading:
            why = (
                "The store does not answer; what leadline ui prints says why."
                if self._follower.is_lost
                else ""
            )
        elif not self._follower.is_up:
            why = "The store does not answer: this is what was read last."
        self._shown.say_old(why)


class Polled:
    """Asks every few seconds, and makes the pages again when the answer is another."""

    def __init__(
        self, shown: Shown, read: Callable[[], Known], mark: Callable[[], object], every_s: float = 30.0
    ) -> None:
        """``mark`` is another value once ``read`` gives something else, and costs little."""
        self._shown = shown
        self._read = read
        self._mark = mark
        self._every_s = every_s

    async def run(self) -> None:
        """Does not return."""
        made: object = None
        while True:
            why = ""
            try:
                mark = await asyncio.to_thread(self._mark)
                if mark != made:
                    await self._shown.become(await asyncio.to_thread(self._read))
                    made = mark
            except LeadlineError as error:
                why = f"This is what was read last: {error}."
            self._shown.say_old(why)
            await asyncio.sleep(self._every_s)
