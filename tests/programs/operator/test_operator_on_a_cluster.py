"""The operator with a real API server, our server of results behind it, and rights of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from extension import PLACE, ROOT, Extension
from operator_process import OperatorProcess, prepare, result, status_of, versions
from workloads import deployment, network_policy, privileged

from leadline.model.waiver import LabelRequirement, WaiverMatch
from leadline.waivers.match import Subject, is_on

pytestmark = pytest.mark.cluster
PRIVILEGED = "C-0057"
NO_POLICY = "C-0260"


@pytest.fixture(scope="module")
def cluster(private_extension: Extension) -> Extension:
    prepare(private_extension)
    return private_extension


@pytest.fixture
def operator(cluster: Extension) -> Iterator[OperatorProcess]:
    started = OperatorProcess(cluster, "one")
    try:
        started.until(started.is_following)
        yield started
    finally:
        if started.child.poll() is None:
            started.end()


def test_what_changes_is_judged_again_with_what_joins_it(cluster: Extension, operator: OperatorProcess):
    space = cluster.namespace("changing")
    cluster.apply(privileged(space, "web", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "failed")
    assert status_of(cluster, space, "deployment-web", NO_POLICY) == "failed"
    cluster.apply(deployment(space, "web", replicas=0), network_policy(space))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "passed")
    operator.until(lambda: status_of(cluster, space, "deployment-web", NO_POLICY) == "passed")
    cluster.kubectl("-n", space, "delete", "deployment", "web")
    operator.until(lambda: result(cluster, space, "deployment-web") is None)


def exception(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"reason": "known", "posture": [{"controlID": PRIVILEGED, "action": "ignore"}], **spec},
    }


def status(cluster: Extension, namespace: str, name: str) -> dict[str, Any]:
    shown = cluster.kubectl("-n", namespace, "get", "securityexception", name, "-o", "json")
    found: dict[str, Any] = json.loads(shown).get("status") or {}
    return found


def test_exceptions_are_honoured_and_say_what_became_of_them(cluster: Extension, operator: OperatorProcess):
    space = cluster.namespace("accepting")
    cluster.apply(privileged(space, "web", replicas=0), privileged(space, "db", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "failed")
    match = {"resources": [{"kind": "Deployment", "name": "web"}]}
    cluster.apply(
        exception(space, "fine", match=match),
        exception(space, "over", match=match, expiresAt="2001-01-01"),
        exception(space, "odd", expiresAt="2027-13-45"),
    )
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "passed w/exceptions")
    assert status_of(cluster, space, "deployment-db", PRIVILEGED) == "failed"
    operator.until(lambda: (status(cluster, space, "fine").get("posture") or {}).get("matched") == 1)
    fine = status(cluster, space, "fine")
    assert fine["posture"].pop("lastMatch")
    assert fine == {"state": "InForce", "expired": False, "error": "", "posture": {"matched": 1}}
    operator.until(lambda: status(cluster, space, "over").get("state") == "Expired")
    assert status(cluster, space, "over")["posture"]["matched"] == 1
    operator.until(lambda: status(cluster, space, "odd").get("state") == "Invalid")
    assert (
        status(cluster, space, "odd")["error"] == "spec.expiresAt: 2027-13-45 is neither a day nor a moment"
    )
    cluster.kubectl("-n", space, "delete", "securityexception", "fine", "odd")
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "failed")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"posture": []}, "vulnerabilities or posture"),
        ({"expiresAt": "soon"}, "neither a day"),
        (
            {"match": {"objectSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}}},
            "In and NotIn need values",
        ),
        ({"match": {"resources": [{"name": "web"}]}}, 'missing required field "kind"'),
        ({"match": {"namespaces": ["shop"]}}, 'unknown field "namespaces"'),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_definition_refuses_what_makes_no_sense(cluster: Extension, spec: dict[str, Any], words: str):
    """Only the API server knows whether it takes the definitions' own rules."""
    refused = exception("default", "refused")
    refused["spec"] |= spec
    with pytest.raises(RuntimeError, match=re.escape(words)):
        cluster.apply(refused)


def test_selectors_select_what_the_api_server_selects(cluster: Extension):
    """The table of the tests beside the matcher is ours; the API server has its own."""
    space = cluster.namespace("selecting")
    labels: dict[str, dict[str, str]] = {"a": {}, "b": {"app": "x"}, "c": {"app": "y"}, "d": {"app": ""}}
    for name, held in labels.items():
        metadata = {"name": name, "namespace": space, "labels": held}
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    for text, requirement in {
        "app in (x,y)": ("In", ("x", "y")),
        "app in (x,)": ("In", ("x", "")),
        "app notin (x,y)": ("NotIn", ("x", "y")),
        "app notin (x,)": ("NotIn", ("x", "")),
        "app": ("Exists", ()),
        "!app": ("DoesNotExist", ()),
    }.items():
        operator, values = requirement
        match = WaiverMatch(object_labels=(LabelRequirement("app", operator, values),))  # type: ignore[arg-type]
        found = cluster.kubectl("get", "configmaps", "-n", space, "-l", text, "-o", "name").split()
        ours = {name for name, held in labels.items() if is_on(match, Subject(labels=held, has_labels=True))}
        assert {one.rpartition("/")[2] for one in found} & labels.keys() == ours, text


