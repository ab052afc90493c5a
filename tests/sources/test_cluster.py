import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from leadline.errors import ClusterError
from leadline.model.unread import AccessRule, Unread
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.sources.cluster.connection import Cluster, Patience, connect
from leadline.sources.cluster.discovery import ApiKind
from leadline.sources.cluster.listing import Lister, Progress, Scope
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.reader import get_workload, read_cluster
from list_server import Fault, ListServer, Row, status

IMPATIENT = Patience(attempts=3, first_wait_s=0.0, longest_wait_s=0.0, connect_s=5.0, silence_s=5.0)

POD = Row("", "v1", "Pod", "pods", short=("po",))
SECRET = Row("", "v1", "Secret", "secrets")
NAMESPACE = Row("", "v1", "Namespace", "namespaces", namespaced=False)
NODE = Row("", "v1", "Node", "nodes", namespaced=False)
DEPLOYMENT = Row("apps", "v1", "Deployment", "deployments", short=("deploy",))
REPLICA_SET = Row("apps", "v1", "ReplicaSet", "replicasets")
INGRESS = Row("networking.k8s.io", "v1", "Ingress", "ingresses")
OLD_INGRESS = Row("extensions", "v1beta1", "Ingress", "ingresses")
WIDGET = Row("shop.example", "v1", "Widget", "widgets")
GADGET = Row("shop.example", "v1", "Gadget", "gadgets")
ROWS = (POD, SECRET, NAMESPACE, NODE, DEPLOYMENT, REPLICA_SET, INGRESS, OLD_INGRESS, WIDGET, GADGET)


