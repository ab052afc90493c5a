"""What is disturbed on the way ends as it would have undisturbed, or an object says what is missing."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from installation import RELEASE, SUMMARIES, Installation, failed_controls
from outside import Outside
from service_cluster import ServiceCluster
from workloads import deployment, privileged

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]

COUNT = 12
Verdicts = dict[str, frozenset[str]]
READERS = "leadline-operator"


def verdicts(found: dict[str, dict[str, Any]]) -> Verdicts:
    """Failed controls of each Deployment."""
    return {name: failed_controls(one) for name, one in found.items() if name.startswith("deployment-")}


def deploy(cluster: ServiceCluster) -> None:
    """One request each, so that results are written while others are still to come."""
    for number in range(COUNT):
        cluster.apply(privileged("shop", f"web-{number}"))


@pytest.fixture(scope="module")
def undisturbed(services: ServiceCluster, installed: Installation) -> Verdicts:
    services.namespace("shop")
    deploy(services)
    installed.settled(SUMMARIES, "shop", lambda found: len(verdicts(found)) == COUNT)
    # The rest of the namespace (its pods' accounts, their owners) has its say within seconds.
    installed.quiet(lambda: verdicts(installed.stored(SUMMARIES, "shop")))
    found = verdicts(installed.stored(SUMMARIES, "shop"))
    services.kubectl("delete", "namespace", "shop", "--timeout=120s")
    installed.settled(SUMMARIES, "shop", lambda left: not left)
    return found


@pytest.fixture
def shop(services: ServiceCluster, undisturbed: Verdicts) -> Iterator[str]:
    yield services.namespace("shop")
    services.kubectl("delete", "namespace", "shop", "--timeout=120s")


def test_the_pod_is_killed_during_writes(
    services: ServiceCluster, installed: Installation, undisturbed: Verdicts, shop: str
) -> None:
    writing = threading.Thread(target=deploy, args=(services,))
    writing.start()
    for _ in range(2):
        services.kubectl("delete", "pods", "-n", installed.namespace, "--all", "--grace-period=0", "--force")
        services.kubectl(
            "rollout", "status", "-n", installed.namespace, f"deployment/{RELEASE}", "--timeout=120s"
        )
    writing.join()
    installed.settled(SUMMARIES, shop, lambda found: verdicts(found) == undisturbed)


def test_kube_apiserver_restarts(
    services: ServiceCluster, installed: Installation, undisturbed: Verdicts, shop: str
) -> None:
    deploy(services)
    services.stop_api()
    services.start_api()
    installed.wait()
    services.kubectl("delete", "deployment", "-n", shop, "web-0")
    expected = {name: failed for name, failed in undisturbed.items() if name != "deployment-web-0"}
    installed.settled(SUMMARIES, shop, lambda found: verdicts(found) == expected)


def test_half_of_the_kinds_may_not_be_listed(
    services: ServiceCluster, installed: Installation, undisturbed: Verdicts, shop: str
) -> None:
    role = services.get("clusterrole", READERS)
    reading = [rule for rule in role["rules"] if rule["verbs"] == ["list", "watch"]]
    removed = [rule for rule in reading if not {"", "apps"} & set(rule["apiGroups"])][::2]
    less = {**role, "rules": [rule for rule in role["rules"] if rule not in removed]}
    try:
        replace_rules(services, less["rules"])
        installed.restart()
        deploy(services)
        installed.settled(SUMMARIES, shop, lambda found: set(verdicts(found)) == set(undisturbed))
        services.until(lambda: forbidden(services) >= len(removed) // 2, 120)
    finally:
        replace_rules(services, role["rules"])
    installed.restart()
    services.until(lambda: forbidden(services) == 0, 120)
    installed.settled(SUMMARIES, shop, lambda found: verdicts(found) == undisturbed)


def replace_rules(cluster: ServiceCluster, rules: list[dict[str, Any]]) -> None:
    cluster.kubectl("patch", "clusterrole", READERS, "--type=merge", "-p", json.dumps({"rules": rules}))


def forbidden(cluster: ServiceCluster) -> int:
    """How many kinds the current results say could not be read; -1 where there are none."""
    run = cluster.get("scanruns", "posture-current", check=False)
    if run.get("status", {}).get("phase") != "Following":
        return -1
    return int((run["status"]["coverage"].get("unreadReasons") or {}).get("forbidden", 0))


def test_the_registry_is_away_for_a_while(
    services: ServiceCluster, installed: Installation, outside: Outside, shop: str
) -> None:
    reference = outside.push("shop/away")
    services.pull(reference)
    outside.stop()
    try:
        services.apply(deployment(shop, "away", reference))
        services.until(lambda: "cannot reach" in scans(services, "shop/away"), 120)
    finally:
        outside.start()
    services.until(lambda: " Done " in scans(services, "shop/away"), 240)


def scans(cluster: ServiceCluster, repository: str) -> str:
    lines = cluster.kubectl("get", "imagescans", "--no-headers", check=False).splitlines()
    return "\n".join(line for line in lines if repository in line)
