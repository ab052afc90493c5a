"""Moments as Kubernetes writes them, and ages as kubectl shows them."""

from datetime import UTC, datetime

_DAY_S = 86_400


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(moment: str, at: datetime) -> str:
    """``5m``, ``3d``; ``<unknown>`` where ``moment`` is none. As duration.HumanDuration of k8s.io/apimachinery."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return "<unknown>"
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = max(0, int((at - then).total_seconds()))
    return _words(seconds)


def _words(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // _DAY_S
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y"
