"""Verdicts that follow changes are those of a fresh scan."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge
from leadline.posture.follow import Followed
from leadline.posture.inventory import Facts
from leadline.posture.verdicts import Judgement
from leadline.posture.worlds import Worlds
from object_series import Change, resource_like, series

CONTROLS = [control for control in load_controls() if control.check]


def play(followed: Followed, worlds: Worlds, changes: list[Change]) -> None:
    for numbers, added, is_change in changes:
        present = worlds.resources
        gone = {present[number % len(present)].id for number in numbers} if present else set()
        new = list(added)
        if is_change:
            new = [resource_like(one, worlds.get(id)) for one, id in zip(added, sorted(gone), strict=False)]
        before = followed.judgement.findings
        difference = followed.change(gone, new)
        after = followed.judgement.findings
        assert sorted(map(repr, difference.appeared)) == sorted(repr(f) for f in after if f not in before)
        assert sorted(map(repr, difference.went)) == sorted(repr(f) for f in before if f not in after)


def same(left: Judgement, right: Judgement) -> None:
    for field in ("resources", "judged", "joined", "findings", "skips", "unread"):
        assert getattr(left, field) == getattr(right, field), field


@pytest.mark.parametrize("is_cluster", [True, False], ids=["cluster", "folders"])
@given(data=st.data(), is_whole=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_after_any_series_of_changes_the_verdicts_are_those_of_a_fresh_scan(is_cluster, data, is_whole):
    first, changes = data.draw(series(is_cluster))
    judge = Judge(CONTROLS, facts=Facts(is_whole=is_whole, server_version="v1.24.1"))
    worlds = Worlds(first, judge.facts)
    followed = Followed(judge, worlds)
    same(followed.judgement, judge.everything(Worlds(first, judge.facts)))
    play(followed, worlds, changes)
    same(followed.judgement, judge.everything(Worlds(worlds.resources, judge.facts)))


@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_at_the_start_nothing_is_held_that_can_be_worked_out_again(data: st.DataObject):
    first, _ = data.draw(series(True))
    worlds = Worlds(first)
    Followed(Judge(CONTROLS), worlds)
    workloads = [one for world in worlds for one in world.workloads]
    assert [vars(one) for one in workloads if vars(one)] == []
    for one in workloads:
        assert one.containers is not None
    worlds.settle(worlds.resources)
    assert [vars(one) for one in workloads if vars(one)] == []


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_inventory_that_was_changed_answers_like_a_new_one(data):
    first, changes = data.draw(series(True))
    judge = Judge(CONTROLS)
    worlds = Worlds(first)
    judge.everything(worlds)
    for numbers, added, _ in changes:
        present = worlds.resources
        worlds.change({present[n % len(present)].id for n in numbers} if present else (), added)
        judge.everything(worlds)
    same(judge.everything(worlds), judge.everything(Worlds(worlds.resources)))
