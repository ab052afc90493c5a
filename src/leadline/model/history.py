"""What was found over time: lives of findings, and how days ended."""

from collections.abc import Mapping

from msgspec import Struct

STATES = ("failed", "accepted", "passed", "not judged", "gone")


class Change(Struct, frozen=True, gc=False):
    at: str
    """RFC 3339, in UTC."""
    state: str
    """One of ``STATES``."""
    by: str = ""
    """``rules`` or ``database`` where these changed and not the cluster."""
    until: str = ""
    """When what accepts it ends; empty for never."""


class Life(Struct, frozen=True, gc=False):
    """What became of one finding."""

    object: str
    """``shop/Deployment/web``."""
    id: str
    """Of the control."""
    title: str
    severity: str
    changes: tuple[Change, ...]
    """The oldest first; at least one."""
    dropped: int = 0
    """Changes after the first that are not kept."""

    @property
    def state(self) -> str:
        return self.changes[-1].state

    @property
    def is_there(self) -> bool:
        return self.state in ("failed", "accepted")

    @property
    def first_seen(self) -> str:
        return self.changes[0].at

    @property
    def gone(self) -> str:
        """When it went; empty where it is there."""
        return "" if self.is_there else self.changes[-1].at

    @property
    def came_back(self) -> tuple[str, ...]:
        """When it failed again after it had been gone."""
        return tuple(
            new.at
            for old, new in zip(self.changes, self.changes[1:], strict=False)
            if old.state not in ("failed", "accepted") and new.state in ("failed", "accepted")
        )

    @property
    def accepted(self) -> tuple[tuple[str, str], ...]:
        """From and until when it was accepted; until when it will be, or empty for no end that is known."""
        spans = []
        for number, one in enumerate(self.changes):
            if one.state == "accepted":
                ended = self.changes[number + 1].at if number + 1 < len(self.changes) else one.until
                spans.append((one.at, ended))
        return tuple(spans)

    def state_at(self, moment: str) -> str:
        """Empty before it was seen first."""
        return next((one.state for one in reversed(self.changes) if one.at <= moment), "")


class Day(Struct, frozen=True):
    """How one day ended."""

    day: str
    """``2027-01-31``."""
    failed: Mapping[str, int] | None
    """By severity; ``None`` where no one looked on that day."""
    accepted: int = 0
    score: float | None = None
    objects: int = 0
    unread: int | None = None
    vulnerabilities: Mapping[str, int] | None = None
    """By severity; ``None`` where no image was matched."""
    rules: str = ""
    database: str = ""

    @property
    def total(self) -> int | None:
        return None if self.failed is None else sum(self.failed.values())


class History(Struct, frozen=True):
    subject: str
    """``namespace shop``, ``control C-0057``, ``workload shop/Deployment/web``, ``the cluster``."""
    since: str
    until: str
    """Days, both included."""
    days: tuple[Day, ...]
    """Every day of the window, the oldest first."""
    lives: tuple[Life, ...]
    """Findings that were there at some time in the window, those that are there first."""
    seen: str = ""
    """When someone looked last; empty where that is not known."""
    notes: tuple[str, ...] = ()
    """What is not known, and what is not kept."""
