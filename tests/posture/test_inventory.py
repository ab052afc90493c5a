"""Joins between resources: names, namespaces, selectors, accounts and policies."""

from typing import Any

import pytest

from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.index import kind_name
from leadline.posture.inventory import Inventory

VERSIONS = {
    "Deployment": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "CiliumClusterwideNetworkPolicy": "cilium.io/v2",
    "GlobalNetworkPolicy": "projectcalico.org/v3",
}
RBAC = "rbac.authorization.k8s.io"


def made(kind: str, name: str, namespace: str = "", **fields: Any) -> Resource:
    metadata: dict[str, Any] = {"name": name, **fields.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    return resource_of({"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields})


def pod(name: str, namespace: str = "", labels: Any = None, **spec: Any) -> Resource:
    metadata = {"labels": {"app": name} if labels is None else labels}
    return made("Pod", name, namespace, metadata=metadata, spec={"containers": [{"name": "c"}], **spec})


def service(name: str, namespace: str = "", **spec: Any) -> Resource:
    return made("Service", name, namespace, spec=spec)


def names(found: Any) -> list[str]:
    return [each.name for each in found]


def test_kinds_are_told_apart_by_their_group():
    mine = resource_of({"apiVersion": "other.io/v1", "kind": "Service", "metadata": {"name": "mine"}})
    inventory = Inventory([service("web"), mine])
    assert (names(inventory.of("Service")), names(inventory.of("Service.other.io"))) == (["web"], ["mine"])
    assert inventory.of("Ingress.networking.k8s.io") == []


@pytest.mark.parametrize(
    ("version", "kind", "name"),
    [
        ("v1", "Pod", "Pod"),
        ("apps/v1", "Deployment", "Deployment.apps"),
        ("extensions/v1beta1", "Ingress", "Ingress.networking.k8s.io"),
        ("extensions/v1beta1", "NetworkPolicy", "NetworkPolicy.networking.k8s.io"),
    ],
)
def test_a_group_that_was_renamed_counts_as_the_present_one(version, kind, name):
    assert kind_name(resource_of({"apiVersion": version, "kind": kind})) == name


def test_a_name_is_looked_up_in_its_namespace_and_default_is_one():
    secret, other = made("Secret", "s"), made("Secret", "s", "shop")
    inventory = Inventory([secret, other, made("Namespace", "shop")])
    assert inventory.get("Secret", "default", "s") is secret
    assert inventory.get("Secret", "", "s") is secret
    assert inventory.get("Secret", "shop", "s") is other
    assert inventory.get("Secret", "bank", "s") is None
    assert inventory.get("Secret", "shop", "t") is None
    assert inventory.get("Namespace", "", "shop") is not None


def test_workloads_are_filed_by_namespace():
    inventory = Inventory([pod("a"), pod("b", "shop"), service("c", "shop")])
    assert names(inventory.workloads) == ["a", "b"]
    found = {namespace: inventory.has_workloads(namespace) for namespace in ("shop", "default", "", "bank")}
    assert found == {"shop": True, "default": True, "": True, "bank": False}


def test_services_select_pods_of_their_namespace_by_every_label():
    resources = [
        pod("web", "shop", {"app": "web", "tier": "front"}),
        service("all-labels", "shop", selector={"app": "web", "tier": "front"}),
        service("one-label", "shop", selector={"tier": "front"}),
        service("other-value", "shop", selector={"app": "web", "tier": "back"}),
        service("no-selector", "shop"),
        service("empty-selector", "shop", selector={}),
        service("elsewhere", "bank", selector={"app": "web"}),
        service("name-alone", "shop", selector={"app": "web"}, type="ExternalName", externalName="x"),
    ]
    inventory = Inventory(resources)
    (web,) = inventory.workloads
    assert names(inventory.services_of(web)) == ["all-labels", "one-label"]
    assert names(inventory.services_of(web)) == ["all-labels", "one-label"], "asked again"


@pytest.mark.parametrize(
    ("said", "account", "is_mounted"),
    [
        (None, None, True),
        (None, True, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
        (False, None, False),
        ("no", None, True),
        (None, "no", True),
    ],
)
def test_a_token_is_mounted_unless_the_pod_or_else_its_account_says_no(said, account, is_mounted):
    fields = {} if said is None else {"automountServiceAccountToken": said}
    resources = [pod("a", serviceAccountName="robot", **fields)]
    resources.append(
        made(
            "ServiceAccount",
            "robot",
            **({} if account is None else {"automountServiceAccountToken": account}),
        )
    )
    inventory = Inventory(resources)
    assert inventory.mounts_token(inventory.workloads[0]) is is_mounted


def test_an_account_belongs_to_its_namespace():
    inventory = Inventory(
        [
            pod("a", "shop", serviceAccountName="robot"),
            pod("b", "bank", serviceAccount="robot"),
            pod("c", "shop"),
        ]
    )
    assert names(inventory.workloads_of_account("shop", "robot")) == ["a"]
    assert names(inventory.workloads_of_account("bank", "robot")) == ["b"]
    assert names(inventory.workloads_of_account("shop", "default")) == ["c"]
    assert names(inventory.workloads_of_account("", "robot")) == []


def bound(name: str, subject: dict[str, str], namespace: str = "shop") -> Resource:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "reader"}
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return made(kind, name, namespace, roleRef=reference, subjects=[subject])


def test_an_account_holds_what_is_given_to_its_name_and_to_its_groups():
    group = {"kind": "Group", "apiGroup": RBAC}
    user = {"kind": "User", "apiGroup": RBAC}
    resources = [
        pod("a", "shop", serviceAccountName="robot"),
        made(
            "ClusterRole", "reader", rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
        ),
        bound("by-name", {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}),
        bound("by-user", {**user, "name": "system:serviceaccount:shop:robot"}),
        bound("by-all-accounts", {**group, "name": "system:serviceaccounts"}),
        bound("by-namespace", {**group, "name": "system:serviceaccounts:shop"}),
        bound("by-signing-in", {**group, "name": "system:authenticated"}, ""),
        bound("of-other-namespace", {"kind": "ServiceAccount", "name": "robot", "namespace": "bank"}),
        bound("of-other-group", {**group, "name": "system:serviceaccounts:bank"}),
        bound("of-a-person", {**user, "name": "robot"}),
        bound("of-strangers", {**group, "name": "system:unauthenticated"}),
    ]
    inventory = Inventory(resources)
    found = [grant.binding.name for grant in inventory.grants_of(inventory.workloads[0])]
    assert sorted(found) == ["by-all-accounts", "by-name", "by-namespace", "by-signing-in", "by-user"]
    assert len(inventory.grants) == 9


def test_policies_hold_in_their_namespace_or_in_all():
    resources = [
        pod("web", "shop"),
        made("Namespace", "shop", metadata={"labels": {"team": "a"}}),
        made("NetworkPolicy", "here", "shop", spec={"podSelector": {"matchLabels": {"app": "web"}}}),
        made("NetworkPolicy", "here-for-all", "shop", spec={"podSelector": {}}),
        made("NetworkPolicy", "other-pods", "shop", spec={"podSelector": {"matchLabels": {"app": "db"}}}),
        made("NetworkPolicy", "elsewhere", "bank", spec={"podSelector": {}}),
        made("CiliumClusterwideNetworkPolicy", "everywhere", spec={"endpointSelector": {}, "ingress": [{}]}),
        made("GlobalNetworkPolicy", "team-a", spec={"namespaceSelector": "team == 'a'"}),
        made("GlobalNetworkPolicy", "team-b", spec={"namespaceSelector": "team == 'b'"}),
    ]
    inventory = Inventory(resources)
    found = {rule.policy.name for rule in inventory.policies_of(inventory.workloads[0])}
    assert found == {"here", "here-for-all", "everywhere", "team-a"}
    inside = {rule.policy.name for rule in inventory.policies_in("shop")}
    assert inside == {"here", "here-for-all", "other-pods", "everywhere", "team-a", "team-b"}


def test_a_namespace_has_its_name_for_a_label_be_it_read_or_not():
    inventory = Inventory([made("Namespace", "shop", metadata={"labels": {"team": "a"}})])
    assert inventory.namespace_labels("shop") == {"kubernetes.io/metadata.name": "shop", "team": "a"}
    assert inventory.namespace_labels("bank") == {"kubernetes.io/metadata.name": "bank"}


def test_an_answer_is_worked_out_once():
    calls: list[int] = []
    inventory = Inventory([])
    for _ in range(3):
        assert inventory.once("how many", lambda: calls.append(1) or len(calls)) == 1
    assert inventory.once("nothing", lambda: None) is None
    assert calls == [1]


def test_labels_that_are_no_text_select_and_break_nothing():
    odd = {"app": ["web"], "n": 5, "x": None}
    inventory = Inventory([pod("a", "shop", odd), service("s", "shop", selector={"app": "web"})])
    (workload,) = inventory.workloads
    assert inventory.services_of(workload) == []
    assert inventory.policies_of(workload) == []
    assert inventory.selects_any_pod("shop", {"app": "web"}, lambda labels: True) is False


def test_pods_are_found_by_the_labels_that_are_asked_for():
    inventory = Inventory([pod("web", "shop"), pod("db", "bank")])
    assert inventory.selects_any_pod("shop", {"app": "web"}, lambda labels: True)
    assert not inventory.selects_any_pod("shop", {"app": "db"}, lambda labels: True)
    assert inventory.selects_any_pod("shop", {}, lambda labels: "app" in labels)
    assert not inventory.selects_any_pod("", {}, lambda labels: True)


def test_a_namespace_left_open_is_that_of_the_binding_in_the_same_file():
    def placed(file: str, *resources: Resource) -> list[Resource]:
        return [resource_of(r.body, Origin(path=f"manifests/{file}")) for r in resources]

    account = {"kind": "ServiceAccount", "name": "deployer", "namespace": "tools"}
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    binding = made("ClusterRoleBinding", "deployer", roleRef=role, subjects=[account])
    own = made("RoleBinding", "own", roleRef=role, subjects=[{**account, "namespace": "elsewhere"}])
    inventory = Inventory(
        [
            *placed("install.yaml", pod("for-cluster", serviceAccountName="deployer"), binding),
            *placed("namespaced.yaml", pod("for-namespace", serviceAccountName="deployer"), own),
            *placed("pod.yaml", pod("beside", serviceAccountName="deployer")),
            *placed("other.yaml", pod("written", "shop", serviceAccountName="deployer")),
        ]
    )
    bound = {workload.name for workload in inventory.workloads if inventory.grants_of(workload)}
    assert bound == {"for-cluster", "beside"}
