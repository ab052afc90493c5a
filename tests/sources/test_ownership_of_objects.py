"""Which objects are judged at their owner, whatever comes, changes and goes in the meantime."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from leadline.sources.cluster.owners import Key, Ownership

KINDS = {"Deployment": "Deployment.apps", "ReplicaSet": "ReplicaSet.apps", "Pod": "Pod"}
OWNER_OF = {"ReplicaSet": "Deployment", "Pod": "ReplicaSet"}
RANK = list(KINDS)
NAMES = st.sampled_from(["a", "b", "c"])


@st.composite
def an_object(draw: st.DrawFn) -> dict[str, Any]:
    kind, name = draw(st.sampled_from(RANK)), draw(NAMES)
    generation = draw(st.integers(0, 1))
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "uid": f"{kind}-{name}-{generation}"}
    if kind in OWNER_OF and draw(st.booleans()):
        uid = f"{OWNER_OF[kind]}-{draw(NAMES)}-{draw(st.integers(0, 1))}"
        metadata["ownerReferences"] = [{"uid": uid, "controller": True}]
    images = draw(
        st.lists(st.sampled_from(["web:1", "web:2", "proxy:1"]), min_size=1, max_size=2, unique=True)
    )
    spec: dict[str, Any] = {"containers": [{"name": image, "image": image} for image in images]}
    body: dict[str, Any] = {"kind": kind, "metadata": metadata}
    if kind == "Pod":
        return {**body, "apiVersion": "v1", "spec": spec}
    replicas = draw(st.sampled_from([0, 1]))
    return {**body, "apiVersion": "apps/v1", "spec": {"replicas": replicas, "template": {"spec": spec}}}


def key_of(body: dict[str, Any]) -> Key:
    return KINDS[body["kind"]], body["metadata"]["namespace"], body["metadata"]["name"]


def outcome(bodies: dict[Key, dict[str, Any]], judged: set[Key]) -> Counter[Any]:
    """What is judged, without which of several of one owner that are alike."""
    shapes: Counter[Any] = Counter()
    for key in judged:
        body = bodies[key]
        owners = body["metadata"].get("ownerReferences") or [{"uid": str(key)}]
        shapes[key[0], owners[0]["uid"], repr(body["spec"].get("template") or body["spec"])] += 1
    return shapes


def afresh(bodies: dict[Key, dict[str, Any]]) -> set[Key]:
    ownership = Ownership()
    ordered = sorted(bodies.items(), key=lambda one: (RANK.index(one[1]["kind"]), one[0]))
    return {key for key, body in ordered if not ownership.is_judged_at_owner(key[0], body)}


@given(st.lists(st.tuples(an_object(), st.booleans()), max_size=25))
def test_after_any_series_of_changes_what_is_judged_is_what_a_fresh_reading_judges(changes):
    ownership = Ownership()
    bodies: dict[Key, dict[str, Any]] = {}
    judged: set[Key] = set()

    def show(key: Key) -> None:
        judged.discard(key)
        if not ownership.is_judged_at_owner(key[0], bodies[key]):
            judged.add(key)

    for body, is_gone in changes:
        key = key_of(body)
        if is_gone:
            bodies.pop(key, None)
            judged.discard(key)
            ownership.forget(key)
        else:
            bodies[key] = body
            show(key)
        while turned := ownership.turned():
            for other, is_left_out in turned.items():
                if is_left_out:
                    judged.discard(other)
                else:
                    show(other)
        assert outcome(bodies, judged) == outcome(bodies, afresh(bodies))
        assert ownership.left_out == len(bodies) - len(judged)


def pod(name: str, image: str, owner: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "uid": name}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "c", "image": image}]},
    }


def replica_set(image: str) -> dict[str, Any]:
    template = {"spec": pod("", image)["spec"]}
    metadata = {"name": "web", "namespace": "shop", "uid": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {"template": template},
    }


def test_the_one_that_is_judged_stays_when_it_is_shown_again_and_another_takes_its_place_when_it_goes():
    ownership = Ownership()
    ownership.is_judged_at_owner("ReplicaSet.apps", replica_set("web:1"))
    assert not ownership.is_judged_at_owner("Pod", pod("b", "sidecar:1", "web"))
    assert ownership.is_judged_at_owner("Pod", pod("a", "sidecar:1", "web"))
    assert not ownership.is_judged_at_owner("Pod", pod("b", "sidecar:1", "web"))
    ownership.forget(("Pod", "shop", "b"))
    assert ownership.turned() == {("Pod", "shop", "a"): False}


def test_what_an_owner_leaves_behind_is_judged_and_what_an_owner_comes_to_is_not():
    ownership = Ownership()
    ownership.is_judged_at_owner("ReplicaSet.apps", replica_set("web:1"))
    assert ownership.is_judged_at_owner("Pod", pod("a", "web:1", "web"))
    ownership.forget(("ReplicaSet.apps", "shop", "web"))
    assert ownership.turned() == {("Pod", "shop", "a"): False}
    ownership.is_judged_at_owner("ReplicaSet.apps", replica_set("web:1"))
    assert ownership.turned() == {("Pod", "shop", "a"): True}
    ownership.is_judged_at_owner("ReplicaSet.apps", replica_set("web:2"))
    assert ownership.turned() == {("Pod", "shop", "a"): False}
