"""What becomes of a write: warned of, denied, left alone, or not judged and said so."""

from collections.abc import Callable
from typing import Any

import pytest
from reviews import (
    NOW,
    PRIVILEGED,
    Body,
    container,
    decided,
    deployment,
    judge,
    pod,
    review,
    reviewer,
    with_metadata,
)

from cost_growth import cost_growth
from leadline.kube.kinds import ADDED_WORKLOADS, WORKLOADS
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.programs.admission.reviewer import CONTROLLERS, MOST_CONTAINERS, MOST_ENTRIES, Known
from leadline.programs.admission.rules import kinds_of
from leadline.programs.admission.wire import Kind, Review, read_review

BAD = deployment(container(**PRIVILEGED))
GOOD = deployment()
LINE = (
    "C-0057 critical Privileged container: remove spec.template.spec.containers[0].securityContext.privileged"
)
ENFORCING: dict[str, Any] = {"enforce": True}


def test_without_enforce_the_worst_is_allowed_and_warned_of():
    found = decided(reviewer(), review(BAD))
    assert found.outcome == "warned"
    assert found.answer.is_allowed
    assert found.answer.warnings == (f"Deployment/web: leadline: {LINE}",)
    assert found.answer.annotations == {"decision": "warned", "would-deny": "C-0057"}


def test_with_enforce_it_is_denied_by_a_line_for_each_edit():
    found = decided(reviewer(**ENFORCING), review(BAD))
    assert found.outcome == "denied"
    assert not found.answer.is_allowed
    assert found.answer.message == LINE
    assert found.answer.warnings == ()
    assert found.effects == (("C-0057", "denied"),)


def test_what_nothing_is_wrong_with_is_allowed_without_a_word():
    found = decided(reviewer(**ENFORCING), review(GOOD))
    assert (found.outcome, found.answer.is_allowed, found.answer.warnings) == ("allowed", True, ())
    assert found.answer.annotations == {"decision": "allowed"}


@pytest.mark.parametrize(
    ("settings", "denying", "is_denied"),
    [
        ({"deny_severity": "high"}, (), True),
        ({"deny_severity": "critical"}, (), False),
        ({"deny_severity": "none"}, ("C-0038",), True),
        ({"deny_severity": "none"}, ("C-0041",), False),
    ],
)
def test_a_severity_or_a_list_of_controls_says_what_denies(
    settings: dict[str, str], denying: tuple[str, ...], is_denied: bool
):
    found = decided(reviewer(frozenset(denying), enforce=True, **settings), review(deployment(hostPID=True)))
    assert found.answer.is_allowed is not is_denied
    assert bool(found.answer.warnings) is not is_denied


def test_findings_below_the_threshold_are_not_warned_of():
    assert decided(reviewer(warn_severity="none", deny_severity="none"), review(BAD)).outcome == "allowed"
    few = decided(reviewer(warn_severity="high"), review(GOOD)).answer.warnings
    more = decided(reviewer(warn_severity="low"), review(GOOD)).answer.warnings
    assert len(few) == 0 < len(more)


def test_lines_are_bounded_and_the_last_says_how_many_there_are_besides():
    body = deployment(*(container(f"c{i}", **PRIVILEGED) for i in range(40)))
    warnings = decided(reviewer(most_warnings=3), review(body)).answer.warnings
    assert len(warnings) == 3
    assert warnings[-1] == "Deployment/web: leadline: and 38 findings more; leadline scan shows all"


UPDATES = {
    "scaled": (deployment(container(**PRIVILEGED), replicas=5), BAD, True),
    "labelled": (with_metadata(BAD, labels={"a": "b"}), BAD, True),
    "an image that is not worse": (
        deployment(container(image="registry.example/shop/web:1.2.4", **PRIVILEGED)),
        BAD,
        True,
    ),
    "another container before it": (deployment(container("first"), container(**PRIVILEGED)), BAD, True),
    "the same at another container": (
        deployment(container(**PRIVILEGED), container("second", **PRIVILEGED)),
        BAD,
        False,
    ),
    "made bad": (BAD, GOOD, False),
    "another path of the host": (
        deployment(volumes=[{"name": "h", "hostPath": {"path": "/"}}]),
        deployment(volumes=[{"name": "h", "hostPath": {"path": "/var/run/docker.sock"}}]),
        False,
    ),
    "one value of a list for another": (
        deployment(container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}})),
        deployment(container(securityContext={"capabilities": {"add": ["SYS_MODULE"]}})),
        False,
    ),
}


