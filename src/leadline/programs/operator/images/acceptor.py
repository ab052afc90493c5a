"""Keeps what is accepted in images in step with those who accept it: stored results are looked at again, nothing is scanned."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kinds.images import Counted
from leadline.api.kinds.scans import NamedSource
from leadline.programs.operator.dispatch import Scanner
from leadline.programs.operator.images.carrier import Clock, result_of
from leadline.programs.operator.images.jobs import task_of
from leadline.programs.operator.images.used import InUse, title_of
from leadline.programs.operator.plan import Job, Outcome, Settings, ended
from leadline.programs.operator.work_state import ImageOfCluster, Work, WorkStore
from leadline.scans.stored.image_results import RunningContainer
from leadline.scans.waivers.image_acceptance import Acceptance, ImageWaivers, Seen, View
from leadline.scans.waivers.waiving import image_names
from leadline.waivers.match import Subject

log = logging.getLogger(__name__)
AGAIN_S = 60.0
"""After one that failed."""
NOTHING = Acceptance()


class _Known(Struct, frozen=True):
    """What was worked out for an image, and out of what."""

    sources: tuple[NamedSource, ...]
    subjects: Sequence[Subject]
    seen: Seen
    views: Mapping[int, View]
    """Of each of ``subjects``, by its ``id``."""


class Acceptor:
    """Has at most ``settings.at_a_time`` results looked at together, and each image by no two."""

    def __init__(self, works: WorkStore, scanner: Scanner, settings: Settings, clock: Clock) -> None:
        self._works = works
        self._scanner = scanner
        self._settings = settings
        self._clock = clock
        self._waivers: ImageWaivers | None = None
        self._until: datetime | None = None
        """When what was worked out holds no longer, though nothing changes; ``None`` for never."""
        self._images: dict[str, _Known] = {}
        self._failed: dict[str, tuple[str, float]] = {}
        """The stamp that was not reached, and when it is tried again, by digest."""
        self.is_known = False
        """Whether it is known what is accepted."""

    def look(self, running: InUse, waivers: ImageWaivers | None) -> None:
        """Works out what is to be accepted now; ``None`` before anything is known of that."""
        self.is_known = waivers is not None
        if waivers is None:
            return
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        if waivers is not self._waivers or (self._until is not None and now >= self._until):
            self._waivers, self._until = waivers, waivers.next_end(now)
            self._images.clear()
        self._images = {
            digest: self._worked_out(self._images.get(digest), image, _subjects(image, running), now)
            for digest, image in running.images.items()
        }

    def of(self, digest: str) -> Acceptance:
        known = self._images.get(digest)
        return known.seen.acceptance if known is not None else NOTHING

    def _worked_out(
        self, known: _Known | None, image: ImageOfCluster, subjects: Sequence[Subject], now: datetime
    ) -> _Known:
        assert self._waivers is not None
        if known is not None and known.sources == image.sources and _are_same(known.subjects, subjects):
            return known
        names = (known for source in image.sources for known in image_names(source.name))
        seen = self._waivers.seen(tuple(dict.fromkeys((*names, image.digest))), subjects, now)
        views = {id(subject): view for subject, view in zip(subjects, seen.views, strict=bool(seen.views))}
        return _Known(image.sources, subjects, seen, views)

    def _view_of(self, digest: str, subjects: Sequence[Subject]) -> View:
        """That in which ``subjects`` see the image; empty where they do not see the same."""
        views = {self._images[digest].views.get(id(subject), "") for subject in subjects}
        return views.pop() if len(views) == 1 else ""

    def is_current(self, work: Work) -> bool:
        """Whether its result says what is accepted now, as far as that is known."""
        return not self.is_known or (
            work.result is not None and work.result.accepted.stamp == self.of(work.image.digest).stamp
        )

    def stale(self, running: InUse, busy: Mapping[str, object]) -> list[Work]:
        """Results to look at again now."""
        now, found = self._clock.now(), []
        for digest in running.images:
            work = self._works.works.get(digest)
            if work is None or work.result is None or work.record.phase == "Running" or digest in busy:
                continue
            stamp, again_at = self._failed.get(digest, ("", 0.0))
            if not self.is_current(work) and not (stamp == self.of(digest).stamp and again_at > now):
                found.append(work)
        return found[: max(0, self._settings.at_a_time - len(busy))]

    def seen_by(self, work: Work, container: RunningContainer, running: InUse) -> tuple[Counted, str]:
        """What ``container`` has of the image of a current result; and what names that which it accepts."""
        assert work.result is not None
        result = work.result
        acceptance = self.of(work.image.digest)
        if not acceptance.stamp:
            return result.counts.counted, ""
        # Two objects of one name in two API groups may see it differently: then nothing is accepted.
        view = self._view_of(work.image.digest, running.subjects.get(title_of(container), ()))
        return result.accepted.counted(view) or result.counts.counted, f"{acceptance.stamp}.{view}"

    def findings(self, running: InUse) -> dict[str, int]:
        """That each exception is about, by its source, over all images that run."""
        found = Counter[str]()
        for digest in running.images:
            work = self._works.works.get(digest)
            if work is not None and work.result is not None:
                found.update(work.result.accepted.findings)
        return found

    async def carry_out(self, digest: str) -> None:
        """Looks at one again. Raises: ``StoreError``."""
        acceptance = self.of(digest)
        work = self._works.works[digest]
        if work.result is None:
            return
        task = task_of(work.image, work.result.counts.manifest, acceptance)
        answer = await self._scanner.scan(replace(task, is_scanned=True))
        log.info(
            "image %s: what is accepted is looked at: %s %s", digest, answer.outcome.phase, answer.outcome.why
        )
        current = self._works.works.get(digest)
        if current is None or current.record.phase == "Running":
            return
        if answer.outcome.phase == "Done" and answer.counts is not None:
            self._failed.pop(digest, None)
            seconds = current.result.seconds if current.result else 0.0
            result = result_of(answer)
            await self._works.write(
                replace(current, result=replace(result, seconds=seconds) if result else None)
            )
        elif answer.outcome.phase == "Lost":
            job = Job(digest, current.record.version, is_stored=True)
            record = ended(current.record, job, Outcome("Lost"), self._settings, self._clock.now())
            await self._works.write(replace(current, record=record))
        else:
            self._failed[digest] = (acceptance.stamp, self._clock.now() + AGAIN_S)


def _are_same(before: Sequence[Subject], after: Sequence[Subject]) -> bool:
    """The very same, which they are as long as nothing changes."""
    return len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))


def _subjects(image: ImageOfCluster, running: InUse) -> list[Subject]:
    titles = dict.fromkeys(one.rpartition(": ")[0] for one in image.workloads)
    return [one for title in titles for one in running.subjects.get(title, ())]
