"""Moments as people read them."""

from datetime import UTC, datetime

_STEPS = ((86_400 * 2, 86_400, "d"), (3_600 * 2, 3_600, "h"), (120, 60, "min"), (0, 1, "s"))


def age(at: str, now: str) -> str:
    """``3 min``, ``5 h``, ``12 d``; ``at`` itself where it cannot be read."""
    try:
        seconds = (_moment(now) - _moment(at)).total_seconds()
    except ValueError:
        return at
    seconds = max(0.0, seconds)
    return next(f"{int(seconds // unit)} {name}" for least, unit, name in _STEPS if seconds >= least)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)