@pytest.mark.parametrize("case", UPDATES)
def test_only_what_a_change_brings_denies(case: str):
    new, old, is_allowed = UPDATES[case]
    found = decided(reviewer(enforce=True, deny_severity="high"), review(new, old))
    assert found.answer.is_allowed is is_allowed, found
    assert not decided(
        reviewer(enforce=True, deny_severity="high", updates="all"), review(new, old)
    ).answer.is_allowed


def test_what_was_there_before_is_counted_where_something_else_is_warned_of():
    worse = deployment(container(**PRIVILEGED), hostPID=True)
    warnings = decided(reviewer(), review(worse, BAD)).answer.warnings
    assert len(warnings) == 2
    assert "spec.template.spec.hostPID" in warnings[0]
    assert warnings[1] == "Deployment/web: leadline: 1 finding was there before this change"


NOT_ASKED = {
    "another operation": review(None, BAD, operation="DELETE"),
    "no object": review(None),
    "namespace excluded": review(BAD, namespace="kube-system"),
}


@pytest.mark.parametrize("why", NOT_ASKED)
def test_what_is_not_asked_is_allowed_and_counted_by_its_reason(why: str):
    found = decided(reviewer(**ENFORCING), NOT_ASKED[why])
    assert (found.outcome, found.why) == ("not judged", why)
    assert found.answer.is_allowed is (why != "no object")


def going(body: Body, *finalizers: str) -> Body:
    return with_metadata(body, deletionTimestamp="2027-01-31T10:00:00Z", finalizers=list(finalizers))


def test_what_is_on_its_way_out_can_lose_its_finalizers_and_cannot_become_worse():
    everything = {"enforce": True, "updates": "all"}
    assert decided(reviewer(**everything), review(going(BAD), going(BAD, "held.example"))).answer.is_allowed
    # A role that is being deleted holds until it is gone.
    role: Body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    worse = {**role, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    content = review(going(worse, "held.example"), going(role, "held.example"), namespace="")
    assert not decided(reviewer(**ENFORCING), content).answer.is_allowed


def test_our_own_namespace_is_not_judged():
    assert decided(reviewer(**ENFORCING), review(BAD, namespace="leadline")).why == "namespace excluded"


def test_a_namespace_written_into_the_object_does_not_decide():
    elsewhere = with_metadata(BAD, namespace="kube-system")
    assert not decided(reviewer(**ENFORCING), review(elsewhere)).answer.is_allowed


def test_the_scale_subresource_is_no_pod_and_an_ephemeral_container_is_part_of_one():
    scale = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web"},
        "spec": {"replicas": 3},
    }
    assert (
        decided(reviewer(**ENFORCING), review(scale, scale, subResource="scale")).why == "another operation"
    )
    debugged = pod(ephemeralContainers=[container("debugger", **PRIVILEGED)])
    found = decided(reviewer(**ENFORCING), review(debugged, pod(), subResource="ephemeralcontainers"))
    assert found.answer.message == (
        "C-0057 critical Privileged container: remove spec.ephemeralContainers[0].securityContext.privileged"
    )


def owned(body: Body, kind: str = "ReplicaSet", api_version: str = "apps/v1") -> Body:
    reference = {"apiVersion": api_version, "kind": kind, "name": "web", "uid": "1", "controller": True}
    return with_metadata(body, ownerReferences=[reference])


def by(user: str, *groups: str) -> dict[str, Any]:
    return {"userInfo": {"username": user, "groups": list(groups)}}


