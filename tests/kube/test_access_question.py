"""One request held against the rules of roles, as the RBAC authoriser holds it."""

import pytest

from leadline.kube.access_question import (
    AccessQuestion,
    groups_of,
    holder_of,
    user_or_group,
)
from leadline.kube.rbac import Grant
from leadline.kube.role_rules import RoleRules
from leadline.model.access import Subject
from leadline.model.resource import Resource

GROUP = "rbac.authorization.k8s.io"


def grant(rule, binding_kind="RoleBinding", namespace="shop", subject=None):
    role = Resource(f"{GROUP}/v1", "ClusterRole", "", "r", {"rules": [rule]})
    binding = Resource(
        f"{GROUP}/v1", binding_kind, namespace if binding_kind == "RoleBinding" else "", "b", {}
    )
    return Grant(binding, 0, subject or {"kind": "User", "name": "alice"}, RoleRules(role))


def allows(rule, question, **where):
    return bool(question.allowed_by(grant(rule, **where)))


READ_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}


@pytest.mark.parametrize(
    ("rule", "question", "answer"),
    [
        (READ_SECRETS, AccessQuestion("get", "secrets", "", "shop", ""), True),
        (READ_SECRETS, AccessQuestion("get", "secrets", "", "other", ""), False),
        (READ_SECRETS, AccessQuestion("get", "secrets", "", "", ""), False),
        (READ_SECRETS, AccessQuestion("get", "secrets", "apps", "shop", ""), False),
        (READ_SECRETS, AccessQuestion("list", "secrets", "", "shop", ""), False),
        (READ_SECRETS, AccessQuestion("get", "secrets/status", "", "shop", ""), False),
        ({**READ_SECRETS, "resources": ["*"]}, AccessQuestion("get", "pods/log", "", "shop", ""), True),
        ({**READ_SECRETS, "resources": ["*/log"]}, AccessQuestion("get", "pods/log", "", "shop", ""), True),
        ({**READ_SECRETS, "resources": ["*/log"]}, AccessQuestion("get", "pods", "", "shop", ""), False),
        ({**READ_SECRETS, "resources": ["*/"]}, AccessQuestion("get", "secrets", "", "shop", ""), False),
        ({**READ_SECRETS, "resources": ["pods/*"]}, AccessQuestion("get", "pods/log", "", "shop", ""), False),
        ({**READ_SECRETS, "resourceNames": ["db"]}, AccessQuestion("get", "secrets", "", "shop", "db"), True),
        ({**READ_SECRETS, "resourceNames": ["db"]}, AccessQuestion("get", "secrets", "", "shop", ""), False),
        ({**READ_SECRETS, "resourceNames": ["db"]}, AccessQuestion("get", "secrets", "", "shop"), True),
        ({**READ_SECRETS, "verbs": ["*"]}, AccessQuestion("escalate", "secrets", "", "shop", ""), True),
        (READ_SECRETS, AccessQuestion("*", "secrets", "", "shop", ""), False),
    ],
)
def test_a_rule_allows_what_the_authoriser_allows(rule, question, answer):
    assert allows(rule, question) is answer


@pytest.mark.parametrize(
    ("url", "path", "answer"),
    [
        ("/metrics", "/metrics", True),
        ("/metrics", "/metrics/x", False),
        ("/logs/*", "/logs/kubelet", True),
        ("/logs/*", "/logs", False),
        ("/lo**", "/logs", True),
        ("*", "/anything", True),
    ],
)
def test_a_page_is_matched_as_the_authoriser_matches(url, path, answer):
    rule = {"nonResourceURLs": [url], "verbs": ["get"]}
    question = AccessQuestion("get", path=path)
    assert allows(rule, question, binding_kind="ClusterRoleBinding") is answer
    assert not allows(rule, question)


def test_an_account_without_a_namespace_is_that_of_the_role_binding_alone():
    account = {"kind": "ServiceAccount", "name": "api"}
    assert holder_of(grant(READ_SECRETS, subject=account)) == Subject("ServiceAccount", "shop", "api")
    assert holder_of(grant(READ_SECRETS, binding_kind="ClusterRoleBinding", subject=account)) is None


def test_the_user_name_of_an_account_is_the_account():
    assert user_or_group("User", "system:serviceaccount:shop:api") == Subject("ServiceAccount", "shop", "api")
    assert user_or_group("User", "system:serviceaccount:shop") == Subject(
        "User", "", "system:serviceaccount:shop"
    )


def test_groups_follow_from_the_kind_of_subject():
    def names(subject, *groups):
        return [one.name for one in groups_of(subject, groups)]

    assert names(Subject("ServiceAccount", "shop", "api")) == [
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
        "system:authenticated",
    ]
    assert names(Subject("User", "", "alice"), "devs") == ["devs", "system:authenticated"]
    assert names(Subject("User", "", "system:anonymous")) == ["system:unauthenticated"]
