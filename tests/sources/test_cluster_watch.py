"""Following a cluster over HTTP: lists, watches, what they forget and what breaks them."""

import json
from collections.abc import Iterator
from itertools import islice

import pytest

from leadline.sources.cluster.connection import Cluster, Patience, connect
from leadline.sources.cluster.watch import ClusterWatch, watch_cluster
from list_server import Fault, Row, status
from watch_server import WatchServer, event, expired

IMPATIENT = Patience(attempts=3, first_wait_s=0.0, longest_wait_s=0.0, connect_s=5.0, silence_s=5.0)
POD = Row("", "v1", "Pod", "pods")
DEPLOYMENT = Row("apps", "v1", "Deployment", "deployments")
NODE = Row("", "v1", "Node", "nodes", namespaced=False)


@pytest.fixture
def server() -> Iterator[WatchServer]:
    with WatchServer((POD, DEPLOYMENT, NODE)) as started:
        yield started


@pytest.fixture
def cluster(server: WatchServer, tmp_path) -> Iterator[Cluster]:
    entries = {
        "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(entries))
    opened = connect(kubeconfig=str(tmp_path / "kubeconfig"), environ={}, patience=IMPATIENT)
    yield opened
    opened.close()


def pod(
    name: str, version: str = "1", image: str = "web:1", namespace: str = "shop", owner: str = ""
) -> dict:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"{namespace}-{name}",
        "resourceVersion": version,
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": image}]}}


def bookmark(version: str) -> bytes:
    return event("BOOKMARK", {"metadata": {"resourceVersion": version}})


def watching(cluster: Cluster, *kinds: str, **scope: tuple[str, ...]) -> ClusterWatch:
    return watch_cluster(cluster, kinds or ("Pod",), **scope)


def told(watch: ClusterWatch, last: str) -> tuple[list[str], list[str]]:
    """Names that went and that came, until ``last`` has come; what has changed is both."""
    went: set[str] = set()
    came: set[str] = set()
    for changes in watch.changes():
        went |= {id.rpartition("/")[2] for id in changes.removed}
        came |= {resource.name for resource in changes.added}
        if last in came:
            break
    return sorted(went), sorted(came)


def test_what_is_added_changed_and_deleted_is_told(server, cluster):
    server.add(POD, pod("a"), pod("b"), pod("c"))
    server.watches["pods"] = [
        (
            event("MODIFIED", pod("a", "3", "web:2")),
            event("DELETED", pod("b", "4")),
            event("ADDED", pod("d", "5")),
        )
    ]
    watch = watching(cluster)
    assert [one.name for one in watch.snapshot.resources] == ["a", "b", "c"]
    assert told(watch, "d") == (["a", "b"], ["a", "d"])


def test_a_kind_that_is_served_later_is_known(server, cluster):
    watch = watching(cluster, "Pod", "Middleware.traefik.io")
    assert watch.served_since() == ()
    server.rows = (*server.rows, Row("traefik.io", "v1alpha1", "Middleware", "middlewares"))
    assert watch.served_since() == ("Middleware.traefik.io",)


def test_what_is_sent_again_without_a_change_is_no_change(server, cluster):
    server.add(POD, pod("a"))
    server.watches["pods"] = [(event("MODIFIED", pod("a", "2")), event("ADDED", pod("b", "3")))]
    assert told(watching(cluster), "b") == ([], ["b"])


def test_a_watch_that_ends_goes_on_from_where_it_was(server, cluster):
    server.watches["pods"] = [
        (event("ADDED", pod("a", "7")), bookmark("9")),
        (event("ADDED", pod("b", "10")),),
    ]
    assert told(watching(cluster), "b") == ([], ["a", "b"])
    assert server.watched[:2] == [("pods", "1"), ("pods", "9")]


@pytest.mark.parametrize("forgotten", [(expired(),), Fault(410, status(410, "too old resource version"))])
def test_what_the_server_has_forgotten_is_listed_again_and_compared(server, cluster, forgotten):
    server.add(POD, pod("stays"), pod("goes"), pod("changes"))
    server.watches["pods"] = [forgotten]
    watch = watching(cluster)
    server.objects[POD].clear()
    server.add(POD, pod("stays"), pod("changes", "5", "web:2"), pod("comes"))
    assert told(watch, "comes") == (["changes", "goes"], ["changes", "comes"])


@pytest.mark.parametrize(
    "broken",
    [
        Fault(503, b"{}"),
        Fault(500, b"no JSON"),
        (b"no JSON\n",),
        (b"[]\n",),
        (b'{"type": "UNKNOWN", "object": {}}\n',),
        (),
    ],
)
def test_a_watch_that_breaks_is_taken_up_again(server, cluster, broken):
    server.watches["pods"] = [broken, (event("ADDED", pod("a", "2")),)]
    assert told(watching(cluster), "a") == ([], ["a"])


def test_a_kind_that_may_not_be_watched_is_named(server, cluster):
    server.watches["pods"] = [Fault(403, status(403, 'User "eve" cannot watch'))]
    (changes,) = islice(watching(cluster).changes(), 1)
    assert [(one.where, one.reason) for one in changes.unread] == [("pods", "forbidden")]


def test_a_change_that_no_one_can_read_is_named_and_the_next_is_followed(server, cluster):
    broken = event("ADDED", {**pod("broken"), "note": "?"}).replace(b"?", b"\xff")
    server.watches["pods"] = [(broken, event("ADDED", pod("a", "3")))]
    watch, unread, came = watching(cluster), [], []
    for changes in watch.changes():
        unread += changes.unread
        came += [one.name for one in changes.added]
        if came:
            break
    assert (came, [(one.where, one.why) for one in unread]) == (
        ["a"],
        [("pods", "cannot be watched: of a change the answer is not JSON")],
    )


def test_what_an_owner_made_is_left_to_it(server, cluster):
    server.add(DEPLOYMENT, {**pod("web"), "spec": {"template": {"spec": pod("x")["spec"]}}})
    server.watches["pods"] = [
        (event("ADDED", pod("web-1", "3", owner="shop-web")), event("ADDED", pod("lone", "4")))
    ]
    assert told(watching(cluster, "Pod", "Deployment.apps"), "lone") == ([], ["lone"])


def test_only_the_chosen_namespaces_are_followed(server, cluster):
    server.watches["pods"] = [
        (event("ADDED", pod("a", "2", namespace="other")), event("ADDED", pod("b", "3")))
    ]
    watch = watching(cluster, exclude_namespaces=("other",))
    assert told(watch, "b") == ([], ["b"])


def test_each_chosen_namespace_is_watched_by_itself(server, cluster):
    server.watches["pods"] = [(event("ADDED", pod("a", "2")),)]
    server.add(POD, pod("old"))
    watch = watching(cluster, include_namespaces=("shop",))
    assert told(watch, "a") == ([], ["a"])
    assert any("/namespaces/shop/pods?watch=1" in request for request in server.requests)


def test_a_pod_that_exceeds_its_owner_stays_when_its_status_changes(server, cluster):
    server.add(DEPLOYMENT, deployment("web:1"))
    server.add(POD, pod("a", image="sidecar:1", owner="web"), pod("b", image="sidecar:1", owner="web"))
    changed = pod("a", "3", "sidecar:1", owner="web")
    changed["status"] = {"phase": "Running"}
    server.watches["pods"] = [(event("MODIFIED", changed), event("ADDED", pod("last", "4")))]
    watch = watching(cluster, "Pod", "Deployment.apps")
    assert sorted(one.name for one in watch.snapshot.resources) == ["a", "web"]
    assert told(watch, "last") == (["a"], ["a", "last"])


@pytest.mark.parametrize(
    "what", [event("DELETED", {"metadata": {"name": "web", "namespace": "shop", "uid": "web"}}), None]
)
def test_pods_that_an_owner_no_longer_answers_for_are_judged(server, cluster, what):
    server.add(DEPLOYMENT, deployment("web:1"))
    server.add(POD, pod("a", image="web:1", owner="web"), pod("b", image="web:1", owner="web"))
    server.watches["deployments"] = [(what or event("MODIFIED", deployment("web:2")),)]
    watch = watching(cluster, "Pod", "Deployment.apps")
    watch.orphaned_s = 0.0
    assert [one.name for one in watch.snapshot.resources] == ["web"]
    # One of those that one owner made alike stands for all; without an owner each stands for itself.
    went, came = told(watch, "a" if what is None else "b")
    assert (went, came) == ((["web"], ["a", "web"]) if what is None else (["web"], ["a", "b"]))


def deployment(image: str) -> dict:
    metadata = {"name": "web", "namespace": "shop", "uid": "web", "resourceVersion": "1"}
    template = {"spec": pod("", image=image)["spec"]}
    return {"metadata": metadata, "spec": {"template": template}}