def an_object(name: str, namespace: str = "shop", owner: str = "", **fields: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
    if owner:
        metadata["ownerReferences"] = [{"kind": "Any", "name": "any", "uid": owner, "controller": True}]
    return {"metadata": metadata, **fields}


def pods(count: int) -> list[dict[str, Any]]:
    return [an_object(f"pod-{i:05}") for i in range(count)]


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer(ROWS) as running:
        yield running


@pytest.fixture
def cluster(server: ListServer, tmp_path: Path) -> Iterator[Cluster]:
    found = connect(kubeconfig=kubeconfig(tmp_path, server.url), environ={}, patience=IMPATIENT)
    yield found
    found.close()


def kubeconfig(folder: Path, url: str, user: Mapping[str, Any] | None = None, **cluster: Any) -> str:
    path = folder / "kubeconfig"
    entries = {
        "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(entries))
    return str(path)


def names(cluster: Cluster, *kinds: str, **scope: Any) -> list[str]:
    return [resource.title for resource in read_cluster(cluster, kinds, **scope).resources]


def test_objects_of_all_pages_are_read_in_order(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1201))
    snapshot = read_cluster(cluster, {"Pod"})
    assert [r.name for r in snapshot.resources] == [f"pod-{i:05}" for i in range(1201)]
    assert snapshot.objects == 1201
    assert snapshot.unread == ()
    assert snapshot.server_version == "v1.36.3"
    assert sum("/pods?" in request for request in server.requests) == 3


def test_only_wanted_kinds_are_listed(server: ListServer, cluster: Cluster) -> None:
    read_cluster(cluster, {"Pod", "Ingress.networking.k8s.io", "Rollout.argoproj.io"})
    lists = sorted(request.partition("?")[0] for request in server.requests if "limit" in request)
    assert lists == ["/api/v1/pods", "/apis/networking.k8s.io/v1/ingresses"]


def test_a_kind_of_an_old_group_is_found_under_its_new_name(tmp_path: Path) -> None:
    with ListServer((POD, OLD_INGRESS)) as server:
        server.add(OLD_INGRESS, an_object("web"))
        cluster = connect(kubeconfig=kubeconfig(tmp_path, server.url), environ={}, patience=IMPATIENT)
        (resource,) = read_cluster(cluster, {"Ingress.networking.k8s.io"}).resources
        cluster.close()
    assert (resource.api_version, resource.kind, resource.name) == ("extensions/v1beta1", "Ingress", "web")


def test_one_object_under_two_groups_is_read_once(server: ListServer, cluster: Cluster) -> None:
    server.add(WIDGET, an_object("same"))
    server.add(GADGET, an_object("same"))
    assert names(cluster, "Widget.shop.example", "Gadget.shop.example") == ["shop/Gadget/same"]


@pytest.mark.parametrize("aggregated", [True, False])
def test_both_forms_of_discovery_lead_to_the_same_objects(tmp_path: Path, aggregated: bool) -> None:
    with ListServer(ROWS, aggregated=aggregated) as server:
        server.add(POD, *pods(2))
        server.add(NODE, an_object("node1", namespace=""))
        cluster = connect(kubeconfig=kubeconfig(tmp_path, server.url), environ={}, patience=IMPATIENT)
        assert names(cluster, "Pod", "Node") == ["Node/node1", "shop/Pod/pod-00000", "shop/Pod/pod-00001"]
        cluster.close()


def test_a_broken_api_group_is_named_and_the_rest_is_read(server: ListServer, cluster: Cluster) -> None:
    server.stale = (("broken.example", "v1"),)
    server.add(POD, *pods(1))
    snapshot = read_cluster(cluster, {"Pod", "Thing.broken.example"})
    assert [r.name for r in snapshot.resources] == ["pod-00000"]
    assert snapshot.unread == (
        Unread("API group broken.example", "its API server does not answer", "unreachable"),
    )
    assert snapshot.unread_kinds == {"Thing.broken.example"}


def test_a_forbidden_kind_is_unread_with_the_missing_rule(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1))
    server.forbidden.add("/apis/apps/v1/deployments")
    snapshot = read_cluster(cluster, {"Pod", "Deployment.apps"})
    assert snapshot.unread == (
        Unread(
            "deployments.apps",
            'forbidden: User "eve" cannot list resource "deployments" in API group "apps" at the cluster scope',
            "forbidden",
            hint='needs the RBAC rule {apiGroups: ["apps"], resources: [deployments], verbs: [list]}, '
            "or --include-namespaces with those you may list",
            rule=AccessRule("deployments", "apps", is_namespaced=True),
        ),
    )
    assert snapshot.unread_kinds == {"Deployment.apps"}
    assert [r.name for r in snapshot.resources] == ["pod-00000"]


def test_nothing_readable_is_an_error_that_says_why(server: ListServer, cluster: Cluster) -> None:
    server.forbidden.add("/api/v1/nodes")
    with pytest.raises(ClusterError) as caught:
        read_cluster(cluster, {"Node"})
    assert str(caught.value) == (
        "nothing can be read in the cluster of context test: nodes: "
        'forbidden: User "eve" cannot list resource "nodes" in API group "" at the cluster scope; '
        'needs the RBAC rule {apiGroups: [""], resources: [nodes], verbs: [list]}'
    )


def test_included_namespaces_are_listed_by_themselves(server: ListServer, cluster: Cluster) -> None:
    server.add(NAMESPACE, an_object("a", ""), an_object("b", ""), an_object("c", ""))
    server.add(POD, an_object("one", "a"), an_object("two", "b"), an_object("three", "c"))
    server.forbidden.add("/api/v1/pods")
    assert names(cluster, "Pod", "Namespace", include_namespaces=["a", "c"]) == [
        "Namespace/a",
        "Namespace/c",
        "a/Pod/one",
        "c/Pod/three",
    ]


def test_many_included_namespaces_are_listed_at_once_where_that_is_allowed(
    server: ListServer, cluster: Cluster
) -> None:
    included = [f"n{i}" for i in range(12)]
    server.add(NAMESPACE, *(an_object(name, "") for name in included))
    server.add(POD, *(an_object("p", name) for name in [*included, "other"]))
    wanted = [f"{name}/Pod/p" for name in included]
    assert names(cluster, "Pod", include_namespaces=included) == wanted
    assert sum("/pods" in request for request in server.requests) == 1
    server.forbidden.add("/api/v1/pods")
    assert names(cluster, "Pod", include_namespaces=included) == wanted


