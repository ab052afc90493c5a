"""Roles that nothing that was read binds are asked what a grant is asked, by the same controls."""

import pytest
import yaml

from leadline.kube.rbac import Grant, Rights
from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge, judge
from leadline.posture.follow import Followed
from leadline.posture.worlds import Worlds

CONTROLS = [control for control in load_controls() if control.subject in (Grant, Rights)]
OVER_RIGHTS = {control.id for control in CONTROLS if control.subject is Rights}
API = "rbac.authorization.k8s.io/v1"


def role(name, *rules, kind="ClusterRole", namespace="", labels=None, **more):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels or {}}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "rules": list(rules), **more}


def rule(resources, verbs, groups=""):
    return {"apiGroups": groups.split(","), "resources": resources.split(), "verbs": verbs.split()}


def binding(name, kind="ClusterRoleBinding", role_kind="ClusterRole", namespace=""):
    return {
        "apiVersion": API,
        "kind": kind,
        "metadata": {"name": f"b-{name}", **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": API.partition("/")[0], "kind": role_kind, "name": name},
        "subjects": [{"apiGroup": API.partition("/")[0], "kind": "User", "name": "jane"}],
    }


def resources(*bodies):
    return [resource_of(body, Origin(path="f.yaml", document=i)) for i, body in enumerate(bodies)]


def failing(*bodies):
    """Controls by the name of the object that fails."""
    found = {}
    for finding in judge(resources(*bodies), CONTROLS).findings:
        found.setdefault(finding.resource.rpartition("/")[2], set()).add(finding.control)
    return found


EVERYTHING = rule("*", "*", "*")
SECRETS = rule("secrets", "get list")


def test_every_control_over_rights_asks_them_of_a_role_without_a_binding():
    questions = [
        EVERYTHING,
        rule("deployments", "*", "apps"),
        rule("networkpolicies", "create", "networking.k8s.io"),
        rule("secrets", "create get"),
        {**rule("configmaps", "update"), "resourceNames": ["aws-auth"]},
    ]
    found = set().union(*failing(*(role(f"r{i}", q) for i, q in enumerate(questions))).values())
    assert found == OVER_RIGHTS


def test_the_finding_says_that_no_binding_was_read():
    (first, *_) = judge(resources(role("r", SECRETS)), CONTROLS).findings
    assert "no binding read gives it to a subject;" in first.violation.advice


def test_the_role_itself_fails_and_is_counted_once():
    judgement = judge(resources(role("r", SECRETS), role("harmless", rule("pods", "get"))), CONTROLS)
    assert {f.resource for f in judgement.findings} == {judgement.resources[0].id}
    assert all(set(ids) == OVER_RIGHTS for ids in judgement.judged)


NOBODY = [{"subjects": []}, {"subjects": None}, {"subjects": ["jane"]}]


@pytest.mark.parametrize("kind", ["ClusterRoleBinding", "RoleBinding"])
@pytest.mark.parametrize("nobody", NOBODY)
def test_a_binding_without_a_subject_binds_nothing(kind, nobody):
    alone = failing(role("r", EVERYTHING))
    namespace = "" if kind == "ClusterRoleBinding" else "shop"
    assert failing(role("r", EVERYTHING), {**binding("r", kind, namespace=namespace), **nobody}) == alone


OUTSIDE_NAMESPACES = [
    rule("nodes/proxy", "get"),
    rule("mutatingwebhookconfigurations", "create", "admissionregistration.k8s.io"),
    rule("clusterroles", "escalate", "rbac.authorization.k8s.io"),
    rule("users", "impersonate"),
    rule("certificatesigningrequests/approval", "update", "certificates.k8s.io"),
    rule("persistentvolumes", "create"),
    rule("nodes", "update"),
]


@pytest.mark.parametrize("outside", OUTSIDE_NAMESPACES, ids=lambda one: one["resources"][0])
def test_a_role_binding_gives_no_one_what_has_no_namespace(outside):
    alone = failing(role("r", outside))["r"]
    assert alone
    assert failing(role("r", outside), binding("r", "RoleBinding", namespace="shop"))["r"] == alone
    assert "r" not in failing(role("r", outside), binding("r"))


def test_of_a_role_that_is_held_in_a_namespace_the_rest_waits():
    found = failing(
        role("r", rule("nodes", "update"), SECRETS), binding("r", "RoleBinding", namespace="shop")
    )
    assert "C-0015" not in found["r"]
    assert "C-0015" in found["jane"]
    assert found["r"] == failing(role("r", rule("nodes", "update")))["r"]


def test_rights_that_lead_to_more_together_are_named_though_a_namespace_gives_a_part_of_them():
    together = role("r", rule("pods persistentvolumeclaims", "create"), rule("persistentvolumes", "create"))
    assert "L-0047" in failing(together)["r"]
    assert "L-0047" in failing(together, binding("r", "RoleBinding", namespace="shop"))["r"]


def test_a_binding_to_another_role_of_the_name_binds_only_that_one():
    found = failing(role("r", EVERYTHING), role("r", rule("pods", "get")), binding("r"))
    assert found["r"] == failing(role("r", EVERYTHING))["r"]


def test_an_aggregated_role_that_claims_to_be_of_kubernetes_hides_no_role():
    claims = role(
        "system:mine",
        labels={"kubernetes.io/bootstrapping": "rbac-defaults"},
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]},
    )
    assert "part" in failing(role("part", SECRETS, labels={"to": "whole"}), claims)


