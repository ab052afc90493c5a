"""The chart with the pages, alerts of sessions, and rules and acceptances as objects: reached through kube-apiserver, and gone with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from installation import RELEASE, Installation
from kernel_access import needs_kernel
from processes import NotReadyError
from service_cluster import ServiceCluster
from whole_cluster import IMAGE

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]
PAGES = "v1alpha1.ui.leadline.dev"
SPACE = "visited"


def page(cluster: ServiceCluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        cluster.kubectl("get", "--raw", f"/apis/ui.leadline.dev/v1alpha1/pages/{name}.json")
    )
    return found


def running_pod(cluster: ServiceCluster) -> None:
    cluster.namespace(SPACE)
    main = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", "exec /bin/sleep 86400"]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [main]}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": SPACE}, "spec": spec}
    )
    cluster.kubectl("wait", "-n", SPACE, "pod/web", "--for=condition=Ready", "--timeout=90s")


def alerts(cluster: ServiceCluster) -> dict[str, Any]:
    items = cluster.get("runtimealerts.leadline.dev", "-n", SPACE)["items"]
    return {one["spec"]["rule"]: one["spec"] for one in items}


def test_pages_and_sessions_of_an_installed_chart(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    installed = install(
        "persistence.enabled=false",
        "capabilities.vulnerabilityScan=false",
        "capabilities.prometheusExporter=false",
        "capabilities.ui=true",
        "capabilities.admission=true",
        "admission.sessions=true",
    )
    services.until(lambda: PAGES in installed.registered(), 120)
    services.kubectl("wait", "--for=condition=Available", "--timeout=120s", "apiservice", PAGES)
    running_pod(services)
    services.until(lambda: SPACE in json.dumps(page(services, "namespaces")), 120)
    assert page(services, "health")["page"]["title"] == "Health"
    assert services.kubectl("exec", "-n", SPACE, "web", "--", "/bin/sh", "-c", "echo visited") == "visited\n"
    services.until(lambda: "R2000" in alerts(services), 180)
    found = alerts(services)["R2000"]
    assert found["container"]["workload"] == "web"
    installed.uninstall()
    assert PAGES not in installed.registered()
    services.kubectl("delete", "namespace", SPACE, "--timeout=60s")


RULES = {
    "apiVersion": "kubescape.io/v1",
    "kind": "Rules",
    "metadata": {"name": "ours"},
    "spec": {
        "rules": [
            {
                "id": "SHOP-1",
                "name": "Someone waits",
                "enabled": True,
                "severity": 7,
                "expressions": {
                    "message": "event.comm + ' waits'",
                    "uniqueId": "event.comm",
                    "ruleExpression": [
                        # Of a link, as the tools of busybox are, exepath is the file that it leads to.
                        {
                            "eventType": "exec",
                            "expression": "event.exepath == '/bin/busybox' && event.args[0].endsWith('/sleep')",
                        }
                    ],
                },
            },
            {
                "id": "SHOP-2",
                "name": "Broken",
                "enabled": True,
                "expressions": {"ruleExpression": [{"eventType": "exec", "expression": "("}]},
            },
        ]
    },
}
ACCEPTS = {
    "apiVersion": "kubescape.io/v1beta1",
    "kind": "SecurityException",
    "metadata": {"name": "waits"},
    "spec": {"reason": "it has nothing else to do", "posture": [{"controlID": "SHOP-1", "action": "ignore"}]},
}


@pytest.mark.kernel
@needs_kernel
def test_rules_and_acceptances_are_objects_that_the_agent_reads(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    installed = install(
        "persistence.enabled=false",
        "capabilities.vulnerabilityScan=false",
        "capabilities.prometheusExporter=false",
        "capabilities.nodeAgent=true",
        f"nodeAgent.runtimeSocket={services.socket}",
        level="privileged",
    )
    services.kubectl(
        "rollout", "status", "-n", installed.namespace, f"daemonset/{RELEASE}-node", "--timeout=120s"
    )
    services.kubectl("apply", "-n", installed.namespace, "-f", "-", content=json.dumps(RULES))
    (pod,) = [one for one in installed.pods() if one["metadata"]["name"].startswith(f"{RELEASE}-node-")]

    def log() -> str:
        return services.kubectl("logs", "-n", installed.namespace, pod["metadata"]["name"], "-c", "agent")

    # The broken one is named, and takes no other with it.
    try:
        services.until(lambda: "SHOP-2" in log(), 180)
    except NotReadyError:
        pytest.fail(log()[-3_000:])
    running_pod(services)

    def wait_in_pod() -> bool:
        services.kubectl("exec", "-n", SPACE, "web", "--", "/bin/sleep", "0.1")
        return "SHOP-1" in alerts(services)

    services.until(wait_in_pod, 240)
    assert alerts(services)["SHOP-1"]["container"]["workload"] == "web"
    services.kubectl("apply", "-n", SPACE, "-f", "-", content=json.dumps(ACCEPTS))
    services.until(lambda: "accepted" in alerts(services)["SHOP-1"], 240)
    assert alerts(services)["SHOP-1"]["accepted"]["reason"] == "it has nothing else to do"
    services.kubectl("delete", "namespace", SPACE, "--timeout=60s")