@pytest.mark.parametrize("user", sorted(CONTROLLERS))
def test_what_a_controller_of_kubernetes_makes_is_judged_at_its_owner(user: str):
    found = decided(reviewer(**ENFORCING), review(owned(pod(container(**PRIVILEGED))), **by(user)))
    assert found.why == "judged at its owner"
    assert found.answer.is_allowed


@pytest.mark.parametrize(
    ("body", "user"),
    [
        (pod(container(**PRIVILEGED)), "system:serviceaccount:kube-system:replicaset-controller"),
        (owned(pod(container(**PRIVILEGED))), "someone"),
        (owned(pod(container(**PRIVILEGED))), "system:serviceaccount:shop:replicaset-controller"),
        (
            owned(pod(container(**PRIVILEGED)), "Workflow", "argoproj.io/v1alpha1"),
            "system:serviceaccount:kube-system:job-controller",
        ),
    ],
)
def test_an_owner_that_anyone_could_name_does_not_count(body: Body, user: str):
    assert decided(reviewer(**ENFORCING), review(body, **by(user))).outcome == "denied"


def revision(of: Body) -> Body:
    """What a StatefulSet's controller keeps of it, and makes its older pods from."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "db-0123", "namespace": "shop"},
        "data": {"spec": {"template": {**of["spec"]["template"], "$patch": "replace"}}},
        "revision": 2,
    }


def test_a_template_that_pods_are_made_from_is_judged_where_anyone_else_writes_it():
    bad = revision(BAD)
    assert decided(reviewer(**ENFORCING), review(bad)).effects == (("C-0057", "denied"),)
    assert decided(reviewer(**ENFORCING), review(owned(bad, "StatefulSet"))).outcome == "denied"
    assert decided(reviewer(**ENFORCING), review(revision(GOOD))).outcome == "allowed"
    controller = by("system:serviceaccount:kube-system:statefulset-controller")
    found = decided(reviewer(**ENFORCING), review(owned(bad, "StatefulSet"), **controller))
    assert found.why == "judged at its owner"


def test_the_api_server_asks_about_every_kind_that_pods_are_made_from():
    asked = set(kinds_of(judge().asked))
    assert asked >= {*WORKLOADS, *ADDED_WORKLOADS}


def test_other_controllers_can_be_trusted():
    user = "system:serviceaccount:argo:rollouts"
    content = review(owned(pod(container(**PRIVILEGED))), **by(user))
    assert decided(reviewer(enforce=True, trusted_controllers=(user,)), content).why == "judged at its owner"


def test_a_pod_that_a_file_of_the_node_runs_is_not_denied_its_mirror():
    mirror = with_metadata(pod(container(**PRIVILEGED)), annotations={"kubernetes.io/config.mirror": "0123"})
    assert decided(
        reviewer(**ENFORCING), review(mirror, **by("system:node:a", "system:nodes"))
    ).answer.is_allowed
    assert not decided(reviewer(**ENFORCING), review(mirror, **by("someone"))).answer.is_allowed


def waiver(**fields: Any) -> Waiver:
    match = WaiverMatch(controls=("C-0057",), namespaces=("shop",))
    return Waiver(name="w", matches=(match,), reason="known", kind="security exception", **fields)


def test_what_the_cluster_accepts_neither_denies_nor_warns_until_its_end():
    known = Known((waiver(expires="2027-01-31"),))
    found = decided(reviewer(**ENFORCING), review(BAD), known)
    assert (found.outcome, found.effects) == ("allowed", (("C-0057", "accepted"),))
    assert found.answer.annotations == {"decision": "allowed", "accepted": "C-0057"}
    over = Known((waiver(expires="2027-01-30"),))
    assert decided(reviewer(**ENFORCING), review(BAD), over).outcome == "denied"
    assert decided(reviewer(**ENFORCING), review(BAD, namespace="other"), known).outcome == "denied"


def test_what_is_accepted_in_a_framework_alone_lifts_nothing_as_in_a_scan_of_all_controls():
    match = WaiverMatch(controls=("C-0057",), frameworks=("NSA",))
    known = Known((Waiver(name="w", matches=(match,), reason="known", kind="security exception"),))
    assert decided(reviewer(**ENFORCING), review(BAD), known).outcome == "denied"


ACCEPTED = with_metadata(
    BAD, annotations={"leadline.dev/accept": "C-0057", "leadline.dev/accept-reason": "x"}
)


def test_an_annotation_silences_a_warning_and_lifts_no_denial():
    assert decided(reviewer(), review(ACCEPTED)).outcome == "allowed"
    found = decided(reviewer(**ENFORCING), review(ACCEPTED))
    assert found.outcome == "denied"
    assert found.answer.message.splitlines() == [
        LINE,
        "leadline: annotations of the object itself do not lift a denial here",
    ]


def test_an_annotation_lifts_a_denial_where_that_is_allowed():
    assert (
        decided(reviewer(enforce=True, annotations_lift_denials=True), review(ACCEPTED)).outcome == "allowed"
    )


def test_annotations_do_not_count_where_no_waiver_of_the_target_does():
    assert decided(reviewer(use_target_waivers=False), review(ACCEPTED)).outcome == "warned"


def test_who_is_denied_learns_that_what_the_cluster_accepts_is_not_known():
    known = Known(unread="securityexceptions: forbidden")
    said = "leadline: what the cluster accepts is not known: securityexceptions: forbidden"
    assert decided(reviewer(**ENFORCING), review(BAD), known).answer.message.splitlines()[-1] == said
    assert decided(reviewer(), review(BAD), known).answer.warnings[-1] == said
    assert decided(reviewer(), review(GOOD), known).answer.warnings == ()


def test_a_dry_run_is_judged_alike():
    assert decided(reviewer(**ENFORCING), review(BAD, dryRun=True)).outcome == "denied"


def nested(depth: int) -> Body:
    inner: Any = {}
    for _ in range(depth):
        inner = {"a": inner}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "deep"}, "data": inner}


TOO_LARGE = {
    f"more than {MOST_CONTAINERS} containers": pod(*(container(f"c{i}") for i in range(MOST_CONTAINERS + 1))),
    "more than 20,000 values": pod(*(container(f"c{i}", args=["a"] * 200) for i in range(120))),
    "nested deeper than 100 levels": nested(150),
    "a list of more than 5,000 entries": pod(
        container(securityContext={"capabilities": {"add": ["SYS_ADMIN"] * 5_001}})
    ),
    "more than 250 volumes": pod(volumes=[{"name": f"v{i}", "hostPath": {"path": "/"}} for i in range(251)]),
    "more than 1,000 subjects": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "many"},
        "subjects": [{"kind": "User", "name": f"u{i}"} for i in range(1001)],
    },
}


@pytest.mark.parametrize("why", TOO_LARGE)
def test_an_object_that_hides_behind_its_size_is_allowed_with_a_word_and_denied_where_that_is_enforced(
    why: str,
):
    line = f"leadline: too large to be judged: {why}"
    found = decided(reviewer(), review(TOO_LARGE[why]))
    assert (found.answer.is_allowed, found.answer.warnings, found.why) == (True, (line,), "too large")
    enforced = decided(reviewer(**ENFORCING), review(TOO_LARGE[why]))
    assert (enforced.answer.is_allowed, enforced.answer.message) == (False, line)
    # One that was there before can have its status, labels and finalizers changed, and nothing else.
    old = TOO_LARGE[why]
    labelled = {**with_metadata(old, labels={"a": "b"}, finalizers=["f"]), "status": {"phase": "Running"}}
    assert decided(reviewer(**ENFORCING), review(labelled, old)).answer.is_allowed
    privileged = {"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}
    for other in ({**old, "extra": 1}, with_metadata(old, annotations=privileged)):
        assert not decided(reviewer(**ENFORCING), review(other, old)).answer.is_allowed


FILLED = {
    "status": {"status": {"conditions": [{"type": f"t{i}", "message": "m" * 40} for i in range(10_000)]}},
    "deep status": {"status": nested(400)["data"]},
    "managed fields": {
        "metadata": {"managedFields": [{"manager": f"m{i}", "fieldsV1": {"f:a": {}}} for i in range(20_000)]}
    },
}


@pytest.mark.parametrize("filled", FILLED)
def test_what_others_fill_in_keeps_no_object_from_its_judge(filled: str):
    def with_it(body: Body) -> Body:
        metadata = {**body["metadata"], **FILLED[filled].get("metadata", {})}
        return {**body, **FILLED[filled], "metadata": metadata}

    found = decided(reviewer(**ENFORCING), review(with_it(BAD), with_it(GOOD)))
    assert (found.outcome, found.effects) == ("denied", (("C-0057", "denied"),))
    assert decided(reviewer(**ENFORCING), review(with_it(BAD))).outcome == "denied"
    assert decided(reviewer(**ENFORCING), review(with_it(GOOD), with_it(BAD))).outcome == "allowed"


POD = {"group": "", "version": "v1", "kind": "Pod"}


@pytest.mark.parametrize("text", [b"1e999", b'"\xff\xfe"', b"[]", b'"text"'])
@pytest.mark.parametrize("place", ["object", "metadata"])
def test_an_object_that_cannot_be_decoded_is_let_through_only_where_failures_are(text: bytes, place: str):
    content = review({}, object="HERE", kind=POD) if place == "object" else review({**GOOD, place: "HERE"})
    whole = read_review(content.replace(b'"HERE"', text))
    assert not reviewer(**ENFORCING).decide(whole, Known(), NOW).answer.is_allowed
    ignoring = reviewer(enforce=True, guarded_failure_policy="Ignore")
    assert ignoring.decide(whole, Known(), NOW).answer.is_allowed


LARGER: dict[str, Callable[[int], Body]] = {
    "subjects": lambda number: {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "many"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": f"u{i}"} for i in range(number)],
    },
    "volumes": lambda number: pod(
        container(), volumes=[{"name": f"v{i}", "hostPath": {"path": "/"}} for i in range(number)]
    ),
    "capabilities": lambda number: pod(
        container(securityContext={"capabilities": {"add": ["BPF"] * number}})
    ),
    "containers": lambda number: pod(*(container(f"c{i}", **PRIVILEGED) for i in range(number))),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LARGER)
def test_what_it_costs_follows_the_size_of_an_object_up_to_its_bounds(what: str):
    by = reviewer(enforce=True, deny_severity="unknown")
    most = {"subjects": 1_000, "volumes": 250, "capabilities": MOST_ENTRIES, "containers": 250}[what]

    def decide(size: int) -> None:
        body = LARGER[what](most * size // 4)
        found = decided(by, review(body, {**body, "metadata": {"name": "before"}}))
        assert found.answer.is_allowed
        assert found.why == ""

    assert cost_growth(decide) < 10


def test_what_fails_by_no_fault_of_the_object_follows_the_failure_policy():
    line = "leadline: not judged: it took too long"
    guarded, other = Kind("apps", "v1", "Deployment"), Kind("", "v1", "ConfigMap")
    for settings, kind, is_allowed in (
        ({}, guarded, True),
        ({"failure_policy": "Fail"}, other, True),
        ({"enforce": True}, guarded, False),
        ({"enforce": True}, Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"), False),
        ({"enforce": True, "guarded_failure_policy": "Ignore"}, guarded, True),
        ({"enforce": True}, other, True),
        ({"enforce": True, "failure_policy": "Fail"}, other, False),
    ):
        found = reviewer(**settings).failed(Review("1", "CREATE", kind), "it took too long")
        assert found.answer.is_allowed is is_allowed
        said = found.answer.warnings or (found.answer.message,)
        assert said == ((f"{kind.kind}: {line}",) if is_allowed else (line,))
        assert found.outcome == "not judged"


def test_a_decision_follows_from_its_review_alone():
    content = review(BAD, GOOD)
    assert decided(reviewer(**ENFORCING), content) == decided(reviewer(**ENFORCING), content)
    assert NOW.tzinfo is not None