def test_an_included_namespace_that_is_not_there_is_unread(server: ListServer, cluster: Cluster) -> None:
    snapshot = read_cluster(cluster, {"Pod"}, include_namespaces=["gone"])
    assert snapshot.unread == (Unread("namespace gone", "namespace not found", "missing"),)


def test_excluded_namespaces_are_left_to_the_server(server: ListServer, cluster: Cluster) -> None:
    server.add(NAMESPACE, an_object("a", ""), an_object("b", ""))
    server.add(POD, an_object("one", "a"), an_object("two", "b"))
    assert names(cluster, "Pod", "Namespace", exclude_namespaces=["a"]) == ["Namespace/b", "b/Pod/two"]
    assert "/api/v1/pods?limit=500&fieldSelector=metadata.namespace%21%3Da" in server.requests


def test_a_server_without_field_selectors_is_filtered_here(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, an_object("one", "a"), an_object("two", "b"))
    server.faults.append(("/pods", Fault(400, status(400, "field label not supported"))))
    assert names(cluster, "Pod", exclude_namespaces=["a"]) == ["b/Pod/two"]


def test_an_expired_list_goes_on_with_the_token_of_the_answer(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1200))
    server.faults.append(("continue=500", Fault(410, status(410, "expired", **{"continue": "499"}))))
    snapshot = read_cluster(cluster, {"Pod"})
    assert [r.name for r in snapshot.resources] == [f"pod-{i:05}" for i in range(1200)]
    assert snapshot.unread == ()


def test_an_expired_list_without_a_token_starts_again_once(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1200))
    server.faults.append(("continue=1000", Fault(410, status(410, "expired"))))
    snapshot = read_cluster(cluster, {"Pod"})
    assert [r.name for r in snapshot.resources] == [f"pod-{i:05}" for i in range(1200)]
    assert snapshot.unread == ()
    assert snapshot.objects == 1200


def test_a_list_that_expires_again_is_unread_with_its_count(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1200))
    server.faults += [
        ("continue=1000", Fault(410, status(410, "too old"))),
        ("continue=500", Fault(410, status(410, "too old"))),
    ]
    snapshot = read_cluster(cluster, {"Pod"})
    assert snapshot.unread == (Unread("pods", "too old; 1,000 were read before", "unreachable"),)
    assert len(snapshot.resources) == 1000


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_waited_for(server: ListServer, cluster: Cluster, code: int) -> None:
    server.add(POD, *pods(600))
    server.faults.append(("continue=500", Fault(code, status(code, "busy"), (("Retry-After", "1"),))))
    seen: list[Progress] = []
    snapshot = read_cluster(cluster, {"Pod"}, progress=seen.append)
    assert len(snapshot.resources) == 600
    assert snapshot.unread == ()
    assert seen == [
        Progress("pods", 500, remaining=100),
        Progress("pods", 500, waiting_s=0.0, why="busy"),
        Progress("pods", 600),
    ]


def test_a_server_that_stays_busy_is_unread_with_its_count(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(600))
    server.faults += [("continue=500", Fault(429, status(429, "too many requests")))] * 3
    snapshot = read_cluster(cluster, {"Pod"})
    assert snapshot.unread == (Unread("pods", "too many requests; 500 were read before", "unreachable"),)
    assert snapshot.unread_kinds == {"Pod"}


def test_retry_after_is_bounded(server: ListServer, tmp_path: Path) -> None:
    server.faults.append(("/version", Fault(503, b"{}", (("Retry-After", "86400"),))))
    connect(kubeconfig=kubeconfig(tmp_path, server.url), environ={}, patience=IMPATIENT).close()


