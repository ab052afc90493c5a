"""Whose review comes next: of those who wait, the user whose reviews took least time lately.

First come, first served lets one user who sends large objects all the time keep everyone's reviews from being answered in
time, and what is not answered in time may be let through.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")
FORGOTTEN_S = 10.0
"""After so long, half of what a user has taken is forgotten."""
STUCK_S = 30.0
"""No review takes so long; a new process is better than one that judges nothing any more."""
MOST_WAITING = 200
"""Reviews; what comes then is answered at once, as not judged."""
MOST_OF_USER = 50
_ACCOUNT = "system:serviceaccount:"


class TooManyError(Exception):
    """So many wait already, of one user or together, that another would not be answered in time."""


class Turns(Generic[T]):
    """One thread, since the work computes, and the order in which those who wait get it."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[Future[T], Callable[[], T]]]] = {}
        self._taken: dict[str, tuple[float, float]] = {}
        """Seconds that a user has taken, and when that was so."""
        self._began = 0.0
        """When the work began that is being done; 0 where none is."""

    @property
    def is_alive(self) -> bool:
        began = self._began
        return not began or self._clock() - began < STUCK_S

    def submit(self, user: str, work: Callable[[], T]) -> Future[T]:
        """``work``, when it is the turn of ``user``. Raises: ``TooManyError``."""
        sharer = sharer_of(user)
        future: Future[T] = Future()
        with self._lock:
            mine = self._waiting.setdefault(sharer, deque())
            if len(mine) >= MOST_OF_USER or sum(map(len, self._waiting.values())) >= MOST_WAITING:
                raise TooManyError
            mine.append((future, work))
        self._thread.submit(self._next)
        return future

    def _next(self) -> None:
        with self._lock:
            now = self._clock()
            waiting = [sharer for sharer, works in self._waiting.items() if works]
            sharer = min(waiting, key=lambda one: self._taken_by(one, now))
            future, work = self._waiting[sharer].popleft()
            if not self._waiting[sharer]:
                del self._waiting[sharer]
        # Of one whose asker has left nothing is left to do.
        if not future.set_running_or_notify_cancel():
            return
        self._began = now
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            self._began = 0.0
            self._note(sharer, now)

    def _note(self, sharer: str, began: float) -> None:
        with self._lock:
            now = self._clock()
            self._taken[sharer] = (self._taken_by(sharer, now) + now - began, now)
            if len(self._taken) > MOST_WAITING:
                least = min(self._taken, key=lambda one: self._taken_by(one, now))
                del self._taken[least]

    def _taken_by(self, sharer: str, now: float) -> float:
        seconds, at = self._taken.get(sharer, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / FORGOTTEN_S))


def sharer_of(user: str) -> str:
    """Who shares one turn: anyone who may make a service account may make many, so a namespace has one for all."""
    return user.rpartition(":")[0] if user.startswith(_ACCOUNT) else user
