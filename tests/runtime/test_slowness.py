"""Which own rules are left out of which containers since they are slow there, on a clock of numbers."""

from leadline.runtime.slowness import (
    FIRST_REST_S,
    FREE_NS,
    LONGEST_REST_S,
    MOST_ABOVE_NS,
    MOST_CONTAINERS,
    Slowness,
    is_resting,
)

SECOND_NS = 1_000_000_000


def test_one_long_event_and_many_that_are_a_little_long_rest_a_rule_in_that_container_alone():
    slowness = Slowness()
    assert slowness.add("S1", "c1", MOST_ABOVE_NS + FREE_NS, 0) == FIRST_REST_S
    above = [slowness.add("S2", "c1", 2 * FREE_NS, 0) for _ in range(MOST_ABOVE_NS // FREE_NS)]
    assert above == [0] * (len(above) - 1) + [FIRST_REST_S]
    assert [is_resting(slowness.of("c1"), rule, SECOND_NS) for rule in ("S1", "S2", "S3")] == [
        True,
        True,
        False,
    ]
    assert not is_resting(slowness.of("c2"), "S1", SECOND_NS)
    assert slowness.resting(SECOND_NS) == {"S1": 1, "S2": 1}
    assert slowness.resting((FIRST_REST_S + 1) * SECOND_NS) == {}


def test_a_pause_of_the_machine_now_and_then_rests_nothing():
    slowness = Slowness()
    for _ in range(100):
        assert slowness.add("S1", "c1", MOST_ABOVE_NS // 4, 0) == 0
        for _ in range(MOST_ABOVE_NS // 4 // FREE_NS + 20):
            assert slowness.add("S1", "c1", 5_000, 0) == 0
    assert slowness.of("c1") is None


def test_each_rest_is_longer_than_the_one_before_so_that_a_rule_that_is_slow_everywhere_costs_little():
    slowness = Slowness()
    rests = [slowness.add("S1", "c1", SECOND_NS, 0) for _ in range(9)]
    assert rests == [60, 120, 240, 480, 960, 1920, LONGEST_REST_S, LONGEST_REST_S, LONGEST_REST_S]


def test_what_is_remembered_of_containers_is_bounded():
    slowness = Slowness()
    for number in range(MOST_CONTAINERS + 9):
        slowness.add("S1", str(number), SECOND_NS, 0)
    assert slowness.resting(1) == {"S1": MOST_CONTAINERS}
    slowness.forget("S1")
    assert slowness.resting(1) == {}
