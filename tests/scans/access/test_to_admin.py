"""Paths to cluster admin: each way that rights open, and none that they do not."""

import json
from pathlib import Path

import pytest
import yaml

from leadline.scans.access.target import open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.options import PostureOptions

GROUP = "rbac.authorization.k8s.io"
CERTIFICATES = "certificates.k8s.io"


def role(name, *rules, namespace="", labels=None, aggregation=None):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels or {}}
    body = {"kind": "Role" if namespace else "ClusterRole", "metadata": metadata}
    body["rules"] = [
        {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [group], **more}
        for verbs, resources, group, more in (((*rule, {})[:4]) for rule in rules)
    ]
    if aggregation:
        body["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": aggregation}]}
    return {"apiVersion": f"{GROUP}/v1", **body}


def binding(role_kind, role_name, subject, namespace=""):
    metadata = {"name": f"{role_name}-{subject['name']}", **({"namespace": namespace} if namespace else {})}
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    reference = {"apiGroup": GROUP, "kind": role_kind, "name": role_name}
    return {
        "apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "roleRef": reference, "subjects": [subject]
    }  # fmt: skip


EVE = {"kind": "User", "apiGroup": GROUP, "name": "eve"}
OPS = {"kind": "ServiceAccount", "namespace": "ops", "name": "op"}
ADMIN = binding("ClusterRole", "cluster-admin", OPS)


def pod(namespace, account, *, mounts=True):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": mounts,
            "containers": [{"name": "c", "image": "i"}],
        },
    }


def paths(tmp_path: Path, *objects) -> list[list[str]]:
    """The ways of eve, each as its sentences."""
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    with open_access([str(tmp_path)], PostureOptions(), with_accounts=True) as target:
        answer = to_admin(target)
    return [
        [step.text for step in one.steps if step.kind == "way"]
        for one in answer.found
        if one.subject.name == "eve"
    ]


def held(*rules, namespace="", **more):
    """A role with ``rules`` that eve holds, cluster-wide or in a namespace."""
    return role("r", *rules, **more), binding("ClusterRole", "r", EVE, namespace)


CASES = [
    (("impersonate", "users", ""), "impersonates Group/system:masters", False),
    (("impersonate", "serviceaccounts", ""), "impersonates ops/ServiceAccount/op", True),
    (("create", "serviceaccounts/token", ""), "asks for a token of ops/ServiceAccount/op", True),
    (("create", "pods", ""), "creates a pod that runs as ops/ServiceAccount/op", True),
    (("create", "cronjobs", "batch"), "creates a pod that runs as ops/ServiceAccount/op", True),
    (
        ("patch", "deployments", "apps"),
        "changes a workload so that its pods run as ops/ServiceAccount/op",
        True,
    ),
    (
        ("create", "pods/exec", ""),
        "runs commands in a pod of ops/ServiceAccount/op, whose token is mounted",
        True,
    ),
    (
        ("get", "pods/attach", ""),
        "runs commands over a websocket, before Kubernetes 1.35, in a pod of ops/ServiceAccount/op, whose token is mounted",
        True,
    ),
    (
        ("get", "nodes/proxy", ""),
        "runs commands through the kubelet in a pod of ops/ServiceAccount/op, whose token is mounted",
        True,
    ),
    (
        ("create get", "secrets", ""),
        "creates a Secret for a token of ops/ServiceAccount/op and reads it",
        True,
    ),
    (("get", "secrets", ""), "reads the Secret with the token of ops/ServiceAccount/op", False),
    (("list", "pods", ""), "", False),
    (("create", "rolebindings clusterrolebindings", GROUP), "", False),
    (("bind", "clusterroles", GROUP), "", False),
    (
        ("bind create", "clusterroles clusterrolebindings", GROUP),
        "binds ClusterRole/cluster-admin to itself",
        True,
    ),
    (
        ("bind create", "clusterroles clusterrolebindings", GROUP, {"resourceNames": ["view"]}),
        "",
        False,
    ),
    (("update", "clusterrolebindings", GROUP), "", False),
    (
        ("bind update", "clusterroles clusterrolebindings", GROUP),
        "adds itself to ClusterRoleBinding/cluster-admin-op, which gives ClusterRole/cluster-admin",
        True,
    ),
    (
        ("bind update", "clusterroles clusterrolebindings", GROUP, {"resourceNames": ["cluster-admin"]}),
        "",
        False,
    ),
    (("update", "clusterroles", GROUP), "", False),
    (
        ("escalate update", "clusterroles", GROUP),
        "writes every right into ClusterRole/r, which it holds",
        True,
    ),
    (("escalate update", "clusterroles", GROUP, {"resourceNames": ["other"]}), "", False),
]


@pytest.mark.parametrize(("rule", "text", "is_way"), CASES)
def test_a_right_opens_its_way_and_no_other(tmp_path, rule, text, is_way):
    found = paths(tmp_path, ADMIN, pod("ops", "op"), *held(rule))
    assert ([f"User/eve {text}"] in found) is is_way
    assert bool(found) is is_way or rule[0] == "impersonate"


def test_rights_of_another_namespace_lead_nowhere(tmp_path):
    for rule in (
        ("create", "pods", ""),
        ("create", "serviceaccounts/token", ""),
        ("impersonate", "serviceaccounts", ""),
    ):
        assert paths(tmp_path, ADMIN, *held(rule, namespace="shop")) == []
        assert len(paths(tmp_path, ADMIN, *held(rule, namespace="ops"))) == 1


def test_a_name_limits_whom_a_token_is_for(tmp_path):
    token = ("create", "serviceaccounts/token", "")
    assert paths(tmp_path, ADMIN, *held((*token, {"resourceNames": ["other"]}))) == []
    assert len(paths(tmp_path, ADMIN, *held((*token, {"resourceNames": ["op"]})))) == 1


