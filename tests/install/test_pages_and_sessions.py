"""The chart with the pages and with alerts of sessions: reached through kube-apiserver, and gone with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from installation import Installation
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