@pytest.mark.parametrize(
    "bound",
    [
        binding("r"),
        binding("r", "RoleBinding", namespace="shop"),
    ],
)
def test_a_role_with_a_binding_is_asked_through_it_alone(bound):
    assert "r" not in failing(role("r", SECRETS), bound)


def test_a_role_is_bound_in_its_own_namespace_only():
    there = role("r", SECRETS, kind="Role", namespace="shop")
    own, other = (binding("r", "RoleBinding", "Role", namespace) for namespace in ("shop", "farm"))
    assert "r" not in failing(there, own)
    assert failing(there, other)["r"] >= {"C-0015"}


def test_rights_without_a_namespace_grant_nothing_in_a_role_of_one():
    assert failing(role("r", rule("nodes/proxy", "get"), kind="Role", namespace="shop")) == {}


@pytest.mark.parametrize("name", ["cluster-admin", "edit", "system:node"])
def test_roles_of_kubernetes_are_left_out(name):
    assert failing(role(name, EVERYTHING, labels={"kubernetes.io/bootstrapping": "rbac-defaults"})) == {}


def test_the_label_alone_makes_no_role_one_of_kubernetes():
    assert "mine" in failing(
        role("mine", EVERYTHING, labels={"kubernetes.io/bootstrapping": "rbac-defaults"})
    )


TO = "rbac.authorization.k8s.io/aggregate-to-"


@pytest.mark.parametrize(("receiver", "fails"), [("view", True), ("edit", False), ("admin", False)])
def test_what_a_role_adds_to_a_built_in_one_counts_where_that_does_not_allow_it_anyhow(receiver, fails):
    assert ("r" in failing(role("r", SECRETS, labels={TO + receiver: "true"}))) is fails


def test_a_role_that_another_one_takes_over_is_asked_with_that_one():
    taken = role("part", SECRETS, labels={"to": "whole"})
    whole = role("whole", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]})
    alone = judge(resources(taken, whole), CONTROLS)
    assert {f.resource for f in alone.findings} == {alone.resources[1].id}
    assert {f.on for f in alone.findings} == {alone.resources[0].id}
    assert set(failing(taken, whole, binding("whole"))) == {"jane"}


def test_a_binding_that_comes_or_goes_is_followed():
    (only,) = resources(role("r", SECRETS))
    followed = Followed(Judge(CONTROLS), Worlds([only]))
    assert {f.resource for f in followed.judgement.findings} == {only.id}
    (bound,) = resources(binding("r"))
    followed.change((), (bound,))
    assert only.id not in {f.resource for f in followed.judgement.findings}
    followed.change((bound.id,), ())
    assert followed.judgement == judge([only], CONTROLS)


ADVICE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{name: oops, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: {subjects}
"""
ACCOUNT = "{kind: ServiceAccount, name: web, namespace: shop}"
JANE = "{kind: User, name: jane}"


@pytest.mark.parametrize(
    ("kind", "role_name", "subjects", "advice"),
    [
        (
            "ClusterRoleBinding",
            "cluster-admin",
            [ACCOUNT],
            "delete ClusterRoleBinding/oops, or bind `edit` in shop",
        ),
        (
            "ClusterRoleBinding",
            "cluster-admin",
            [JANE],
            "delete ClusterRoleBinding/oops, or bind `edit` in the namespaces that need it",
        ),
        ("RoleBinding", "edit", [JANE], "delete RoleBinding/oops, or bind `view` in farm"),
        (
            "RoleBinding",
            "admin",
            [ACCOUNT, JANE],
            "take ServiceAccount/web out of RoleBinding/oops, or bind `edit` in shop",
        ),
    ],
)
def test_what_to_do_about_a_binding_points_at_the_binding(kind, role_name, subjects, advice):
    namespace = '""' if kind == "ClusterRoleBinding" else "farm"
    text = ADVICE.format(kind=kind, namespace=namespace, role=role_name, subjects=f"[{', '.join(subjects)}]")
    findings = judge(resources(yaml.safe_load(text)), CONTROLS).findings
    assert {f.path.partition("[")[0] for f in findings} == {"subjects", "roleRef.name"}
    assert next(f.violation.advice for f in findings if f.path == "subjects[0]") == advice
