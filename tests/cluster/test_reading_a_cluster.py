"""Reading a real API server: what is there, what may be read, and what the reader says about the rest."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from control_plane import ControlPlane

from leadline.errors import ClusterError
from leadline.kube.kinds import BUILT_IN, WORKLOADS
from leadline.sources.cluster.connection import Cluster, Patience, connect
from leadline.sources.cluster.discovery import discover_kinds
from leadline.sources.cluster.rbac import ANY_WORKLOAD, least_role
from leadline.sources.cluster.reader import get_workload, read_cluster

pytestmark = pytest.mark.slow

PATIENCE = Patience(attempts=3, first_wait_s=0.05, longest_wait_s=0.2, silence_s=20.0)
EVERY_KIND = frozenset(BUILT_IN) - {"ComponentStatus", "StorageVersion.internal.apiserver.k8s.io"} | {
    ANY_WORKLOAD
}


@pytest.fixture
def admin(api_server: ControlPlane) -> Iterator[Cluster]:
    cluster = connect(kubeconfig=api_server.admin(), environ={}, patience=PATIENCE)
    yield cluster
    cluster.close()


def as_user(plane: ControlPlane, name: str) -> Cluster:
    return connect(kubeconfig=plane.user(name), environ={}, patience=PATIENCE)


def pod_template(**fields: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "image": "localhost/busybox:1"}], **fields}
    return {"metadata": {"labels": {"app": "web"}}, "spec": spec}


def workload(api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod_template()},
    }


def test_every_built_in_kind_of_the_table_is_what_the_server_says(
    api_server: ControlPlane, admin: Cluster
) -> None:
    """A kind that the table misses, or has under another name or scope, fails here. Other tests define kinds of their own."""
    defined = json.loads(api_server.kubectl("get", "crd", "-o", "json"))["items"]
    own = {f"{one['spec']['names']['kind']}.{one['spec']['group']}" for one in defined}
    served = {
        key: (kind.plural, kind.is_namespaced)
        for key, kind in discover_kinds(admin).kinds.items()
        if kind.can_list and key not in own
    }
    table = {key: (row.plural, row.is_namespaced) for key, row in BUILT_IN.items()}
    assert {key: table.get(key) for key in served} == served


def test_an_admin_reads_everything(api_server: ControlPlane, admin: Cluster) -> None:
    space = api_server.namespace("everything")
    api_server.apply(workload("apps/v1", "Deployment", "web", space))
    api_server.kubectl("create", "secret", "generic", "key", "-n", space, "--from-literal=token=hunter2")
    snapshot = read_cluster(admin, EVERY_KIND, include_namespaces=[space])
    assert snapshot.unread == ()
    assert snapshot.server_version.startswith("v1.")
    titles = {r.title for r in snapshot.resources}
    assert {f"{space}/Deployment/web", f"{space}/Secret/key", f"Namespace/{space}"} <= titles
    (secret,) = (r for r in snapshot.resources if r.kind == "Secret")
    assert secret.body["data"] == {"token": ""}
    assert "hunter2" not in str(snapshot)
    assert "aHVudGVyMg" not in str(snapshot)
    assert not any("managedFields" in r.body["metadata"] for r in snapshot.resources)


def test_pages_of_a_real_list_are_read_to_the_end(api_server: ControlPlane, admin: Cluster) -> None:
    space = api_server.namespace("pages")
    api_server.create_config_maps(space, [f"c{i:04}" for i in range(1020)])
    snapshot = read_cluster(admin, {"ConfigMap"}, include_namespaces=[space])
    assert [r.name for r in snapshot.resources] == [f"c{i:04}" for i in range(1020)]
    assert snapshot.unread == ()


def test_a_user_without_rights_gets_one_line_that_names_the_rule(api_server: ControlPlane) -> None:
    cluster = as_user(api_server, "nobody")
    with pytest.raises(ClusterError) as caught:
        read_cluster(cluster, {"Secret"})
    cluster.close()
    assert str(caught.value) == (
        "nothing can be read in the cluster of context real: secrets: "
        'forbidden: User "nobody" cannot list resource "secrets" in API group "" at the cluster scope; '
        'needs the RBAC rule {apiGroups: [""], resources: [secrets], verbs: [list]}, '
        "or --include-namespaces with those you may list"
    )


def test_what_a_user_may_not_list_is_unread_and_the_hint_mends_it(api_server: ControlPlane) -> None:
    space = api_server.namespace("partly")
    api_server.apply(workload("apps/v1", "Deployment", "web", space))
    api_server.kubectl("create", "clusterrole", "pods-only", "--verb=list", "--resource=deployments")
    api_server.kubectl(
        "create", "clusterrolebinding", "pods-only", "--clusterrole=pods-only", "--user=partly"
    )
    cluster = as_user(api_server, "partly")
    snapshot = read_cluster(cluster, {"Deployment.apps", "Secret", "NetworkPolicy.networking.k8s.io"})
    assert [(u.where, u.hint.partition(", or ")[0]) for u in snapshot.unread] == [
        (
            "networkpolicies.networking.k8s.io",
            'needs the RBAC rule {apiGroups: ["networking.k8s.io"], resources: [networkpolicies], verbs: [list]}',
        ),
        ("secrets", 'needs the RBAC rule {apiGroups: [""], resources: [secrets], verbs: [list]}'),
    ]
    assert snapshot.unread_kinds == {"Secret", "NetworkPolicy.networking.k8s.io"}
    rules = [yaml.safe_load(u.hint.partition("rule ")[2].partition(", or ")[0]) for u in snapshot.unread]
    api_server.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "fixed"},
            "rules": rules,
        }
    )
    api_server.kubectl("create", "clusterrolebinding", "fixed", "--clusterrole=fixed", "--user=partly")
    after = read_cluster(cluster, {"Deployment.apps", "Secret", "NetworkPolicy.networking.k8s.io"})
    cluster.close()
    assert after.unread == ()


def test_rights_in_one_namespace_suffice_to_read_it(api_server: ControlPlane) -> None:
    space = api_server.namespace("mine")
    api_server.apply(workload("apps/v1", "Deployment", "web", space))
    api_server.kubectl(
        "create", "role", "reader", "-n", space, "--verb=list", "--resource=deployments.apps,pods"
    )
    api_server.kubectl("create", "rolebinding", "reader", "-n", space, "--role=reader", "--user=tenant")
    cluster = as_user(api_server, "tenant")
    snapshot = read_cluster(cluster, {"Deployment.apps", "Pod", "Node"}, include_namespaces=[space])
    cluster.close()
    assert [r.title for r in snapshot.resources] == ["mine/Deployment/web"]
    assert [u.where for u in snapshot.unread] == ["nodes"]


def test_the_printed_role_suffices_and_holds_nothing_more(api_server: ControlPlane) -> None:
    role = least_role(EVERY_KIND)
    api_server.apply(role)
    api_server.kubectl(
        "create", "clusterrolebinding", "least", "--clusterrole=leadline-reader", "--user=least"
    )
    cluster = as_user(api_server, "least")
    snapshot = read_cluster(cluster, EVERY_KIND)
    cluster.close()
    assert snapshot.unread == ()
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list"}
    listed = {(rule["apiGroups"][0], plural) for rule in role["rules"] for plural in rule["resources"]}
    wanted = {(BUILT_IN[key].group, BUILT_IN[key].plural) for key in EVERY_KIND if key in BUILT_IN}
    assert wanted <= listed
    assert {group for group, _ in listed - wanted} == {
        "argoproj.io",
        "apps.kruise.io",
        "apps.openshift.io",
        "serving.knative.dev",
    }


def test_a_workload_is_read_with_get_alone(api_server: ControlPlane) -> None:
    space = api_server.namespace("getting")
    api_server.apply(workload("apps/v1", "Deployment", "web", space))
    api_server.kubectl(
        "create",
        "role",
        "getter",
        "-n",
        space,
        "--verb=get",
        "--resource=deployments.apps",
        "--resource-name=web",
    )
    api_server.kubectl("create", "rolebinding", "getter", "-n", space, "--role=getter", "--user=getter")
    cluster = as_user(api_server, "getter")
    resource = get_workload(cluster, space, "deploy", "web")
    with pytest.raises(ClusterError) as caught:
        get_workload(cluster, space, "pod", "web")
    cluster.close()
    assert resource.id == "apps/v1/getting/Deployment/web"
    assert str(caught.value) == (
        'cannot read getting/Pod/web: pods "web" is forbidden: User "getter" cannot get resource "pods" in API group "" '
        'in the namespace "getting"; needs the RBAC rule {apiGroups: [""], resources: [pods], verbs: [get], resourceNames: [web]}'
    )


def custom_definition(group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def test_custom_resources_with_a_pod_template_are_found_by_their_schema(
    api_server: ControlPlane, admin: Cluster
) -> None:
    text = {"type": "string"}
    container = {"type": "object", "properties": {"name": text, "image": text}}
    pod = {"type": "object", "properties": {"containers": {"type": "array", "items": container}}}
    template = {"template": {"type": "object", "properties": {"spec": pod}}}
    definitions = [
        custom_definition("crew.example", "Runner", template),
        custom_definition("crew.example", "Note", {"text": text}),
    ]
    api_server.apply(*definitions)
    api_server.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=300s")
    space = api_server.namespace("custom")
    metadata = {"namespace": space}
    runner = {
        "apiVersion": "crew.example/v1",
        "kind": "Runner",
        "metadata": {"name": "r", **metadata},
        "spec": {"template": {"spec": pod_template()["spec"]}},
    }
    note = {
        "apiVersion": "crew.example/v1",
        "kind": "Note",
        "metadata": {"name": "n", **metadata},
        "spec": {"text": "x"},
    }
    api_server.apply(runner, note)

    def read() -> list[str]:
        snapshot = read_cluster(admin, {ANY_WORKLOAD}, include_namespaces=[space])
        return [r.title for r in snapshot.resources if r.api_version == "crew.example/v1"]

    # The server publishes the schema of a new definition a moment after it is established.
    api_server.until(lambda: read() == ["custom/Runner/r"])
    api_server.kubectl("delete", "crd", "runners.crew.example", "notes.crew.example")


def test_a_broken_aggregated_api_is_named_and_the_rest_is_read(
    api_server: ControlPlane, admin: Cluster
) -> None:
    broken = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.broken.example"},
        "spec": {
            "group": "broken.example",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "absent", "namespace": "default", "port": 443},
        },
    }
    api_server.apply(broken)
    seen: list[str] = []

    def is_named() -> bool:
        snapshot = read_cluster(admin, {"Namespace", ANY_WORKLOAD})
        seen[:] = [u.where for u in snapshot.unread]
        return bool(snapshot.resources) and seen == ["API group broken.example"]

    api_server.until(is_named)
    api_server.kubectl("delete", "apiservice", "v1.broken.example")
    assert seen == ["API group broken.example"]


def test_workload_kinds_are_all_served(admin: Cluster) -> None:
    assert set(WORKLOADS) <= set(read_cluster(admin, {ANY_WORKLOAD}).listed)


def test_a_service_account_token_is_accepted(api_server: ControlPlane) -> None:
    space = api_server.namespace("robots")
    token = api_server.kubectl("create", "token", "default", "-n", space).strip()
    path = api_server.folder / "robot.conf"
    path.write_text(api_server.kubeconfig({"token": token}))
    cluster = connect(kubeconfig=str(path), environ={}, patience=PATIENCE)
    with pytest.raises(ClusterError, match="system:serviceaccount:robots:default"):
        read_cluster(cluster, {"Secret"})
    cluster.close()


def test_a_wrong_token_is_told_at_once(api_server: ControlPlane) -> None:
    path = api_server.folder / "stranger.conf"
    path.write_text(api_server.kubeconfig({"token": "made-up"}))
    with pytest.raises(ClusterError) as caught:
        connect(kubeconfig=str(path), environ={}, patience=PATIENCE)
    assert str(caught.value) == (
        f"the cluster of context real at 127.0.0.1:{api_server.port} does not accept the credentials; "
        "sign in again, or choose another --context"
    )


def test_an_exec_plugin_signs_in(api_server: ControlPlane) -> None:
    space = api_server.namespace("plugins")
    token = api_server.kubectl("create", "token", "default", "-n", space).strip()
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", 'printf %s "$ANSWER"'],
        "env": [{"name": "ANSWER", "value": json.dumps(answer)}],
        "interactiveMode": "Never",
    }
    path = api_server.folder / "plugin.conf"
    path.write_text(api_server.kubeconfig({"exec": plugin}))
    cluster = connect(kubeconfig=str(path), environ={"PATH": "/usr/bin:/bin"}, patience=PATIENCE)
    with pytest.raises(ClusterError, match="system:serviceaccount:plugins:default"):
        read_cluster(cluster, {"Secret"})
    cluster.close()


def test_an_exec_plugin_may_give_a_certificate(api_server: ControlPlane) -> None:
    api_server.user("by-plugin", "system:masters")
    status = {
        "clientCertificateData": (api_server.folder / "user-by-plugin.crt").read_text(),
        "clientKeyData": (api_server.folder / "user-by-plugin.key").read_text(),
    }
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "sh",
        "args": ["-c", 'printf %s "$ANSWER"'],
        "env": [{"name": "ANSWER", "value": json.dumps({"status": status})}],
    }
    path = api_server.folder / "plugin-certificate.conf"
    path.write_text(api_server.kubeconfig({"exec": plugin}))
    cluster = connect(kubeconfig=str(path), environ={"PATH": "/usr/bin:/bin"}, patience=PATIENCE)
    assert read_cluster(cluster, {"Namespace"}).unread == ()
    cluster.close()