def test_a_token_that_is_not_mounted_is_not_taken_from_a_pod(tmp_path):
    assert paths(tmp_path, ADMIN, pod("ops", "op", mounts=False), *held(("create", "pods/exec", ""))) == []


def test_a_token_in_a_secret_that_was_read_is_followed(tmp_path):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "old", "namespace": "ops", "annotations": {"kubernetes.io/service-account.name": "op"}
        },
    }  # fmt: skip
    read = ("get", "secrets", "")
    assert paths(tmp_path, ADMIN, secret, *held(read)) == [
        ["User/eve reads the Secret with the token of ops/ServiceAccount/op"]
    ]
    assert paths(tmp_path, ADMIN, secret, *held((*read, {"resourceNames": ["other"]}))) == []


def test_a_member_of_masters_is_impersonated_beside_a_user(tmp_path):
    groups = ("impersonate", "groups", "", {"resourceNames": ["system:masters"]})
    assert paths(tmp_path, *held(groups)) == []
    assert paths(tmp_path, *held(groups, ("impersonate", "users", "", {"resourceNames": ["x"]}))) == [
        ["User/eve impersonates a member of Group/system:masters"]
    ]


def test_what_has_no_namespace_is_not_given_by_a_role_binding(tmp_path):
    groups = role("g", ("impersonate", "groups", ""))
    users = role("u", ("impersonate", "users", ""))
    given = (groups, binding("ClusterRole", "g", EVE), users)
    assert paths(tmp_path, ADMIN, *given, binding("ClusterRole", "u", EVE, "ops")) == []
    assert len(paths(tmp_path, ADMIN, *given, binding("ClusterRole", "u", EVE))) == 1
    everything = role("all", ("*", "*", "*"))
    within = paths(tmp_path, everything, binding("ClusterRole", "all", EVE, "ops"))
    assert within == []


def test_a_certificate_takes_all_three_rights_and_is_never_one_of_masters(tmp_path):
    ask = ("create", "certificatesigningrequests", CERTIFICATES)
    approve = ("update", "certificatesigningrequests/approval", CERTIFICATES)
    sign = ("approve", "signers", CERTIFICATES, {"resourceNames": ["kubernetes.io/kube-apiserver-client"]})
    assert paths(tmp_path, ADMIN, *held(ask, approve)) == []
    assert paths(tmp_path, *held(ask, approve, sign)) == []
    assert paths(tmp_path, ADMIN, *held(ask, approve, sign)) == [
        ["User/eve asks for a certificate with the user name of ops/ServiceAccount/op and approves it"]
    ]
    other = ("approve", "signers", CERTIFICATES, {"resourceNames": ["kubernetes.io/kubelet-serving"]})
    assert paths(tmp_path, ADMIN, *held(ask, approve, other)) == []


def test_a_role_that_is_taken_over_by_one_that_is_held_is_a_way(tmp_path):
    held_one = role("sum", ("escalate create", "clusterroles", GROUP), aggregation={"to-sum": "yes"})
    assert paths(tmp_path, held_one, binding("ClusterRole", "sum", EVE)) == [
        ["User/eve creates a ClusterRole with every right that ClusterRole/sum, which it holds, takes over"]
    ]


def test_a_role_in_one_namespace_leads_on_over_its_accounts(tmp_path):
    rights = role("r", ("bind create", "clusterroles rolebindings", GROUP))
    found = paths(tmp_path, ADMIN, rights, binding("ClusterRole", "r", EVE, "ops"))
    assert found == [
        [
            "User/eve binds ClusterRole/cluster-admin to itself in ops",
            "User/eve impersonates ops/ServiceAccount/op",
        ]
    ]


def test_a_path_goes_over_several_accounts_and_comes_to_an_end(tmp_path):
    middle = {"kind": "ServiceAccount", "namespace": "shop", "name": "ci"}
    objects = [
        ADMIN,
        role("tokens", ("create", "serviceaccounts/token", "")),
        binding("ClusterRole", "tokens", EVE, "shop"),
        binding("ClusterRole", "tokens", middle, "ops"),
        binding("ClusterRole", "tokens", {**middle, "name": "other"}, "shop"),
    ]
    assert paths(tmp_path, *objects) == [
        [
            "User/eve asks for a token of shop/ServiceAccount/ci",
            "shop/ServiceAccount/ci asks for a token of ops/ServiceAccount/op",
        ]
    ]


def test_a_name_with_braces_is_a_name(tmp_path):
    """Names of roles and bindings are path segments to the API server: ``{}`` is a valid one."""
    may = ("bind escalate update", "clusterroles clusterrolebindings", GROUP)
    objects = [
        role("{x.y}", may),
        binding("ClusterRole", "{x.y}", EVE),
        {**ADMIN, "metadata": {"name": "{0}"}},
    ]
    assert sorted(paths(tmp_path, *objects)) == [
        ["User/eve adds itself to ClusterRoleBinding/{0}, which gives ClusterRole/cluster-admin"],
        ["User/eve writes every right into ClusterRole/{x.y}, which it holds"],
    ]


def test_what_kubernetes_binds_itself_is_counted_and_left_out(tmp_path):
    own = {
        **binding(
            "ClusterRole", "cluster-admin", {"kind": "Group", "apiGroup": GROUP, "name": "system:masters"}
        ),
        "metadata": {"name": "cluster-admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
    }
    (tmp_path / "own.json").write_text(json.dumps(own))
    with open_access([str(tmp_path)], PostureOptions()) as target:
        answer = to_admin(target)
        assert answer.found == ()
        assert "left out: 1 subject that Kubernetes itself binds" in answer.notes
        assert [one.subject.name for one in to_admin(target, with_own=True).found] == ["system:masters"]
