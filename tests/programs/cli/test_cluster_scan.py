import json

import pytest

from leadline.programs.cli.main import main
from list_server import ListServer, Row

POD = Row("", "v1", "Pod", "pods")
NAMESPACE = Row("", "v1", "Namespace", "namespaces", namespaced=False)
POLICY = Row("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
BODY = {
    "metadata": {"name": "web", "namespace": "shop", "uid": "1", "labels": {"app": "web"}},
    "spec": {"hostPID": True, "containers": [{"name": "web", "image": "web:1"}]},
}


@pytest.fixture
def server():
    with ListServer((POD, NAMESPACE, POLICY)) as running:
        running.add(POD, BODY)
        running.add(NAMESPACE, {"metadata": {"name": "shop", "uid": "2"}})
        yield running


def report(server, tmp_path, capfd, *words):
    kubeconfig = tmp_path / "kubeconfig"
    entries = {
        "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig.write_text(json.dumps(entries))
    code = main(["scan", *words, "--kubeconfig", str(kubeconfig), "--format", "json"])
    out, _ = capfd.readouterr()
    return code, json.loads(out)


def statuses(found):
    return {c["controlID"]: c["status"]["status"] for r in found["results"] for c in r["controls"]}


def test_a_cluster_is_judged_with_its_joins(server, tmp_path, capfd):
    code, found = report(server, tmp_path, capfd, "control", "C-0038,C-0260")
    assert code == 0
    assert statuses(found) == {"C-0038": "failed", "C-0260": "failed"}
    assert found["coverage"]["unread"] == []


def test_a_join_over_a_kind_that_was_not_read_gives_no_verdict(server, tmp_path, capfd):
    server.forbidden.add("/apis/networking.k8s.io/v1/networkpolicies")
    _, found = report(server, tmp_path, capfd, "control", "C-0038,C-0260")
    assert statuses(found) == {"C-0038": "failed"}
    assert found["coverage"]["controls"]["skipped"] == [
        {"id": "C-0260", "why": "not read: NetworkPolicy.networking.k8s.io"}
    ]
    assert [u["where"] for u in found["coverage"]["unread"]] == ["networkpolicies.networking.k8s.io"]


def test_a_kind_that_was_not_read_is_not_called_absent(server, tmp_path, capfd):
    server.forbidden.add("/api/v1/namespaces")
    _, found = report(server, tmp_path, capfd, "control", "C-0038,C-0209")
    assert found["coverage"]["controls"]["skipped"] == [{"id": "C-0209", "why": "not read: Namespace"}]


@pytest.mark.parametrize("name", ["shop/Pod/web", "shop/po/web", "shop/pods/web"])
def test_one_workload_is_read_by_name_and_joins_are_left_out(server, tmp_path, capfd, name: str):
    code, found = report(server, tmp_path, capfd, "workload", name)
    assert code == 0
    assert [r for r in server.requests if "limit" in r] == []
    assert statuses(found)["C-0038"] == "failed"
    assert "C-0260" not in statuses(found)
    assert any(
        s["id"] == "C-0260" and "other objects" in s["why"] for s in found["coverage"]["controls"]["skipped"]
    )
