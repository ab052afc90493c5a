"""Ranks that follow changes are those of a fresh look, whatever is in front of the pods."""

import copy

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from ways_to_pods import OBJECTS

from leadline.model.resource import CLUSTER, Resource, resource_of
from leadline.model.risk import WorkloadRisk
from leadline.posture.catalogue import load_controls
from leadline.posture.inventory import Facts
from leadline.posture.risk.followed_risks import FollowedRisks
from leadline.posture.risk.ranking import risk_of
from leadline.posture.worlds import Worlds

FAILED = tuple(one.facts for one in load_controls() if one.id in ("C-0013", "C-0057", "C-0012"))
FACTS = Facts(is_whole=True)
CHANGE = st.tuples(st.sampled_from(range(len(OBJECTS))), st.booleans())
"""Which object, and whether it comes or goes; two of one name are two versions of it."""


def fresh(objects: list[Resource]) -> dict[str, WorkloadRisk | None]:
    worlds = Worlds(objects, FACTS)
    return {one.id: risk_of(one, worlds.around(one), FAILED) for one in worlds.resources}


@given(st.lists(st.lists(CHANGE, min_size=1, max_size=3), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_after_any_series_of_changes_ranks_are_those_of_a_fresh_look(steps: list[list[tuple[int, bool]]]):
    present: dict[str, Resource] = {one.id: one for one in map(resource_of, copy.deepcopy(OBJECTS))}
    worlds = Worlds(present.values(), FACTS)
    followed = FollowedRisks(worlds, lambda read: read)
    ranks = {one.id: followed.of(one, FAILED) for one in worlds.resources}
    for step in steps:
        removed: set[str] = set()
        added: dict[str, Resource] = {}
        for number, comes in step:
            one = resource_of(copy.deepcopy(OBJECTS[number]), CLUSTER)
            removed |= {one.id} & present.keys()
            added.pop(one.id, None)
            if comes:
                added[one.id] = one
        present = {id: one for id, one in present.items() if id not in removed or id in added} | added
        _, stale = worlds.change(removed, added.values())
        touched = set(followed.touched(stale))
        for id in removed | added.keys() | touched:
            followed.forget(id)
            ranks.pop(id, None)
            if (resource := worlds.get(id)) is not None:
                ranks[id] = followed.of(resource, FAILED)
        event("ranks touched by others" if touched - removed - added.keys() else "none touched")
        assert ranks == fresh(list(present.values()))


def ranked() -> tuple[list[Resource], Worlds, FollowedRisks]:
    first = [resource_of(one) for one in copy.deepcopy(OBJECTS) if one["kind"] in ("Namespace", "Deployment")]
    worlds = Worlds(list({one.id: one for one in first}.values()), FACTS)
    followed = FollowedRisks(worlds, lambda read: read)
    for one in worlds.resources:
        followed.of(one, FAILED)
    return list(worlds.resources), worlds, followed


def test_a_change_of_one_workload_touches_no_rank_of_another():
    resources, worlds, followed = ranked()
    (web,) = (one for one in resources if one.name == "web")
    body = copy.deepcopy(web.body)
    body["metadata"]["annotations"] = {"a": "b"}
    _, stale = worlds.change([web.id], [resource_of(body)])
    assert set(followed.touched(stale)) - {web.id} == set()


def test_what_is_forgotten_is_touched_by_nothing():
    resources, worlds, followed = ranked()
    for one in resources:
        followed.forget(one.id)
    _, stale = worlds.change([one.id for one in resources], ())
    assert list(followed.touched(stale)) == []
