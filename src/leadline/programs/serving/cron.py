"""Moments of a schedule: the server refuses one that has no meaning, and the operator orders what is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from leadline.errors import UsageError


def nearest(expression: str, time_zone: str, now: datetime, *, is_past: bool) -> datetime | None:
    """The moment before or after ``now`` of five fields of cron, in UTC; ``None`` where there is none.

    Raises: ``UsageError`` where the schedule has no meaning.
    """
    zone = zone_of(time_zone)
    # The moment that has just come counts as past.
    start = now.astimezone(zone).replace(second=0, microsecond=0) + timedelta(minutes=1 if is_past else 0)
    try:
        moments: Iterator[datetime] = CronSim(expression, start, reverse=is_past)
        found = next(moments, None)
    except CronSimError as error:
        raise _invalid(expression, str(error)) from error
    return None if found is None else found.astimezone(UTC)


def zone_of(time_zone: str) -> ZoneInfo:
    """Raises: ``UsageError`` where there is no such time zone."""
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"unknown time zone {time_zone[:60]}") from error


def check(expression: str, time_zone: str = "UTC", *, is_new: bool = False) -> None:
    """``is_new``: it is written now. Settings and objects of before may have a sixth field, for seconds.

    Raises: ``UsageError`` where it has no meaning.
    """
    if is_new and len(expression.split()) != 5:
        raise _invalid(expression, "Wrong number of fields")
    nearest(expression, time_zone, datetime.now(UTC), is_past=False)


def _invalid(expression: str, why: str) -> UsageError:
    text = f"schedule {expression[:60]!r} is not valid: {why}"
    return UsageError(text, hint="write five fields of cron, for example 0 3 * * *")
