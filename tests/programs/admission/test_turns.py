"""Of those who wait, the one whose work took least time lately comes first, and none waits for all of another's."""

import threading
from concurrent.futures import Future

import pytest

from leadline.programs.admission.turns import (
    FORGOTTEN_S,
    MOST_OF_USER,
    STUCK_S,
    TooManyError,
    Turns,
    sharer_of,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Busy:
    """Turns whose thread is held until ``go``, so that everything waits; work takes what it says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns: Turns[str] = Turns("test", self.clock)
        self.done: list[str] = []
        self._held = threading.Event()
        begun = threading.Event()

        def hold() -> str:
            begun.set()
            return str(self._held.wait(30))

        self.turns.submit("first", hold)
        begun.wait(30)

    def add(self, user: str, seconds: float) -> Future[str]:
        def work() -> str:
            self.clock.now += seconds
            self.done.append(user)
            return user

        return self.turns.submit(user, work)

    def go(self, *futures: Future[str]) -> list[str]:
        self._held.set()
        for future in futures:
            future.result(30)
        return self.done


def test_a_user_with_a_little_to_ask_waits_for_one_work_of_another_at_most():
    busy = Busy()
    heavy = [busy.add("heavy", 1.0) for _ in range(10)]
    light = [busy.add("light", 0.01) for _ in range(3)]
    done = busy.go(*heavy, *light)
    assert done.index("light") <= 1
    assert done[-8:] == ["heavy"] * 8


def test_many_accounts_of_a_namespace_wait_as_one():
    busy = Busy()
    many = [busy.add(f"system:serviceaccount:shop:a{i}", 1.0) for i in range(10)]
    one = busy.add("jane", 1.0)
    assert busy.go(*many, one).index("jane") <= 1
    assert sharer_of("system:serviceaccount:shop:a") == sharer_of("system:serviceaccount:shop:b")
    assert sharer_of("system:serviceaccount:shop:a") != sharer_of("system:serviceaccount:farm:a")


def test_what_was_taken_is_forgotten():
    busy = Busy()
    busy.go(busy.add("once", 8.0))
    busy.clock.now += 10 * FORGOTTEN_S
    held = threading.Event()
    busy.turns.submit("first", lambda: str(held.wait(30)))
    works = [busy.add("other", 1.0), busy.add("other", 1.0), busy.add("once", 0.1)]
    held.set()
    for work in works:
        work.result(30)
    assert busy.done.index("once", 1) <= 2


def test_one_user_fills_not_the_whole_queue():
    busy = Busy()
    mine = [busy.add("heavy", 0.0) for _ in range(MOST_OF_USER)]
    with pytest.raises(TooManyError):
        busy.add("heavy", 0.0)
    busy.go(*mine, busy.add("light", 0.0))


def test_work_that_no_one_waits_for_is_not_done_and_a_fault_is_passed_on():
    busy = Busy()
    left = busy.add("one", 0.0)
    assert left.cancel()

    def broken() -> str:
        raise ValueError("broken")

    fault = busy.turns.submit("one", broken)
    assert busy.go(busy.add("one", 0.0)) == ["one"]
    with pytest.raises(ValueError, match="broken"):
        fault.result(30)


def test_work_that_does_not_end_is_noticed():
    busy = Busy()
    assert busy.turns.is_alive
    busy.clock.now += STUCK_S + 1
    assert not busy.turns.is_alive
    busy.go(busy.add("one", 0.0))
