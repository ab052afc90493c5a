"""What is never used, the smallest role that covers what is, and its rehearsal."""

import json
import random
from pathlib import Path

import pytest
import yaml

from leadline.kube.access_question import AccessQuestion, Right
from leadline.model.access import AuditRecord, RecordedRequest, Subject
from leadline.scans.access.smallest import smallest
from leadline.scans.access.target import open_access
from leadline.scans.access.unused import rehearse, unused_access
from leadline.scans.options import PostureOptions

API = Subject("ServiceAccount", "shop", "api")
MANIFEST = """# who may do what
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: api, namespace: shop}
  rules:
  # settings
  - apiGroups: [""]
    resources: [configmaps, secrets]   # both
    verbs: [get, list]
  - {apiGroups: [apps], resources: [deployments], verbs: [delete]}
  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: api, namespace: shop}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: api}
  subjects: [{kind: ServiceAccount, name: api, namespace: shop}]
"""


def request(verb, resource, group="", subject=API, namespace="shop", name="", groups=()):
    return RecordedRequest(subject, groups, verb, group, resource, namespace, name)


def record(*requests):
    return AuditRecord(dict.fromkeys(requests, 2))


def use_of(path: Path, *requests):
    with open_access([str(path)], PostureOptions()) as target:
        return unused_access(target, record(*requests))


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "rbac.yaml"
    path.write_text(MANIFEST)
    return path


def test_the_change_of_the_manifest_keeps_its_comments_and_names_what_goes(manifest):
    use = use_of(
        manifest,
        request("get", "configmaps"),
        request("list", "configmaps"),
        request("patch", "jobs", "batch"),
    )
    (role,) = use.roles
    assert (role.role, role.requests, role.holders, use.replayed, use.elsewhere) == (
        "shop/Role/api",
        6,
        (API,),
        3,
        0,
    )
    assert role.unused == (
        "get, list on secrets (rules[0]; no request of anyone for it was recorded)",
        "delete on deployments.apps (rules[1]; no request of anyone for it was recorded)",
        "the rest of everything on all resources (rules[2])",
    )
    assert role.unknown == (
        "rules[2] also allows approve, attest, bind, escalate, sign, use by its *, which is not kept",
    )
    assert role.patch[2:] == (
        "@@ -8,10 +8,9 @@",
        "   rules:",
        "   # settings",
        '   - apiGroups: [""]',
        "-    resources: [configmaps, secrets]   # both",
        "+    resources: [configmaps]   # both",
        "     verbs: [get, list]",
        "-  - {apiGroups: [apps], resources: [deployments], verbs: [delete]}",
        '-  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}',
        "+  - {apiGroups: [batch], resources: [jobs], verbs: [patch]}",
        " - apiVersion: rbac.authorization.k8s.io/v1",
        "   kind: RoleBinding",
        "   metadata: {name: api, namespace: shop}",
    )


def test_what_another_role_allows_is_elsewhere_and_what_is_refused_is_no_use(manifest):
    use = use_of(
        manifest,
        request("get", "pods", subject=Subject("User", "", "admin")),
        request("get", "pods", namespace=""),
    )
    assert (use.replayed, use.elsewhere) == (0, 2)
    assert use.roles[0].requests == 0


def test_a_right_that_no_log_shows_is_kept():
    rule = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles"],
        "verbs": ["bind", "get"],
    }
    found = smallest([rule], {}, set())
    assert found.all == [{**rule, "verbs": ["bind"]}]
    assert found.unknown == ("bind on clusterroles.rbac.authorization.k8s.io (rules[0]) is kept",)


def test_a_rule_that_is_used_in_full_stays_as_it_is():
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}
    found = smallest([rule], {0: {Right("", "pods", "get")}}, set())
    assert found.all[0] is rule
    assert found.unused == ()


def test_rights_with_different_verbs_become_several_rules_with_the_same_names():
    rule = {
        "apiGroups": [""],
        "resources": ["pods", "secrets"],
        "verbs": ["get", "list"],
        "resourceNames": ["a"],
    }
    found = smallest([rule], {0: {Right("", "pods", "get"), Right("", "secrets", "list")}}, set())
    assert found.all == [
        {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["list"]},
    ]


def test_smaller_rules_allow_what_was_used_and_nothing_that_was_not_given():
    chance = random.Random(7)

    def some(values):
        return ["*"] if chance.random() < 0.2 else chance.sample(values, chance.randint(1, len(values)))

    verbs, groups, resources = (
        ["get", "list", "bind"],
        ["", "apps"],
        ["pods", "pods/log", "deployments", "*/log"],
    )
    narrowed = 0
    for _ in range(500):
        rules = [
            {"verbs": some(verbs), "apiGroups": some(groups), "resources": some(resources)}
            for _ in range(chance.randint(1, 3))
        ]
        questions = [AccessQuestion(v, r, g, "", "") for v in verbs for r in resources[:3] for g in groups]
        allowed = [q for q in questions if any(q(rule) for rule in rules)]
        asked = [q for q in allowed if chance.random() < 0.3]
        used = {
            i: {Right(q.group, q.resource, q.verb) for q in asked if q(rule)} for i, rule in enumerate(rules)
        }
        found = smallest(rules, used, set()).all
        after = [q for q in questions if any(q(rule) for rule in found)]
        assert set(asked) <= set(after) <= set(allowed)
        narrowed += len(after) < len(allowed)
        literal = not any("*" in json.dumps(rule) for rule in rules)
        if literal:
            assert all(q in asked or q.verb == "bind" for q in after)
    assert narrowed > 200


def test_a_rehearsal_names_the_requests_that_would_be_refused(manifest):
    ok, lost = request("get", "configmaps"), request("get", "secrets")
    with open_access([str(manifest)], PostureOptions()) as target:
        (world,) = target.worlds
        id = world.grants[0].role.id
        smaller = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
        assert rehearse(world, {id: smaller}, [ok, lost]) == [lost]
        assert rehearse(world, {}, [ok, lost]) == []


def test_an_aggregated_role_is_narrowed_where_its_rules_are_written(tmp_path):
    part = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "part", "labels": {"to-sum": "yes"}},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    }
    whole = {
        **part,
        "metadata": {"name": "sum"},
        "rules": part["rules"],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to-sum": "yes"}}]},
    }
    binding = yaml.safe_load(MANIFEST)["items"][1]
    binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sum"}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([part, whole, binding]))
    use = use_of(tmp_path / "all.yaml", request("get", "pods"))
    assert [(one.role, one.unused) for one in use.roles] == [
        ("ClusterRole/part", ("list on pods (rules[0])",))
    ]
    assert "-  - list" in use.roles[0].patch


def test_a_secret_beside_the_role_does_not_come_into_the_diff(tmp_path):
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData:\n  password: hunter2hunter2\n---\n"
    role = yaml.safe_load(MANIFEST)["items"]
    (tmp_path / "all.yaml").write_text(secret + yaml.safe_dump_all(role))
    use = use_of(tmp_path / "all.yaml", request("get", "configmaps"))
    assert use.roles[0].patch
    assert "hunter2" not in str(use)
