"""Equal values are kept once, and those that nothing holds are let go of."""

from typing import Any

from leadline.kept_once import KeptOnce


def test_the_first_of_equal_values_is_given():
    kept: KeptOnce[str, Any] = KeptOnce()
    first, second = ["a"], ["a"]
    assert kept.one("a", first) is first
    assert kept.one("a", second) is first


def test_what_changes_all_the_time_takes_no_more_room():
    kept: KeptOnce[str, Any] = KeptOnce()
    held = [kept.one(f"held {n}", {"n": n}) for n in range(500)]
    for n in range(20_000):
        kept.one(f"new {n}", {"new": n})
        assert len(kept) <= 500 * 5 // 4 + 1_001
    for n, value in enumerate(held):
        assert kept.one(f"held {n}", {"n": n}) is value


def test_values_that_are_their_own_keys_are_let_go_of_as_well():
    kept: KeptOnce[tuple[int, ...], tuple[int, ...]] = KeptOnce()
    held = []
    for n in range(20_000):
        value = (n, n)
        given = kept.one(value, value)
        if n % 100 == 0:
            held.append(given)
        assert len(kept) <= 200 * 5 // 4 + 1_001
    for value in held:
        equal = (value[0], value[1])
        assert kept.one(equal, equal) is value


def test_parts_of_what_nothing_holds_follow_it():
    kept: KeptOnce[str, Any] = KeptOnce()
    for n in range(5_000):
        inner = kept.one(f"inner {n}", [n])
        kept.one(f"outer {n}", {"inner": inner})
    assert len(kept) < 3_000
