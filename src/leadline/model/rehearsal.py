"""What recorded behaviour a policy would have blocked, had it been there."""

from typing import Literal

from msgspec import Struct

from leadline.model.container import Container
from leadline.model.profile import Use
from leadline.model.unread import Unread

Verdict = Literal["allowed", "blocked", "unknown"]


class Outcome(Struct, frozen=True, rename="camel"):
    """One thing that a container did, and what becomes of it."""

    kind: str
    """``connection``, ``file``, ``capability``, ``user``, ``syscall``, ``request``."""
    what: str
    """``connects to 192.0.2.1:443/TCP``, ``writes /var/lib/x``."""
    verdict: Verdict
    why: str = ""
    """Empty where it is allowed."""
    by: str = ""
    """The policy, with the field that decides: ``shop/NetworkPolicy/web spec.egress[0]``."""
    use: Use = Use()


class Rehearsed(Struct, frozen=True, rename="camel"):
    """One container."""

    container: Container
    completion: str
    reasons: tuple[str, ...]
    """Why its profile is partial."""
    since_s: float
    until_s: float
    outcomes: tuple[Outcome, ...]
    """What was judged, in the order of kinds."""


class RehearsalReport(Struct, frozen=True, rename="camel"):
    containers: tuple[Rehearsed, ...]
    policies: tuple[str, ...]
    """Those that were judged by."""
    not_judged: tuple[Unread, ...]
    """Policies and containers that nothing could be said of."""
    unread: tuple[Unread, ...]
    """What may hold more policies or profiles."""
    notes: tuple[str, ...] = ()

    def number(self, verdict: Verdict) -> int:
        return sum(one.verdict == verdict for container in self.containers for one in container.outcomes)
