"""What one user may take at a time, so that none keeps the others out: watches, writes, and bytes of request bodies.

Without a share of its own a reader of one namespace could take every watch that there is. Our own accounts, by whose
watches and writes everything else lives, and the cluster's masters take nothing from the others' share.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import MASTERS, User


class Bounds(Struct, frozen=True):
    """At a time, of one user and of all together."""

    watches: int = 200
    all_watches: int = 5_000
    writes: int = 20
    all_writes: int = 200
    body_bytes: int = 32 << 20
    all_body_bytes: int = 64 << 20


class Shares:
    """Counts what is under way."""

    def __init__(self, own_namespace: str = "", bounds: Bounds = Bounds()) -> None:  # noqa: B008 frozen
        """``own_namespace``: the accounts in it are ours; empty where there are none."""
        self._own_namespace = own_namespace
        self._bounds = bounds
        self._taken: dict[str, Counter[str]] = {
            what: Counter() for what in ("watches", "writes", "body_bytes")
        }
        self._all: Counter[str] = Counter()

    def is_own(self, user: User) -> bool:
        """Whether it is an account of ours."""
        return user.is_account_of(self._own_namespace)

    def is_unbounded(self, user: User) -> bool:
        return MASTERS in user.groups or self.is_own(user)

    @contextmanager
    def take(self, user: User, what: str, amount: int = 1) -> Iterator[None]:
        """Holds ``amount`` of ``watches``, ``writes`` or ``body_bytes`` for ``user``. Raises: ``Refusal`` where it is too much."""
        if self.is_unbounded(user):
            yield
            return
        taken = self._taken[what]
        most, most_of_all = getattr(self._bounds, what), getattr(self._bounds, f"all_{what}")
        if taken[user.name] + amount > most or self._all[what] + amount > most_of_all:
            raise refusal.too_many()
        taken[user.name] += amount
        self._all[what] += amount
        try:
            yield
        finally:
            self._all[what] -= amount
            taken[user.name] -= amount
            if not taken[user.name]:
                del taken[user.name]
