from leadline.api.catalogue import KINDS
from leadline.api.kind import OUR_GROUP
from leadline.scans.stored.image_results import MANIFESTS, SBOMS, SUMMARIES, VEX
from leadline.sources.cluster.discovery import ApiKind
from leadline.sources.cluster.rbac import ANY_WORKLOAD, least_role, missing_rule, operator_roles

RUNNER = ApiKind("crew.example", "v1", "Runner", "runners", is_namespaced=True)


def test_the_role_lists_each_kind_by_group_and_nothing_else() -> None:
    role = least_role({"Secret", "Node", "NetworkPolicy.networking.k8s.io"}, custom=[RUNNER])
    assert role == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "leadline-reader"},
        "rules": [
            {"apiGroups": [""], "resources": ["nodes", "secrets"], "verbs": ["list"]},
            {"apiGroups": ["crew.example"], "resources": ["runners"], "verbs": ["list"]},
            {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list"]},
        ],
    }


def test_kinds_that_no_server_lists_need_no_right() -> None:
    kinds = {"Pod", "TokenReview.authentication.k8s.io", "Eviction.policy", "PodDisruptionBudget.policy"}
    assert [(rule["apiGroups"], rule["resources"]) for rule in least_role(kinds)["rules"]] == [
        ([""], ["pods"]),
        (["policy"], ["poddisruptionbudgets"]),
    ]


def test_workloads_stand_for_every_kind_known_to_run_pods() -> None:
    rules = {rule["apiGroups"][0]: rule["resources"] for rule in least_role({ANY_WORKLOAD})["rules"]}
    assert rules["apps"] == [
        "controllerrevisions",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
    ]
    assert rules["batch"] == ["cronjobs", "jobs"]
    assert rules["argoproj.io"] == ["rollouts"]


def test_the_missing_rule_names_verb_and_object() -> None:
    assert missing_rule(RUNNER, "get", "r") == (
        'needs the RBAC rule {apiGroups: ["crew.example"], resources: [runners], verbs: [get], resourceNames: [r]}'
    )


def test_the_operator_may_follow_what_it_judges_and_change_nothing_but_results_status_events_and_its_lease() -> (
    None
):
    cluster, own = operator_roles({"Pod", "SecurityException.kubescape.io"}, "here")
    ours = {"leadline.dev", "spdx.softwarecomposition.kubescape.io"}
    changing = [
        rule["resources"]
        for rule in cluster["rules"]
        if not ours & set(rule["apiGroups"]) and set(rule["verbs"]) - {"get", "list", "watch"}
    ]
    assert changing == [["clustersecurityexceptions/status", "securityexceptions/status"], ["events"]]
    assert {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]} in cluster["rules"]
    assert all(
        "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]] for rule in cluster["rules"]
    )
    assert own["metadata"] == {"name": "leadline-operator", "namespace": "here"}
    assert {rule["resources"][0] for rule in own["rules"]} == {"leases"}


def test_the_operator_may_keep_every_result_that_it_makes() -> None:
    cluster, _ = operator_roles(["Pod"], "leadline")
    kept = {name for rule in cluster["rules"] if "create" in rule["verbs"] for name in rule["resources"]}
    assert {SBOMS, VEX, MANIFESTS, SUMMARIES, "imagescans", "scanruns", "scanschedules"} <= kept


def test_every_kind_of_ours_that_is_stored_may_be_kept() -> None:
    cluster, _ = operator_roles(["Pod"], "leadline")
    kept = {one for rule in cluster["rules"] if "create" in rule["verbs"] for one in rule["resources"]}
    of_the_agent = {"runtimealerts"}
    ours = {kind.plural for kind in KINDS if kind.group == OUR_GROUP and not kind.is_computed}
    assert ours - of_the_agent <= kept
