"""A source, as the tables know it."""

from msgspec import Struct

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
"""As numbers, in the tables."""


class Source(Struct, frozen=True):
    id: int
    tenant: str
    name: str
    kind: str
    created: str
    every: int
    """Seconds within which something is expected."""
    entries: int
    """Of its log, as far as the tables know them."""
    mode: str
    """``report`` or ``changes``, as its first message was; empty before."""
    sequence: int
    previous: str
    received: str
    program: str
    rules: str
    objects: int
    judged: int
    unread: int
    scope: str = ""
    """What its whole reports are about."""
    usual_objects: int = 0
    """As it was when nothing was suspicious about it, or a person settled that; so are the other three."""
    usual_judged: int = 0
    usual_unread: int = 0
    usual_program: str = ""
    taken: int = 0
    """Bytes that its log took on the day of ``received``."""
    tenant_id: int = 0
