"""What an alert is, and what every receiver of alerts does."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from leadline.errors import LeadlineError

Labels = tuple[tuple[str, str], ...]
"""Names and values, by name; two alerts with the same labels are one."""
NAME = "alertname"
OF_WORKLOAD = ("namespace", "workload_kind", "workload")
"""The labels by which alerts are grouped."""


class DeliveryError(LeadlineError):
    """A receiver did not take what it was sent; it can be sent again."""

    exit_code = 3


class Alert(Struct, frozen=True):
    labels: Labels
    annotations: Mapping[str, str]
    """``summary`` is there always; further ones are ``description`` and ``fix``, and what would make labels of too many values."""
    started_s: float
    """Seconds since 1970."""
    ended_s: float | None = None
    """``None`` while it is firing."""

    @property
    def name(self) -> str:
        return dict(self.labels).get(NAME, "")

    @property
    def severity(self) -> str:
        return dict(self.labels).get("severity", "")

    @property
    def summary(self) -> str:
        return self.annotations.get("summary") or self.name

    @property
    def is_firing(self) -> bool:
        return self.ended_s is None


class Group(Struct, frozen=True):
    """Alerts about one workload, or of one name where they are about none; all firing, or all over."""

    labels: Labels
    alerts: tuple[Alert, ...]

    @property
    def is_firing(self) -> bool:
        return self.alerts[0].is_firing

    @property
    def title(self) -> str:
        """``shop/deployment/web``, or the name of the alert."""
        found = dict(self.labels)
        return found.get(NAME) or "/".join(filter(None, (found.get(name, "") for name in OF_WORKLOAD)))


class Receiver(Protocol):
    @property
    def repeats_s(self) -> float | None:
        """How often alerts that continue firing are to be sent again, lest the receiver takes them for over; ``None`` for never."""

    async def send(self, group: Group, now_s: float) -> None:
        """Raises: ``DeliveryError``."""


def grouped(alerts: Iterable[Alert], most: int) -> list[Group]:
    """Those that fire apart from those that are over; a group has at most ``most`` alerts, larger ones are parted."""
    members: dict[tuple[Labels, bool], list[Alert]] = {}
    for alert in alerts:
        members.setdefault((_group_of(alert), alert.is_firing), []).append(alert)
    return [
        Group(labels, tuple(part)) for (labels, _), found in members.items() for part in _parts(found, most)
    ]


def moment(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _group_of(alert: Alert) -> Labels:
    found = dict(alert.labels)
    if "workload" in found:
        return tuple((name, found.get(name, "")) for name in OF_WORKLOAD)
    return ((NAME, alert.name),)


def _parts(alerts: Sequence[Alert], most: int) -> Iterable[Sequence[Alert]]:
    return (alerts[start : start + most] for start in range(0, len(alerts), most))
