"""One pod of a Job that scans images: takes its slice of the batch, one image after another.

``python -m leadline.programs.operator.images.slice --config FILE --batch NAME --pods N``, the index from
``JOB_COMPLETION_INDEX``. A pod that finds an image which an earlier pod of its index was at when it ended leaves that
one alone, so that one image costs a Job no more than one pod.
"""

import asyncio
import logging
import os
import sys

import click
from msgspec.structs import replace

from leadline.api.carriers.remote import RemoteStore
from leadline.programs import service
from leadline.programs.operator.dispatch import ChildScanner, Scanner
from leadline.programs.operator.images.batches import PREFIX, slice_of
from leadline.programs.operator.images.carrier import Carrier, Clock
from leadline.programs.operator.images.jobs import Place
from leadline.programs.operator.images.notes import DatabaseWatch, rescued, version_text
from leadline.programs.operator.plan import Job
from leadline.programs.operator.plan import Settings as Pace
from leadline.programs.operator.settings import CONFIG, home_of, settings_of
from leadline.programs.operator.work_state import Work, WorkStore
from leadline.programs.serving.log import log_to_stderr
from leadline.sources.cluster.connection import async_client

log = logging.getLogger(__name__)
_TROUBLE = ("Busy", "Unreachable")


class Slice:
    """What one index of a Job has to do."""

    def __init__(self, works: WorkStore, scanner: Scanner, pace: Pace, home: str, *, clock: Clock) -> None:
        """``home``: the namespace of results about images."""
        self._works = works
        self._scanner = scanner
        self._pace = pace
        self._home = home
        self._clock = clock

    async def work(self, batch: str, index: int, pods: int, version: str) -> int:
        """How many images were scanned, or found not to be. Raises: ``StoreError``."""
        await self._works.load()
        holder = f"{PREFIX}{batch}/{index}"
        carrier = Carrier(self._works, self._scanner, self._pace, holder, self._clock)
        troubled: set[str] = set()
        done = 0
        for work in self._mine(batch, index, pods):
            if work.record.holder == holder:
                log.warning("image %s: an earlier pod ended with it", work.record.key)
                now = self._clock.now()
                for one in await rescued(self._works.store, self._home, (work,), self._pace, now=now):
                    await self._works.write(one)
            elif work.record.place in troubled and not work.record.is_kept:
                # Its registry is to be left alone: when it is asked again is for the operator to plan.
                record = replace(work.record, phase="Pending", holder="", held_until=0.0)
                await self._works.write(replace(work, record=record))
            else:
                job = Job(work.record.key, version, work.record.is_kept)
                if await carrier.begin(job):
                    answer = await carrier.carry_out(job)
                    done += 1
                    if answer.outcome.phase in _TROUBLE:
                        troubled.add(work.record.place)
        return done

    def _mine(self, batch: str, index: int, pods: int) -> list[Work]:
        """What is exposed first."""
        holders = (f"{PREFIX}{batch}", f"{PREFIX}{batch}/{index}")
        mine = [
            work
            for digest, work in self._works.works.items()
            if work.record.holder in holders and slice_of(digest, pods) == index
        ]
        return sorted(mine, key=lambda work: (not work.image.exposed_by, work.record.since, work.record.key))


async def run(config: str, batch: str, pods: int, index: int) -> int:
    """How many images were scanned. Raises: ``LeadlineError``."""
    settings = settings_of(config, os.environ, {})
    place = Place(home_of(settings), settings.kube_context, settings.kubeconfig)
    store = RemoteStore(async_client(settings.kube_context, settings.kubeconfig, environ=os.environ))
    images = replace(settings.images, workers=1)
    scanner = ChildScanner(images, place)
    version = DatabaseWatch(images.database).version() or version_text("")
    try:
        part = Slice(WorkStore(store), scanner, images.pace, place.home, clock=Clock())
        return await part.work(batch, index, pods, version)
    finally:
        await scanner.close()
        await store.close()


@click.command("image-slice")
@click.option("--config", default="", envvar=CONFIG, help="Settings, as of the operator.")
@click.option("--batch", required=True, help="Name of the Job.")
@click.option("--pods", required=True, type=click.IntRange(1), help="Of the Job.")
@click.option("--index", required=True, type=click.IntRange(0), envvar="JOB_COMPLETION_INDEX")
def command(config: str, batch: str, pods: int, index: int) -> None:
    """Scan one slice of a batch of images."""
    log_to_stderr()
    done = asyncio.run(run(config, batch, pods, index))
    log.info("%d images of %s", done, batch)


if __name__ == "__main__":
    # A failure has the Job controller begin another pod.
    sys.exit(service.run(command, None))
