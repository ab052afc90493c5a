"""What is not there counts as missing only where it would have been read."""

import pytest

from leadline.model.control import NotJudged
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.checks.target_completeness import expect, expect_cluster, expect_pods
from leadline.posture.engine import judge
from leadline.posture.index import WORKLOADS
from leadline.posture.inventory import Facts, Inventory


def _object(path: str, kind: str, name: str, namespace: str = "shop", api: str = "v1") -> Resource:
    body = {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"component": "cache"}},
        "spec": {"containers": [{"name": "c", "image": "i:1"}]},
    }
    return resource_of(body, Origin(path=path))


INGRESS = _object("shop/ingress.yaml", "Ingress", "in", api="networking.k8s.io/v1")


@pytest.mark.parametrize(
    ("path", "namespace", "is_whole"),
    [("shop/service.yaml", "shop", False), ("far/service.yaml", "far", True)],
)
def test_is_judged_beside_its_like_or_in_a_whole_cluster(path: str, namespace: str, is_whole: bool) -> None:
    service = _object(path, "Service", "web", namespace)
    expect(INGRESS, ("Service",), Inventory([INGRESS, service], facts=Facts(is_whole=is_whole)))


@pytest.mark.parametrize(
    ("path", "namespace"), [("far/service.yaml", "shop"), ("shop/service.yaml", "other")]
)
def test_is_not_judged_away_from_its_like(path: str, namespace: str) -> None:
    service = _object(path, "Service", "web", namespace)
    with pytest.raises(NotJudged, match="no Service was read beside it"):
        expect(INGRESS, ("Service",), Inventory([INGRESS, service]))


def test_is_judged_where_a_sibling_names_what_was_read_elsewhere() -> None:
    sibling = _object("shop/other.yaml", "Ingress", "good", api="networking.k8s.io/v1")
    distant = _object("web/ingress.yaml", "Ingress", "good", api="networking.k8s.io/v1")

    def resolves(one: Resource, inventory: Inventory) -> bool:
        return one.name == "good" and inventory.get("Service", "shop", "web") is not None

    service = _object("services/web.yaml", "Service", "web")
    expect(INGRESS, ("Service",), Inventory([INGRESS, sibling, service]), resolves=resolves)
    for others in ([sibling], [distant, service]):
        with pytest.raises(NotJudged, match="no Service was read beside it"):
            expect(INGRESS, ("Service",), Inventory([INGRESS, *others]), resolves=resolves)


def test_what_one_chart_renders_stands_together() -> None:
    origins = (Origin("helm", f"templates/{n}.yaml", rendered_from="charts/shop") for n in ("a/in", "b/web"))
    ingress, pod = (resource_of(o.body, origin) for o, origin in zip(_pair(), origins, strict=True))
    expect(ingress, (WORKLOADS,), Inventory([ingress, pod]))


def _pair() -> tuple[Resource, Resource]:
    return INGRESS, _object("", "Pod", "web")


@pytest.mark.parametrize("value", ["Memcached", "cache", "sessions", "sessions-proxy"])
def test_pods_of_an_operator_are_not_missed(value: str) -> None:
    service = _object("shop/a.yaml", "Service", "cache")
    beside = [
        _object("shop/b.yaml", "Pod", "web"),
        _object("shop/c.yaml", "Memcached", "sessions", api="caches.example.com/v1"),
    ]
    with pytest.raises(NotJudged, match="operator"):
        expect_pods(service, {"component": value}, Inventory([service, *beside]))
    for other in ("other", "other-sessions", "sessionsproxy"):
        expect_pods(service, {"component": other}, Inventory([service, *beside]))


def test_pods_of_the_cluster_itself_are_not_missed() -> None:
    service = _object("a.yaml", "Service", "scheduler", "kube-system")
    pod = _object("b.yaml", "Pod", "proxy", "kube-system")
    with pytest.raises(NotJudged, match="comes with the cluster"):
        expect_pods(service, {"component": "scheduler"}, Inventory([service, pod]))


def test_what_lists_a_cluster_is_not_judged_from_files() -> None:
    with pytest.raises(NotJudged, match="whole cluster"):
        expect_cluster(Inventory([INGRESS]))
    expect_cluster(Inventory([INGRESS], facts=Facts(is_whole=True)))


def test_a_control_asked_for_by_name_judges_what_is_there() -> None:
    inventory = Inventory([INGRESS], facts=Facts(assume_complete=True))
    expect(INGRESS, ("Service",), inventory)
    expect_pods(INGRESS, {"app": "web"}, inventory)
    expect_cluster(inventory)


@pytest.mark.parametrize(("name", "key"), [("web", "app"), ("other", "component")])
def test_pods_are_missed_where_a_workload_has_the_name_or_the_label(name: str, key: str) -> None:
    service, pod = _object("a.yaml", "Service", name), _object("b.yaml", "Pod", "web")
    expect_pods(service, {key: "gone"}, Inventory([service, pod]))


def test_pods_with_labels_of_another_origin_are_not_missed() -> None:
    service, pod = _object("a.yaml", "Service", "engines"), _object("b.yaml", "Pod", "web")
    with pytest.raises(NotJudged, match="come from elsewhere"):
        expect_pods(service, {"storage.example/engine": "v1"}, Inventory([service, pod]))


def test_a_service_of_an_operator_is_not_missed():
    beside = [
        _object("shop/a.yaml", "Service", "web"),
        _object("shop/c.yaml", "Memcached", "sessions", api="caches.example.com/v1"),
    ]
    inventory = Inventory([INGRESS, *beside])
    with pytest.raises(NotJudged, match="operator"):
        expect(INGRESS, ("Service",), inventory, name="sessions-http")
    expect(INGRESS, ("Service",), inventory, name="other")
    expect(
        INGRESS,
        ("Service",),
        Inventory([INGRESS, *beside], facts=Facts(assume_complete=True)),
        name="sessions-http",
    )


def test_what_only_tells_how_pods_are_reached_makes_none():
    beside = [
        _object("shop/a.yaml", "Service", "web"),
        _object("shop/b.yaml", "Pod", "web"),
        _object("shop/c.yaml", "VirtualService", "sessions", api="networking.istio.io/v1"),
        _object("shop/d.yaml", "ServiceMonitor", "sessions", api="monitoring.coreos.com/v1"),
    ]
    expect(INGRESS, ("Service",), Inventory([INGRESS, *beside]), name="sessions")
    expect_pods(INGRESS, {"component": "sessions"}, Inventory([INGRESS, *beside]))


def test_an_account_that_is_missing_is_found_where_a_sibling_has_its_own() -> None:
    (control,) = (one for one in load_controls() if one.id == "C-0307")

    def pods(name: str, account: str) -> Resource:
        template = {"spec": {"serviceAccountName": account, "containers": [{"name": "a", "image": "b"}]}}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"},
        }
        return resource_of({**body, "spec": {"template": template}}, Origin(path="pods/all.yaml"))

    account = _object("accounts/web.yaml", "ServiceAccount", "web")
    found = judge([pods("good", "web"), pods("bad", "wbe"), account], [control]).findings
    assert [finding.resource.rpartition("/")[2] for finding in found] == ["bad"]
    assert judge([pods("bad", "wbe"), account], [control]).findings == ()
