"""When scans are due: by settings, and by ScanSchedule objects. What is due becomes a ScanRun, which is an order.

The run of a moment has a name of its own, so that it is ordered once, however often the operator starts. Of moments
that passed while no operator ran, the last is made up for.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Struct

from leadline.api.posture_results import slug
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Store
from leadline.api.selection import Key
from leadline.errors import StoreError, UsageError
from leadline.programs.operator.runs import IMAGES, POSTURE
from leadline.programs.serving.cron import nearest
from leadline.scans.stored.scan_runs import RUNS, all_of, written

log = logging.getLogger(__name__)
SCHEDULES = "scanschedules"
LOOK_S = 20.0
SHIPPED = "full-scan"
"""Name of the schedule of the settings."""
_LONGEST_NAME = 200
Body = dict[str, Any]


class Schedule(Struct, frozen=True):
    name: str
    expression: str
    """Five fields of cron."""
    since: datetime
    """Moments up to here are over."""
    time_zone: str = "UTC"
    subject: str = POSTURE


def due(schedule: Schedule, now: datetime) -> datetime | None:
    """The last moment that has come and was not answered; in UTC.

    Raises: ``UsageError`` where the schedule has no meaning.
    """
    moment = _moment(schedule, now, is_past=True)
    return moment if moment is not None and moment > schedule.since else None


def next_after(schedule: Schedule, now: datetime) -> datetime | None:
    """Raises: ``UsageError`` where the schedule has no meaning."""
    return _moment(schedule, now, is_past=False)


class Schedules:
    """Orders what is due."""

    def __init__(self, store: Store, full_scan: str) -> None:
        self._store = store
        self._full_scan = full_scan
        self._began = datetime.now(UTC)
        self._logged = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.order(datetime.now(UTC))

    async def order(self, now: datetime) -> None:
        """Creates the runs that are due. A store that fails is asked again the next time."""
        try:
            if self._full_scan:
                # The last for which there is a run; our start where there is none.
                moments = [
                    moment
                    for entry in await all_of(self._store, RUNS)
                    if (moment := _moment_of(entry.key.name, SHIPPED)) is not None
                ]
                since = max(moments, default=self._began)
                await self._order(Schedule(SHIPPED, self._full_scan, since), now)
            for entry in await all_of(self._store, SCHEDULES):
                await self._look_at(entry, now)
        except StoreError as error:
            if str(error) != self._logged:
                self._logged = str(error)
                log.warning("schedules cannot be looked at: %s", error)

    async def _look_at(self, entry: Entry, now: datetime) -> None:
        whole = orjson.loads(entry.content.body)
        spec, status = whole.get("spec") or {}, whole.get("status") or {}
        metadata = orjson.loads(entry.content.metadata)
        since = _instant(status.get("lastScheduleAt")) or _instant(metadata.get("creationTimestamp"))
        schedule = Schedule(
            entry.key.name,
            str(spec.get("schedule") or ""),
            since or self._began,
            str(spec.get("timeZone") or "UTC"),
            str(spec.get("subject") or POSTURE),
        )
        new: Body = {name: status[name] for name in ("lastScheduleAt", "lastRun") if status.get(name)}
        try:
            if schedule.subject not in (POSTURE, IMAGES):
                raise UsageError(f"subject is {POSTURE} or {IMAGES}, not {schedule.subject}")
            coming = next_after(schedule, now)
            new["nextScheduleAt"] = "" if spec.get("suspend") or coming is None else written(coming)
            if not spec.get("suspend") and (run := await self._order(schedule, now)):
                new |= {"lastRun": run[0], "lastScheduleAt": written(run[1])}
            new["message"] = "suspended" if spec.get("suspend") else ""
        except UsageError as error:
            new["message"] = str(error)
        if new != {name: value for name, value in status.items() if name in new or value}:
            body = orjson.dumps({**whole, "status": new})
            try:
                await self._store.put(
                    Put(entry.key, Content(entry.content.metadata, body=body), entry.revision)
                )
            except ConflictError:
                # It was changed meanwhile, and is looked at again.
                return

    async def _order(self, schedule: Schedule, now: datetime) -> tuple[str, datetime] | None:
        """Name and moment of the run that was due; ``None`` where none was."""
        moment = due(schedule, now)
        if moment is None:
            return None
        name = f"{slug(schedule.name)[:_LONGEST_NAME]}-{moment:%Y%m%dt%H%Mz}"
        spec = {"subject": schedule.subject, "trigger": f"schedule {schedule.name}"}
        content = Content(orjson.dumps({"name": name}), body=orjson.dumps({"spec": spec}))
        try:
            await self._store.put(Put(Key(RUNS, "", name), content, ABSENT))
        except ConflictError:
            # Ordered before we ended the last time.
            return name, moment
        log.info("%s is due: ScanRun %s", schedule.name, name)
        return name, moment


def _moment(schedule: Schedule, now: datetime, *, is_past: bool) -> datetime | None:
    return nearest(schedule.expression, schedule.time_zone, now, is_past=is_past)


def _moment_of(run: str, schedule: str) -> datetime | None:
    """The moment that a run is for, if it is one of ``schedule``."""
    name, _, moment = run.rpartition("-")
    if name != schedule:
        return None
    try:
        return datetime.strptime(moment, "%Y%m%dt%H%Mz").replace(tzinfo=UTC)
    except ValueError:
        return None


def _instant(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
