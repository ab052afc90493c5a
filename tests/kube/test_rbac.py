"""Bindings joined to roles, and what a rule allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from role_list import join_grants, unknown_roles

from leadline.kube.builtin_roles import BUILT_IN_ROLES
from leadline.kube.rbac import GROUP
from leadline.kube.role_rules import Ask, RoleRules, ask
from leadline.model.resource import Origin, resource_of

API = "rbac.authorization.k8s.io/v1"
READ_SECRETS = ask("get", "secrets")


def role(*rules, name="r", namespace="", labels=None, **more):
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    body = {"apiVersion": API, "kind": kind, "metadata": metadata, "rules": list(rules), **more}
    return resource_of(body, Origin(path=f"{name}.yaml"))


def rule(resources="secrets", verbs="get", groups="core", names=""):
    made = {
        "apiGroups": ["" if g == "core" else g for g in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }
    return {**made, "resourceNames": names.split()} if names else made


def binding(*subjects, to="ClusterRole/r", namespace="", name="b", labels=None):
    kind, _, role_name = to.partition("/")
    body = {
        "apiVersion": API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role_name},
        "subjects": list(subjects),
    }
    return resource_of(body, Origin(path=f"{name}.yaml"))


JANE = {"kind": "User", "name": "jane"}
WEB = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}


def grants(*resources):
    return [(g.kind, g.name, g.role.name, g.reaches) for g in join_grants(resources)]


def places(grant, *questions):
    return [(r.on.split("/")[-2], r.path) for r in grant.may_any(questions)]


# --- the join


def test_a_role_of_another_namespace_is_not_joined():
    other = role(rule(), namespace="other")
    assert grants(other, binding(JANE, to="Role/r", namespace="shop")) == []


def test_a_role_of_the_same_namespace_is_joined():
    own = role(rule(), namespace="shop")
    assert grants(own, binding(JANE, to="Role/r", namespace="shop")) == [("User", "jane", "r", "shop")]


def test_a_namespace_that_is_not_written_is_default():
    body = {"apiVersion": API, "kind": "Role", "metadata": {"name": "r"}, "rules": [rule()]}
    bound = binding(JANE, to="Role/r", namespace="default")
    assert grants(resource_of(body), bound) == [("User", "jane", "r", "default")]


def test_a_cluster_role_bound_in_a_namespace_is_good_for_that_namespace():
    assert grants(role(rule()), binding(JANE, namespace="shop")) == [("User", "jane", "r", "shop")]


def test_a_cluster_role_binding_cannot_bind_a_role():
    assert grants(role(rule(), namespace="default"), binding(JANE, to="Role/r")) == []


def test_every_subject_of_a_binding_holds_the_role():
    assert grants(role(rule()), binding(JANE, WEB)) == [
        ("User", "jane", "r", ""),
        ("ServiceAccount", "web", "r", ""),
    ]


def test_users_and_groups_get_the_group_that_the_api_server_writes_for_them():
    found = [
        g.api_group for g in join_grants([role(rule()), binding(JANE, {"kind": "Group", "name": "g"}, WEB)])
    ]
    assert found == ["rbac.authorization.k8s.io", "rbac.authorization.k8s.io", ""]


def test_built_in_roles_are_known_and_have_no_place_to_look_at():
    (grant,) = join_grants([binding(JANE, to="ClusterRole/cluster-admin")])
    assert places(grant, READ_SECRETS) == [
        ("ClusterRoleBinding", "subjects[0]"),
        ("ClusterRoleBinding", "roleRef.name"),
    ]


def test_a_role_of_the_target_goes_before_the_built_in_one():
    (grant,) = join_grants([role(rule("pods"), name="admin"), binding(JANE, to="ClusterRole/admin")])
    assert places(grant, READ_SECRETS) == []


def test_bindings_without_a_known_role_are_named():
    bound = binding(JANE, to="ClusterRole/gone")
    assert [(b.name, wanted) for b, wanted in unknown_roles([bound])] == [("b", "ClusterRole/gone")]


def test_a_role_of_another_namespace_is_named_as_such():
    bound = binding(JANE, to="Role/r", namespace="ns16")
    other = role(rule(), namespace="ns17")
    named = "Role/r of ns16 (a RoleBinding of ns16 cannot name the Role of ns17)"
    assert [wanted for _, wanted in unknown_roles([bound, other])] == [named]


@pytest.mark.parametrize(
    ("resource", "verb", "group", "is_granted"),
    [
        ("nodes/proxy", "get", "core", False),
        ("users", "impersonate", "core", False),
        ("serviceaccounts", "impersonate", "core", True),
        ("clusterroles", "bind", GROUP, True),
        ("clusterroles", "escalate", GROUP, False),
        ("namespaces", "delete", "core", True),
    ],
)
def test_cluster_scoped_rights_need_a_binding_for_the_cluster(resource, verb, group, is_granted):
    question, held = ask(verb, resource, group), role(rule(resource, verb, group))
    (everywhere,) = join_grants([held, binding(JANE)])
    (in_shop,) = join_grants([held, binding(JANE, namespace="shop")])
    assert places(everywhere, question)
    assert bool(places(in_shop, question)) == is_granted


def test_a_star_on_resources_reaches_no_cluster_scoped_ones_within_a_namespace():
    (in_shop,) = join_grants([role(rule("*", "*", "*")), binding(JANE, namespace="shop")])
    assert places(in_shop, ask("get", "nodes/proxy")) == []
    assert places(in_shop, READ_SECRETS)


def test_the_rules_of_a_built_in_role_that_was_read_are_no_place_to_look_at():
    marked = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    (grant,) = join_grants([role(rule(), name="edit", labels=marked), binding(JANE, to="ClusterRole/edit")])
    assert {kind for kind, _ in places(grant, READ_SECRETS)} == {"ClusterRoleBinding"}


def test_view_reads_no_secrets_and_edit_does():
    view, edit = join_grants([binding(JANE, to="ClusterRole/view"), binding(JANE, to="ClusterRole/edit")])
    assert not view.rules.matching(READ_SECRETS)
    assert edit.rules.matching(READ_SECRETS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("system:node", True), ("system:kube-controller-manager", True), ("system:kube-scheduler", False)],
)
def test_the_roles_of_components_are_known(name, expected):
    (grant,) = join_grants([binding(JANE, to=f"ClusterRole/{name}")])
    assert bool(grant.rules.matching(READ_SECRETS)) is expected


def test_every_built_in_rule_says_what_it_allows():
    for name, body in BUILT_IN_ROLES.items():
        for made in body["rules"]:
            assert made["verbs"], name
            assert made.get("nonResourceURLs") or (made["apiGroups"] and made["resources"]), name


# --- aggregation

TO_VIEW = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}


@pytest.mark.parametrize("name", ["view", "edit", "admin"])
def test_rules_that_are_added_to_view_reach_the_roles_above_it(name):
    more = role(rule("widgets", groups="example.com"), name="more", labels=TO_VIEW)
    (grant,) = join_grants([more, binding(JANE, to=f"ClusterRole/{name}")])
    assert places(grant, ask("get", "widgets", "example.com"))[0] == ("ClusterRole", "rules[0].resources[0]")


def test_rules_that_the_cluster_has_filled_in_already_are_not_shown_twice():
    more = role(rule(), name="more", labels=TO_VIEW)
    selector = {"clusterRoleSelectors": [{"matchLabels": TO_VIEW}]}
    view = role(rule(), name="view", aggregationRule=selector)
    (grant,) = join_grants([more, view, binding(JANE, to="ClusterRole/view")])
    assert [match.role.name for match in grant.rules.matching(READ_SECRETS)] == ["view"]


def test_roles_that_gather_each_other_come_to_an_end():
    a = role(
        name="a", labels={"to": "b"}, aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": "a"}}]}
    )
    b = role(
        rule(),
        name="b",
        labels={"to": "a"},
        aggregationRule={
            "clusterRoleSelectors": [{"matchExpressions": [{"key": "to", "operator": "Exists"}]}]
        },
    )
    (grant,) = join_grants([a, b, binding(JANE, to="ClusterRole/a")])
    assert len(grant.rules.matching(READ_SECRETS)) == 1


# --- rules


def allows(made, question):
    return bool(RoleRules(role(made)).matching(question))


@pytest.mark.parametrize(
    ("made", "question", "expected"),
    [
        (rule("*", "*", "*"), ask("create", "pods/exec"), True),
        (rule("pods"), ask("get", "pods/exec"), False),
        (rule("pods/*"), ask("get", "pods/exec"), False),
        (rule("*/exec"), ask("get", "pods/exec"), True),
        (rule("*/exec"), ask("get", "pods"), False),
        (rule("secrets", groups="apps"), READ_SECRETS, False),
        (rule("secrets", names="registry"), READ_SECRETS, False),
        (rule("configmaps", names="coredns"), ask("get", "configmaps", names="coredns"), True),
        (rule("configmaps", names="app"), ask("get", "configmaps", names="coredns"), False),
        (rule("configmaps"), ask("get", "configmaps", names="coredns"), True),
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, READ_SECRETS, False),
        ({"apiGroups": "*", "resources": "*", "verbs": "*"}, READ_SECRETS, False),
        ({"apiGroups": [["*"]], "resources": [{}], "verbs": [None]}, READ_SECRETS, False),
    ],
)
def test_a_rule_allows_what_the_authoriser_would(made, question, expected):
    assert allows(made, question) is expected


def test_every_place_is_shown_once():
    both = (ask("get", "secrets"), ask("get list", "secrets"))
    (grant,) = join_grants([role(rule(verbs="get")), binding(JANE)])
    assert places(grant, *both) == [
        ("ClusterRole", "rules[0].resources[0]"),
        ("ClusterRole", "rules[0].verbs[0]"),
        ("ClusterRole", "rules[0].apiGroups[0]"),
        ("ClusterRoleBinding", "subjects[0]"),
        ("ClusterRoleBinding", "roleRef.name"),
    ]


VERBS = st.lists(st.sampled_from(["get", "create", "*"]), max_size=2)
RESOURCES = st.lists(st.sampled_from(["pods", "pods/exec", "*/exec", "secrets", "*"]), max_size=2)
GROUPS = st.lists(st.sampled_from(["", "apps", "*"]), max_size=2)
NAMES = st.lists(st.sampled_from(["a", "b"]), max_size=2)
RULES = st.fixed_dictionaries(
    {"verbs": VERBS, "resources": RESOURCES, "apiGroups": GROUPS}, optional={"resourceNames": NAMES}
)
ASKS = st.builds(
    Ask,
    st.frozensets(st.sampled_from(["get", "create"]), min_size=1),
    st.frozensets(st.sampled_from(["pods", "pods/exec", "secrets"]), min_size=1),
    st.frozensets(st.sampled_from(["", "apps"]), min_size=1),
    st.frozensets(st.sampled_from(["a"])),
)


def authoriser_allows(made, verb, group, resource, name):
    """The rule matching of the API server, for a single request."""
    subresource = resource.partition("/")[2]
    return (
        ("*" in made["verbs"] or verb in made["verbs"])
        and ("*" in made["apiGroups"] or group in made["apiGroups"])
        and (
            "*" in made["resources"]
            or resource in made["resources"]
            or bool(subresource and f"*/{subresource}" in made["resources"])
        )
        and (not made.get("resourceNames") or name in made["resourceNames"])
    )


@given(RULES, ASKS)
def test_a_rule_matches_when_one_of_the_requests_would_be_allowed(made, question):
    expected = any(
        authoriser_allows(made, verb, group, resource, name)
        for verb in question.verbs
        for group in question.groups
        for resource in question.resources
        for name in (question.names or {None})
    )
    assert allows(made, question) is expected


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["*", "", "User", "ClusterRole", "r", "true"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "name",
                    "namespace",
                    "subjects",
                    "roleRef",
                    "rules",
                    "verbs",
                    "resources",
                    "apiGroups",
                    "resourceNames",
                    "labels",
                    "metadata",
                    "aggregationRule",
                    "clusterRoleSelectors",
                    "matchLabels",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON, JSON, st.sampled_from(["Role", "ClusterRole"]))
def test_no_object_makes_the_join_fail(role_body, binding_body, kind):
    made = [
        {**(role_body if isinstance(role_body, dict) else {}), "apiVersion": API, "kind": kind},
        {"roleRef": {"kind": kind, "name": ""}, "subjects": [JANE]}
        | (binding_body if isinstance(binding_body, dict) else {})
        | {"apiVersion": API, "kind": f"{kind}Binding"},
    ]
    resources = [resource_of(body) for body in made]
    for grant in join_grants(resources):
        list(grant.may_any((READ_SECRETS,)))
        assert grant.is_kubernetes_own in (True, False)
        assert grant.as_resource().id
    list(unknown_roles(resources))


# --- what Kubernetes binds for itself

OWN = {"kubernetes.io/bootstrapping": "rbac-defaults"}
EVERYONE = {"kind": "Group", "name": "system:authenticated"}
PAGES = {"nonResourceURLs": ["/healthz", "/version"], "verbs": ["get"]}


def owned(*resources):
    return [grant.is_kubernetes_own for grant in join_grants(resources)]


@pytest.mark.parametrize(
    ("bound", "roles", "expected"),
    [
        (
            binding(
                {"kind": "Group", "name": "system:masters"},
                to="ClusterRole/cluster-admin",
                name="cluster-admin",
                labels=OWN,
            ),
            [],
            True,
        ),
        (binding(JANE, to="ClusterRole/cluster-admin", name="cluster-admin", labels=OWN), [], False),
        (binding(EVERYONE, to="ClusterRole/cluster-admin", name="cluster-admin", labels=OWN), [], False),
        (
            binding({"kind": "Group", "name": "system:masters"}, to="ClusterRole/cluster-admin", name="own"),
            [],
            False,
        ),
        (binding(EVERYONE, to="ClusterRole/system:discovery", name="system:discovery", labels=OWN), [], True),
        (
            binding(EVERYONE, to="ClusterRole/system:discovery", name="system:discovery", labels=OWN),
            [role(PAGES, rule("secrets"), name="system:discovery")],
            False,
        ),
        (
            binding(
                {"kind": "ServiceAccount", "name": "node-controller", "namespace": "kube-system"},
                to="ClusterRole/system:controller:node-controller",
                name="system:controller:node-controller",
                labels=OWN,
            ),
            [role(rule("nodes"), name="system:controller:node-controller")],
            True,
        ),
        (
            binding(
                {"kind": "ServiceAccount", "name": "evil", "namespace": "kube-system"},
                to="ClusterRole/system:controller:node-controller",
                name="system:controller:node-controller",
                labels=OWN,
            ),
            [role(rule("nodes"), name="system:controller:node-controller")],
            False,
        ),
        (
            binding(
                {"kind": "Group", "name": "kubeadm:cluster-admins"},
                to="ClusterRole/cluster-admin",
                name="kubeadm:cluster-admins",
            ),
            [],
            True,
        ),
        (
            binding(
                {"kind": "User", "name": "system:kube-scheduler"},
                to="Role/system::leader-locking-kube-scheduler",
                name="system::leader-locking-kube-scheduler",
                namespace="kube-system",
                labels=OWN,
            ),
            [role(rule("leases"), name="system::leader-locking-kube-scheduler", namespace="kube-system")],
            True,
        ),
        (
            binding(
                {"kind": "ServiceAccount", "name": "leader-election-controller", "namespace": "kube-system"},
                to="Role/system::leader-locking-kube-controller-manager",
                name="system::leader-locking-kube-controller-manager",
                namespace="kube-system",
                labels=OWN,
            ),
            [
                role(
                    rule("leases"),
                    name="system::leader-locking-kube-controller-manager",
                    namespace="kube-system",
                )
            ],
            True,
        ),
        (
            binding(
                {"kind": "User", "name": "system:kube-scheduler"},
                to="ClusterRole/cluster-admin",
                name="system::leader-locking-kube-scheduler",
                namespace="shop",
                labels=OWN,
            ),
            [],
            False,
        ),
    ],
    ids=[
        "masters",
        "jane-with-the-label",
        "everyone-with-the-label",
        "masters-without-the-label",
        "discovery",
        "discovery-with-more-rules",
        "controller",
        "controller-of-another-name",
        "kubeadm",
        "scheduler-lock",
        "leader-lock",
        "scheduler-in-another-namespace",
    ],
)
def test_the_label_alone_makes_no_binding_kubernetes_own(bound, roles, expected):
    assert owned(bound, *roles) == [expected]