def test_a_cut_connection_is_tried_again(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(600))
    server.faults.append(("continue=500", Fault()))
    snapshot = read_cluster(cluster, {"Pod"})
    assert len(snapshot.resources) == 600
    assert snapshot.unread == ()


def test_a_connection_that_stays_cut_is_unread_with_its_count(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(600))
    server.faults += [("continue=500", Fault())] * 3
    (fault,) = read_cluster(cluster, {"Pod"}).unread
    assert fault.where == "pods"
    assert fault.why.endswith("; 500 were read before")


def test_a_server_that_is_lost_before_anything_is_read_is_named(server: ListServer, cluster: Cluster) -> None:
    server.faults += [("/api", Fault(200, b"x"))] * 40
    message = f"lost the cluster of context test at {cluster.server}: the answer is not JSON"
    for read in (
        lambda: read_cluster(cluster, {"Pod"}),
        lambda: get_workload(cluster, "shop", "Pod", "web"),
    ):
        with pytest.raises(ClusterError) as caught:
            read()
        assert str(caught.value) == message


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b'{"items": 1}', b"{}", b"null", b"\xff\xfe", b'{"items": [' * 2000]
)
def test_an_answer_that_is_no_list_is_unread(server: ListServer, cluster: Cluster, body: bytes) -> None:
    server.add(NODE, an_object("node1", ""))
    server.faults += [("/pods", Fault(200, body))] * 3
    snapshot = read_cluster(cluster, {"Pod", "Node"})
    assert [fault.where for fault in snapshot.unread] == ["pods"]
    assert [r.name for r in snapshot.resources] == ["node1"]


def test_items_of_the_wrong_shape_are_passed_over(server: ListServer, cluster: Cluster) -> None:
    body = {
        "items": [
            1,
            None,
            {"metadata": []},
            {"metadata": {"name": 5, "namespace": [], "ownerReferences": {}}},
            an_object("good"),
        ]
    }
    server.faults.append(("/pods", Fault(200, json.dumps(body).encode())))
    assert [r.name for r in read_cluster(cluster, {"Pod"}).resources] == ["", "", "good"]


def test_pages_without_an_end_are_given_up(server: ListServer, cluster: Cluster) -> None:
    server.faults += [
        ("/pods", Fault(200, json.dumps({"metadata": {"continue": "same"}, "items": []}).encode()))
    ] * 3
    assert read_cluster(cluster, {"Pod", "Node"}).unread == (
        Unread("pods", "the server's pages have no end", "unreachable"),
    )


def test_more_objects_than_any_cluster_has_are_given_up(server: ListServer, cluster: Cluster) -> None:
    server.add(POD, *pods(1201))
    kind = ApiKind("", "v1", "Pod", "pods", is_namespaced=True)
    few = Lister(cluster, Scope(), lambda _: None, max_objects=999).all_of(kind, lambda _: True)
    assert (few.read, few.unread) == (
        1000,
        (Unread("pods", "the server's pages have no end; 1,000 were read before", "unreachable"),),
    )
    enough = Lister(cluster, Scope(), lambda _: None, max_objects=1000).all_of(kind, lambda _: True)
    assert (enough.read, enough.unread) == (1201, ())


def test_owned_objects_are_judged_at_their_owner(server: ListServer, cluster: Cluster) -> None:
    server.add(DEPLOYMENT, an_object("web"))
    server.add(
        REPLICA_SET, an_object("web-1", owner="uid-shop-web"), an_object("lone", owner="uid-of-nobody")
    )
    server.add(
        POD,
        an_object("web-1-a", owner="uid-shop-web-1"),
        an_object("lone-a", owner="uid-shop-lone"),
        an_object("orphan", owner="uid-of-nobody"),
        an_object("plain"),
    )
    snapshot = read_cluster(cluster, {ANY_WORKLOAD})
    assert [r.title for r in snapshot.resources] == [
        "shop/Deployment/web",
        "shop/Pod/orphan",
        "shop/Pod/plain",
        "shop/ReplicaSet/lone",
    ]
    assert (snapshot.objects, snapshot.owned) == (7, 3)