def test_another_replica_takes_over_and_writes_nothing_again(cluster: Extension, operator: OperatorProcess):
    space = cluster.namespace("leading")
    cluster.apply(privileged(space, "web", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "failed")
    second = OperatorProcess(cluster, "two")
    try:
        second.until(second.alive_file.exists)
        assert not second.is_following()
        before = versions(cluster)
        operator.end(signal.SIGKILL)
        second.until(second.is_following)
        assert versions(cluster) == before
        cluster.apply(deployment(space, "web", replicas=0))
        second.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "passed")
        assert second.end() == 0
        assert "two leads" in second.log
        holder = ("get", "lease", "leadline-operator", "-o", "jsonpath={.spec.holderIdentity}")
        assert cluster.kubectl("-n", "leadline", *holder) == ""
    finally:
        if second.child.poll() is None:
            second.end(signal.SIGKILL)


def test_a_run_is_ordered_by_those_who_may_create_one(cluster: Extension, operator: OperatorProcess):
    run = {"apiVersion": "leadline.dev/v1alpha1", "kind": "ScanRun", "metadata": {"name": "now"}, "spec": {}}
    with pytest.raises(RuntimeError, match="forbidden"):
        cluster.kubectl("create", "-f", "-", "--as=eve", content=json.dumps(run))
    cluster.kubectl("create", "-f", "-", content=json.dumps(run))

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(cluster.kubectl("get", "scanrun", "now", "-o", "json"))
        return found

    cluster.kubectl("wait", "--for=condition=Complete", "--timeout=90s", "scanrun/now")
    done = shown()
    assert done["spec"]["trigger"] == "order"
    assert done["status"]["coverage"]["objects"] > 0
    assert done["status"]["coverage"].get("unreadPlaces") in (None, [])
    assert {one["name"] for one in done["status"]["frameworkScores"]} >= {"NSA", "MITRE"}


def leadline(cluster: Extension, *words: str) -> str:
    """What the command says, as the administrator."""
    config = cluster.folder / "command.conf"
    config.write_text(cluster.kubeconfig({"token": cluster.token("administrator")}))
    program = "import sys; from leadline.programs.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *words, f"--kubeconfig={config}", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=180)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_stored_ranks_are_those_of_the_command_and_what_was_found_is_kept(
    cluster: Extension, operator: OperatorProcess
):
    cluster.kubectl("-n", PLACE, "create", "serviceaccount", "administrator")
    account = f"--serviceaccount={PLACE}:administrator"
    cluster.kubectl("create", "clusterrolebinding", "administrator", "--clusterrole=cluster-admin", account)
    space = cluster.namespace("ranked")
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": space},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    cluster.apply(privileged(space, "web", replicas=0), service)

    def ranks(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            leadline(cluster, "risk", "-f", "json", "--top=1000", *words)
        )["workloads"]
        return found

    live = ranks()
    assert [one for one in live if one["title"] == f"{space}/Deployment/web"]
    operator.until(lambda: ranks("--from-store=kube") == live)
    # What is in front of the pods changes their rank, and nothing else of them.
    cluster.kubectl("-n", space, "delete", "service", "web")
    after = ranks()
    assert after != live
    operator.until(lambda: ranks("--from-store=kube") == after)
    assert "Deployment/web" in cluster.kubectl("-n", space, "get", "wrisk")
    assert "0 to 100" in cluster.kubectl("explain", "workloadrisk.spec.score")
    cluster.apply(deployment(space, "web", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "passed")
    told = json.loads(leadline(cluster, "history", f"{space}/Deployment/web", "--since=2d", "-f", "json"))
    (life,) = (one for one in told["findings"] if one["control"] == PRIVILEGED)
    assert [one["state"] for one in life["changes"]] == ["failed", "passed"]
    assert told["days"][-1]["known"]
    assert "Deployment/web" in cluster.kubectl("-n", space, "get", "fhist")
    assert "deployment-web" in cluster.kubectl("get", "leadline", "-n", space)


def test_an_api_server_that_was_away_is_followed_again(cluster: Extension, operator: OperatorProcess):
    space = cluster.namespace("away")
    cluster.apply(privileged(space, "web", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "failed")
    cluster.stop_api()
    operator.until(lambda: "cannot renew" in operator.log)
    cluster.start_api()
    operator.until(
        lambda: "workloadconfigurationscans" in cluster.kubectl("api-resources", "-o", "name", check=False)
    )
    cluster.apply(deployment(space, "web", replicas=0))
    operator.until(lambda: status_of(cluster, space, "deployment-web", PRIVILEGED) == "passed", 180.0)
    assert operator.end() == 0
