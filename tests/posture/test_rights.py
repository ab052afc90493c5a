"""What counts as more than reading, and as a way to take a cluster over."""

import pytest

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.kube.role_rules import RoleRules
from leadline.model.resource import resource_of
from leadline.posture.checks.rbac_queries import EVERYTHING, READ_SECRETS, TAKEOVER, beyond_reading
from leadline.posture.inventory import Inventory


def rule(resources, verbs, groups="", names=()):
    made = {"apiGroups": groups.split(","), "resources": resources.split(), "verbs": verbs.split()}
    return {**made, "resourceNames": list(names)} if names else made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (rule("pods", "get list watch"), ()),
        (rule("pods services", "get patch"), ("resources[0]", "resources[1]", "verbs[1]")),
        (rule("events pods", "create"), ("resources[1]", "verbs[0]")),
        (rule("leases", "create update", "coordination.k8s.io"), ()),
        (rule("widgets/status widgets/finalizers", "update", "example.com"), ()),
        (rule("subjectaccessreviews tokenreviews", "create"), ()),
        (rule("configmaps", "update", names=["own"]), ()),
        (rule("*", "*"), ("resources[0]", "verbs[0]")),
        ({"nonResourceURLs": ["/metrics"], "verbs": ["post"]}, ()),
        ({"resources": "pods", "verbs": "create"}, ()),
        ({"resources": [None], "verbs": [7]}, ()),
    ],
)
def test_what_changes_something_is_beyond_reading(made, expected):
    assert beyond_reading(made) == expected


def takes_over(*rules):
    rights = RoleRules(resource_of({"kind": "ClusterRole", "rules": list(rules)}))
    return any(rights.matching(question) for question in TAKEOVER)


@pytest.mark.parametrize(
    "made",
    [
        rule("*", "*"),
        rule("secrets", "list"),
        rule("pods", "create"),
        rule("deployments", "patch", "apps"),
        rule("pods/exec", "get"),
        rule("pods/ephemeralcontainers", "update"),
        rule("groups", "impersonate", names=["system:masters"]),
        rule("clusterroles", "bind", "rbac.authorization.k8s.io", names=["cluster-admin"]),
        rule("roles", "escalate", "rbac.authorization.k8s.io"),
        rule("serviceaccounts/token", "create"),
        rule("nodes/proxy", "get"),
        rule("mutatingwebhookconfigurations", "update", "admissionregistration.k8s.io"),
    ],
)
def test_a_right_that_leads_to_more_takes_over(made):
    assert takes_over(made)


@pytest.mark.parametrize(
    "made",
    [
        rule("pods nodes configmaps", "get list watch"),
        rule("secrets", "get", names=["registry"]),
        rule("deployments", "get", "apps"),
        rule("clusterroles", "bind", "rbac.authorization.k8s.io", names=["view"]),
        rule("pods", "create", "example.com"),
        rule("selfsubjectaccessreviews", "create", "authorization.k8s.io"),
    ],
)
def test_reading_and_named_rights_take_nothing_over(made):
    assert not takes_over(made)


@pytest.mark.parametrize(
    ("role", "reads_secrets", "is_everything"),
    [("view", False, False), ("edit", True, False), ("admin", True, False), ("cluster-admin", True, True)],
)
def test_the_user_facing_roles_are_told_apart(role, reads_secrets, is_everything):
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": "jane"}],
    }
    (grant,) = Inventory([resource_of(binding)]).grants
    assert bool(list(grant.may_any(READ_SECRETS))) is reads_secrets
    assert bool(list(grant.may_any(EVERYTHING))) is is_everything


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"nonResourceURLs": ["/healthz", "/version/"], "verbs": ["get"]}, True),
        ({"nonResourceURLs": ["/apis/*", "/openapi/*"], "verbs": ["get"]}, True),
        ({"nonResourceURLs": ["*"], "verbs": ["get"]}, False),
        ({"nonResourceURLs": ["/debug/pprof"], "verbs": ["get"]}, False),
        (rule("selfsubjectaccessreviews selfsubjectreviews", "create"), True),
        (rule("selfsubjectaccessreviews pods", "create"), False),
        ({"nonResourceURLs": ["/healthz"], "resources": ["secrets"], "verbs": ["get"]}, False),
        ({"resources": "secrets", "verbs": ["get"]}, False),
        ({}, False),
    ],
)
def test_only_pages_and_questions_about_oneself_are_public(made, expected):
    assert grants_only_public_facts([made]) is expected