def test_owned_objects_stay_where_their_owner_could_not_be_read(server: ListServer, cluster: Cluster) -> None:
    server.add(DEPLOYMENT, an_object("web"))
    server.add(REPLICA_SET, an_object("web-1", owner="uid-shop-web"))
    server.forbidden.add("/apis/apps/v1/deployments")
    assert names(cluster, ANY_WORKLOAD) == ["shop/ReplicaSet/web-1"]


def a_pod(name: str, owner: str, **spec: Any) -> dict[str, Any]:
    return an_object(name, owner=owner, spec={"containers": [{"name": "a", "image": "b"}], **spec})


@pytest.mark.parametrize(
    "spec",
    [
        {"serviceAccountName": "admin"},
        {"containers": [{"name": "a", "image": "other"}]},
        {"containers": [{"name": "a", "image": "b", "ports": [{"hostPort": 80}]}]},
        {"containers": [{"name": "a", "image": "b", "securityContext": {"procMount": "Unmasked"}}]},
        {"securityContext": {"windowsOptions": {"hostProcess": True}}},
    ],
)
def test_whatever_a_pod_asks_for_beyond_its_owner_counts(
    server: ListServer, cluster: Cluster, spec: dict[str, Any]
) -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "b"}]}}
    server.add(REPLICA_SET, an_object("web", spec={"template": template}))
    server.add(POD, a_pod("same", "uid-shop-web"), a_pod("more", "uid-shop-web", **spec))
    titles = [r.title for r in read_cluster(cluster, {"Pod", "ReplicaSet.apps"}).resources]
    assert "shop/Pod/more" in titles
    assert "shop/Pod/same" not in titles


def test_a_pod_that_asks_for_more_than_its_owner_is_judged_itself_once(
    server: ListServer, cluster: Cluster
) -> None:
    containers = [{"name": "a", "image": "b"}]
    template = {"spec": {"hostNetwork": True, "containers": containers}}
    server.add(REPLICA_SET, an_object("web", spec={"template": template}))
    server.add(
        POD,
        a_pod("fine", "uid-shop-web", hostNetwork=True),
        a_pod("more", "uid-shop-web", hostPID=True),
        a_pod("more-of-the-same", "uid-shop-web", hostPID=True),
        a_pod("other", "uid-shop-web", volumes=[{"hostPath": {"path": "/"}}]),
        a_pod("itself", "uid-shop-itself"),
    )
    snapshot = read_cluster(cluster, {"Pod", "ReplicaSet.apps"})
    assert [r.title for r in snapshot.resources] == [
        "shop/Pod/more",
        "shop/Pod/other",
        "shop/Pod/itself",
        "shop/ReplicaSet/web",
    ]
    assert snapshot.owned == 2


def test_a_replica_set_of_an_old_revision_without_pods_is_left_out(
    server: ListServer, cluster: Cluster
) -> None:
    server.add(DEPLOYMENT, an_object("web", spec={"template": {"spec": {}}}))
    old = {"replicas": 0, "template": {"spec": {"hostPID": True}}}
    server.add(REPLICA_SET, an_object("web-0", owner="uid-shop-web", spec=old))
    assert names(cluster, ANY_WORKLOAD) == ["shop/Deployment/web"]


def test_what_a_custom_kind_owns_stays(server: ListServer, cluster: Cluster) -> None:
    server.add(WIDGET, an_object("w"))
    server.add(DEPLOYMENT, an_object("made", owner="uid-shop-w"))
    assert names(cluster, "Widget.shop.example", ANY_WORKLOAD) == ["shop/Deployment/made", "shop/Widget/w"]


