"""Names of containers from the runtime's answers and the list of pods."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.model.container import Container
from leadline.scans.observing.naming import Naming, pod_names

UID = "0b1f0c3e-1111-2222-3333-444455556666"


def pod(owner: dict[str, object] | None, **metadata: object) -> dict[str, object]:
    owners = [{**owner, "controller": True}] if owner else []
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": UID, "ownerReferences": owners, **metadata},
        "spec": {"containers": [{"name": "main", "image": "shop/web:1"}]},
    }


@pytest.mark.parametrize(
    ("owner", "labels", "workload"),
    [
        ({"kind": "ReplicaSet", "name": "web-5d4f"}, {"pod-template-hash": "5d4f"}, ("Deployment", "web")),
        ({"kind": "ReplicaSet", "name": "web"}, {}, ("ReplicaSet", "web")),
        ({"kind": "StatefulSet", "name": "store"}, {}, ("StatefulSet", "store")),
        (None, {}, ("Pod", "web-1")),
    ],
)
def test_the_workload_of_a_pod(
    owner: dict[str, object] | None, labels: dict[str, str], workload: tuple[str, str]
):
    found = pod_names([pod(owner, labels=labels)])[UID]
    assert (found.workload_kind, found.workload) == workload
    assert (found.name, found.namespace, found.images) == ("web-1", "shop", {"main": "shop/web:1"})


def test_a_static_pod_is_known_by_the_hash_that_its_control_group_has():
    found = pod_names([pod(None, annotations={"kubernetes.io/config.hash": "abc"})])
    assert found["abc"] == found[UID]


def test_without_runtime_and_cluster_the_id_has_to_do():
    one = Container("abc")
    assert Naming("none")(one) == (one, True)


def test_a_runtime_that_does_not_answer_is_counted_and_asked_again(tmp_path: Path):
    naming = Naming(str(tmp_path / "no.sock"))
    one = Container("abc", pod_uid=UID)
    assert naming(one) == (one, False)
    assert naming.ask(dict(naming.wanted)) == {}
    assert naming.failures == 1
    assert naming.wanted == {"abc": one}


def test_names_are_whole_once_runtime_and_cluster_have_spoken_in_either_order(tmp_path: Path):
    one = Container("abc", pod_uid=UID)
    whole = Container("abc", "main", "shop/web:1", "", "web-1", UID, "shop", "Pod", "web-1")
    answer = {"abc": Container("abc", name="main", pod_uid=UID)}
    for pods_come_first in (True, False):
        naming = Naming(str(tmp_path / "no.sock"), has_cluster=True)
        if pods_come_first:
            naming.take_pods(pod_names([pod(None)]))
            assert naming(one)[1] is False
        naming.take(answer)
        if not pods_come_first:
            # Another pod of the same second: what is known of it is not all there will be.
            assert naming(one) == (answer["abc"], False)
            naming.take_pods(pod_names([pod(None)]))
        named, is_all = naming(one)
        assert (replace(named, revision=""), is_all, len(named.revision)) == (whole, True, 10)


def test_a_container_of_no_pod_does_not_wait_for_the_cluster():
    one = Container("abc")
    assert Naming("none", has_cluster=True)(one) == (one, True)


def test_pods_that_are_remembered_are_bounded():
    naming = Naming("none", has_cluster=True)
    for number in range(10_000):
        naming.take_pods(pod_names([pod(None, uid=str(number))]))
    assert naming(Container("abc", pod_uid="9999"))[1]
    assert not naming(Container("abc", pod_uid="1"))[1]


def test_what_is_wanted_is_bounded(tmp_path: Path):
    naming = Naming(str(tmp_path / "no.sock"))
    for number in range(10_000):
        naming(Container(str(number)))
    assert len(naming.wanted) == 8_192
