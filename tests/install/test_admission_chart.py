"""What the chart renders to with the webhook on, without a cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_chart import helm, of_kind, render

from leadline.posture.catalogue import load_controls
from leadline.programs.admission.rules import WRITTEN_BY_KUBERNETES, kinds_of
from leadline.programs.admission.settings import settings_of
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.settings import shipped_settings

ON = "capabilities.admission=true"
NAME = "leadline-admission"


def the(kind: str, *values: str, name: str = NAME) -> dict[str, Any]:
    (found,) = [one for one in of_kind(kind, render(ON, *values)) if one["metadata"]["name"] == name]
    return found


def webhook(*values: str, guarded: bool = True) -> dict[str, Any]:
    found: list[dict[str, Any]] = the("ValidatingWebhookConfiguration", *values)["webhooks"]
    assert [one["clientConfig"]["service"]["path"] for one in found] == ["/validate/guarded", "/validate"]
    return found[not guarded]


def rules(*values: str) -> list[dict[str, Any]]:
    return [rule for guarded in (True, False) for rule in webhook(*values, guarded=guarded)["rules"]]


TWO = ("admission.enforce=true", "admission.replicas=2")


def test_as_soon_as_anything_is_denied_workloads_and_rbac_are_not_let_through_unjudged():
    assert webhook()["failurePolicy"] == "Ignore"
    assert webhook(*TWO)["failurePolicy"] == "Fail"
    assert webhook(*TWO, guarded=False)["failurePolicy"] == "Ignore"
    assert webhook(*TWO, 'admission.guardedFailurePolicy="Ignore"')["failurePolicy"] == "Ignore"
    groups = {rule["apiGroups"][0] for rule in webhook()["rules"]}
    assert groups >= {"", "apps", "batch", "rbac.authorization.k8s.io"}
    assert "networking.k8s.io" not in groups


@pytest.mark.parametrize(
    ("values", "is_taken"),
    [
        (("admission.enforce=true",), False),
        (('admission.failurePolicy="Fail"',), False),
        (("admission.enforce=true", "admission.allowOneReplica=true"), True),
        (("admission.enforce=true", 'admission.guardedFailurePolicy="Ignore"'), True),
        (TWO, True),
        ((), True),
    ],
)
def test_what_denies_where_it_cannot_judge_has_two_pods(values: tuple[str, ...], is_taken: bool):
    flags = [word for value in (ON, *values) for word in ("--set-json", value)]
    run = helm("template", "leadline", "deploy/chart", *flags)
    assert (run.returncode == 0) is is_taken
    assert is_taken or "admission.allowOneReplica=true" in run.stderr


def test_two_pods_are_not_taken_away_at_once():
    budget = the("PodDisruptionBudget", *TWO)
    pods = the("Deployment", *TWO)["spec"]["template"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    (spread,) = pods["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == budget["spec"]["selector"]
    assert of_kind("PodDisruptionBudget", render(ON)) == []


def test_nothing_of_it_is_there_unless_it_is_switched_on():
    assert of_kind("ValidatingWebhookConfiguration", render()) == []
    assert [one["metadata"]["name"] for one in of_kind("Deployment", render())] == ["leadline"]
    assert render(ON) == render(ON)


def test_a_webhook_that_is_broken_blocks_nothing():
    found = webhook()
    assert found["failurePolicy"] == "Ignore"
    assert found["sideEffects"] == "None"
    assert found["matchPolicy"] == "Equivalent"
    assert 3 <= found["timeoutSeconds"] <= 5
    assert found["admissionReviewVersions"] == ["v1"]
    (named,) = found["namespaceSelector"]["matchExpressions"]
    assert named["key"] == "kubernetes.io/metadata.name"
    assert named["operator"] == "NotIn"
    assert set(named["values"]) == {"kube-system", "kube-public", "kube-node-lease", "security"}
    operations = {operation for rule in rules() for operation in rule["operations"]}
    assert operations == {"CREATE", "UPDATE"}


def test_labels_of_namespaces_exclude_only_where_that_is_asked_for():
    more = webhook('admission.namespaceExpressions=[{"key":"unjudged","operator":"DoesNotExist"}]')
    expressions = more["namespaceSelector"]["matchExpressions"]
    assert [one["key"] for one in expressions] == ["kubernetes.io/metadata.name", "unjudged"]


def test_it_is_asked_about_every_kind_that_its_controls_look_at_and_not_about_what_changes_all_the_time():
    plurals = {f"{plural}.{rule['apiGroups'][0]}" for rule in rules() for plural in rule["resources"]}
    wanted = {
        "pods.",
        "deployments.apps",
        "cronjobs.batch",
        "clusterroles.rbac.authorization.k8s.io",
        "services.",
    }
    assert wanted | {"pods/ephemeralcontainers."} <= plurals
    assert not {one for one in plurals if "/" in one} - {"pods/ephemeralcontainers.", "pods/resize."}
    assert not plurals & {"leases.coordination.k8s.io", "endpoints.", "events.", "nodes.", "secrets."}
    controls = load_controls()
    kinds = kinds_of(AloneJudge(controls, shipped_settings(controls)).asked)
    assert not set(kinds) & WRITTEN_BY_KUBERNETES
    # A rule for each kind, and one more for each of the two ways into a pod.
    assert len(plurals) == len(kinds) + 2


def test_secrets_are_sent_only_where_they_may_be_read():
    def sent(*values: str) -> bool:
        return any("secrets" in rule["resources"] for rule in rules(*values))

    assert not sent()
    assert sent("capabilities.readSecrets=true")


def test_its_settings_are_those_of_the_program(tmp_path: Path):
    content = the(
        "ConfigMap",
        "admission.enforce=true",
        "admission.replicas=2",
        'admission.settings={"denyControls":["C-0016"]}',
    )
    file = tmp_path / "admission.json"
    file.write_text(content["data"]["admission.json"])
    settings = settings_of(str(file), {}, {"own_certificate_for": "host"})
    assert settings.enforce
    assert settings.deny_controls == ("C-0016",)
    assert settings.failure_policy == "Ignore"
    assert settings.exclude_namespaces == ("kube-system", "kube-public", "kube-node-lease")


def test_other_settings_are_another_pod():
    def stamp(*values: str) -> str:
        annotations = the("Deployment", *values)["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["leadline.dev/settings"])

    assert stamp() == stamp()
    assert stamp() != stamp(*TWO)


def test_it_may_write_its_own_configuration_and_nothing_else():
    granted = the("ClusterRole")["rules"]
    writes = [rule for rule in granted if not set(rule["verbs"]) <= {"get", "list", "watch"}]
    assert writes == [
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["validatingwebhookconfigurations"],
            "resourceNames": [NAME],
            "verbs": ["get", "patch"],
        }
    ]
    assert not [rule for rule in granted if "secrets" in rule["resources"]]


def test_it_is_taken_away_before_its_pods_and_by_no_one_who_may_more():
    (job,) = of_kind("Job", render(ON))
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    lease = ["--lease=security/leadline-operator", "--lease-binding=leadline-operator"]
    assert arguments == ["unregister", "--binding=leadline-register", *lease, f"--webhook={NAME}"]
    rules = the("ClusterRole", name="leadline-unregister")["rules"]
    (own,) = [rule for rule in rules if rule["apiGroups"] == ["admissionregistration.k8s.io"]]
    assert (own["resourceNames"], own["verbs"]) == ([NAME], ["delete"])
    (plain,) = of_kind("Job", render())
    arguments = plain["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments == ["unregister", "--binding=leadline-register", *lease]


def test_its_certificate_is_for_the_service_that_is_asked():
    arguments = the("Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    service = webhook()["clientConfig"]["service"]
    assert f"--own-certificate-for={service['name']}.{service['namespace']}.svc" in arguments
    assert f"--webhook={NAME}" in arguments
    selector = the("Service")["spec"]["selector"]
    assert selector.items() <= the("Deployment")["spec"]["template"]["metadata"]["labels"].items()


def test_its_pod_asks_for_little_and_is_under_one_policy():
    template = the("Deployment")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["resources"]["requests"]["memory"] == "64Mi"
    labels = template["metadata"]["labels"].items()
    policies = of_kind("NetworkPolicy", render(ON))
    over = [one for one in policies if one["spec"]["podSelector"]["matchLabels"].items() <= labels]
    assert [one["metadata"]["name"] for one in over] == [NAME]


@pytest.mark.parametrize(
    "value", ["admission.failurePolicy=Never", "admission.timeoutSeconds=1", "admission.enforced=true"]
)
def test_values_that_mean_nothing_are_refused(value: str):
    run = helm("template", "leadline", "deploy/chart", "--kube-version=1.34", "--set", f"{ON},{value}")
    assert run.returncode != 0


def test_the_webhook_itself_has_no_word_about_its_own_chart():
    controls = load_controls()
    judge = AloneJudge(controls, shipped_settings(controls))
    for one in render(ON):
        found = judge.verdict(json.loads(json.dumps(one))).findings
        worst = {judge.by_id[finding.control].severity for finding in found}
        assert not worst & {"critical", "high"}, one["metadata"]["name"]