def test_values_of_secrets_are_dropped_and_their_keys_kept(server: ListServer, cluster: Cluster) -> None:
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"token":"hunter2"}}',
        "team": "shop",
    }
    secret = an_object("s", type="Opaque", data={"token": "aHVudGVyMg=="}, stringData={"plain": "hunter2"})
    secret["metadata"] |= {
        "annotations": annotations,
        "managedFields": [{"manager": "kubectl"}],
        "resourceVersion": "7",
    }
    server.add(SECRET, secret)
    (resource,) = read_cluster(cluster, {"Secret"}).resources
    assert resource.body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "shop", "uid": "uid-shop-s", "annotations": {"team": "shop"}},
        "type": "Opaque",
        "data": {"token": ""},
        "stringData": {"plain": ""},
    }


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def test_of_what_was_last_applied_only_that_is_kept_which_holds_no_more(
    server: ListServer, cluster: Cluster
) -> None:
    def applied(spec: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}

    def container(*env: dict[str, Any]) -> dict[str, Any]:
        return {"containers": [{"name": "c", "image": "i:1", "args": ["--fast"], "env": list(env)}]}

    mode = {"name": "MODE", "value": "fast"}
    moved = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    plain = {"name": "PASSWORD", "value": "wonderland-17"}
    for name, was in (("moved", container(mode, plain)), ("same", container(mode, moved))):
        made = an_object(name, spec={"template": {"spec": container(mode, moved)}})
        made["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(applied(was))}
        server.add(DEPLOYMENT, made)
    moved_one, same = read_cluster(cluster, {"Deployment.apps"}).resources
    assert "annotations" not in same.body["metadata"]
    kept = json.loads(moved_one.body["metadata"]["annotations"][LAST_APPLIED])
    assert kept == applied({"containers": [{"name": "c", "image": "i:1", "env": [plain]}]})
    controls = [control for control in load_controls() if control.id == "C-0012"]
    assert [f.path for f in judge((moved_one, same), controls).findings] == [
        f"metadata.annotations[{LAST_APPLIED}]"
    ]


def test_status_is_kept_where_controls_look_at_it(server: ListServer, cluster: Cluster) -> None:
    status_of_node = {
        "nodeInfo": {"kubeletVersion": "v1.36.3"},
        "images": [{"names": ["a"]}],
        "conditions": [],
    }
    server.add(NODE, an_object("n", "", status=status_of_node))
    server.add(DEPLOYMENT, an_object("d", status={"replicas": 1}))
    deployment, node = read_cluster(cluster, {"Node", "Deployment.apps"}).resources
    assert "status" not in deployment.body
    assert node.body["status"] == {"nodeInfo": {"kubeletVersion": "v1.36.3"}}


def test_equal_parts_are_kept_once(server: ListServer, cluster: Cluster) -> None:
    spec = {
        "template": {"spec": {"containers": [{"name": "a", "image": "b", "ports": [{"containerPort": 80}]}]}}
    }
    server.add(DEPLOYMENT, an_object("one", spec=spec), an_object("two", spec=spec))
    one, two = read_cluster(cluster, {"Deployment.apps"}).resources
    assert one.body["spec"]["template"] is two.body["spec"]["template"]
    assert one.body["spec"] == spec


POD_SPEC_SCHEMA = {
    "properties": {"containers": {"type": "array", "items": {"properties": {"image": {"type": "string"}}}}}
}


def a_schema(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    mark = [{"group": "shop.example", "version": "v1", "kind": kind}]
    return {"properties": properties, "x-kubernetes-group-version-kind": mark}


def test_custom_kinds_with_a_pod_template_count_as_workloads(server: ListServer, cluster: Cluster) -> None:
    template = {"properties": {"template": {"properties": {"spec": POD_SPEC_SCHEMA}}}}
    schemas = {
        "w": a_schema("Widget", {"spec": template}),
        "g": a_schema("Gadget", {"spec": {"type": "object"}}),
    }
    server.schemas["apis/shop.example/v1"] = {"components": {"schemas": schemas}}
    server.add(WIDGET, an_object("w"))
    server.add(GADGET, an_object("g"))
    assert names(cluster, ANY_WORKLOAD) == ["shop/Widget/w"]


@pytest.mark.parametrize("wrap", ["items", "additionalProperties"])
def test_pod_templates_within_lists_are_found(server: ListServer, cluster: Cluster, wrap: str) -> None:
    group = {"properties": {"template": {"properties": {"spec": POD_SPEC_SCHEMA}}}}
    spec = {"properties": {"groups": {wrap: group}}}
    server.schemas["apis/shop.example/v1"] = {
        "components": {"schemas": {"w": a_schema("Widget", {"spec": spec})}}
    }
    server.add(WIDGET, an_object("w"))
    assert names(cluster, ANY_WORKLOAD) == ["shop/Widget/w"]


def test_schemas_that_refer_to_each_other_are_followed(server: ListServer, cluster: Cluster) -> None:
    loop = {"allOf": [{"$ref": "#/components/schemas/loop"}]}
    schemas = {
        "w": a_schema("Widget", {"a": loop, "b": {"$ref": "#/components/schemas/tpl"}}),
        "loop": {"properties": {"again": loop}},
        "tpl": {"properties": {"spec": {"$ref": "#/components/schemas/pod"}}},
        "pod": {"properties": {"containers": {"items": {"allOf": [{"$ref": "#/components/schemas/box"}]}}}},
        "box": {"properties": {"image": {}}},
    }
    server.schemas["apis/shop.example/v1"] = {"components": {"schemas": schemas}}
    server.add(WIDGET, an_object("w"))
    assert names(cluster, ANY_WORKLOAD) == ["shop/Widget/w"]


def test_a_schema_that_cannot_be_read_is_named(server: ListServer, cluster: Cluster) -> None:
    snapshot = read_cluster(cluster, {ANY_WORKLOAD})
    assert snapshot.unread == (
        Unread(
            "schema of shop.example/v1",
            "the server has no schema for it; its kinds that run pods are not known",
            "unreachable",
        ),
    )


def test_a_workload_is_got_by_any_of_its_names(server: ListServer, cluster: Cluster) -> None:
    server.add(DEPLOYMENT, an_object("web", spec={"replicas": 1}))
    found = {
        get_workload(cluster, "shop", word, "web").id
        for word in ("Deployment", "deploy", "deployments.apps", "Deployment.v1.apps", "deployment.v1")
    }
    assert found == {"apps/v1/shop/Deployment/web"}
    assert not any("limit=" in request for request in server.requests)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("Deployment", "gone", "shop/Deployment/gone is not in the cluster of context test"),
        ("Deployment.v2.apps", "web", "the cluster of context test serves no kind Deployment.v2.apps"),
        ("Elephant", "web", "the cluster of context test serves no kind Elephant"),
        ("Deployment", "../secrets/x", "no object can have the name shop/../secrets/x"),
    ],
)
def test_a_workload_that_cannot_be_got_is_told_in_one_line(
    cluster: Cluster, kind: str, name: str, message: str
) -> None:
    with pytest.raises(ClusterError) as caught:
        get_workload(cluster, "shop", kind, name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("version", "labels", "cloud"),
    [
        ("v1.33.1-eks-1234", {}, "EKS"),
        ("v1.33.1-gke.100", {}, "GKE"),
        ("v1.33.1", {"kubernetes.azure.com/cluster": "x"}, "AKS"),
        ("v1.33.1", {"kubernetes.io/os": "linux"}, ""),
    ],
)
def test_the_cloud_is_told_by_version_and_nodes(
    tmp_path: Path, version: str, labels: dict[str, str], cloud: str
) -> None:
    node = an_object("n", "")
    node["metadata"]["labels"] = labels
    with ListServer(ROWS, version=version) as server:
        server.add(NODE, node)
        cluster = connect(kubeconfig=kubeconfig(tmp_path, server.url), environ={}, patience=IMPATIENT)
        assert read_cluster(cluster, {"Node"}).cloud == cloud
        cluster.close()
