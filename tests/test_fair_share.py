"""What is kept where there is too much: noise of one costs no other anything."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.fair_share import fairly

ITEMS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 9)), max_size=60)


@given(ITEMS, st.integers(0, 60))
def test_no_share_is_cut_while_another_holds_more(items: list[tuple[str, str, int]], most: int):
    ordered = fairly(items, lambda one: one[0], lambda one: one[:2])
    assert sorted(ordered) == sorted(items)
    kept, cut = ordered[:most], ordered[most:]
    for depth in (1, 2):
        for lost in cut:
            peers = {one[:depth] for one in items if one[: depth - 1] == lost[: depth - 1]}
            numbers = {peer: sum(one[:depth] == peer for one in kept) for peer in peers}
            assert max(numbers.values()) <= numbers[lost[:depth]] + 1


@given(ITEMS, ITEMS)
def test_what_one_adds_takes_from_no_other_more_than_its_half(
    mine: list[tuple[str, str, int]], noise: list[tuple[str, str, int]]
):
    mine = [("m", *one[1:]) for one in mine]
    kept = fairly([*noise, *mine], lambda one: one[0] == "m")[: 2 * len(mine)]
    assert [one for one in kept if one[0] == "m"] == mine
