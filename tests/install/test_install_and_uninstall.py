"""The chart goes into a real cluster, is reached there, and leaves nothing behind."""

import json
from collections.abc import Callable

import pytest
from installation import SERVED, Installation
from service_cluster import ServiceCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SUMMARY = {
    "apiVersion": "spdx.softwarecomposition.kubescape.io/v1beta1",
    "kind": "WorkloadConfigurationScanSummary",
    "metadata": {"name": "deployment-web", "namespace": "default"},
    "spec": {"severities": {"critical": 1, "high": 2, "medium": 0, "low": 0, "unknown": 0}},
}
INVENTORY = (
    *(
        "clusterroles",
        "clusterrolebindings",
        "rolebindings",
        "roles",
        "apiservices",
        "customresourcedefinitions",
    ),
    *("persistentvolumes", "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "namespaces"),
)


def inventory(cluster: ServiceCluster) -> list[str]:
    """Names of all that a chart could leave outside of its namespace."""
    return sorted(cluster.kubectl("get", ",".join(INVENTORY), "-A", "-o", "name").split())


def test_a_stored_object_is_written_and_read_through_the_cluster(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    # Alone: the operator would delete a result about what is not there.
    others = ("configurationScan", "vulnerabilityScan", "prometheusExporter")
    installed = install("persistence.enabled=false", *(f"capabilities.{name}=false" for name in others))
    services.kubectl("apply", "-f", "-", content=json.dumps(SUMMARY))
    shown = services.kubectl("get", "workloadconfigurationscansummaries", "-A")
    assert "deployment-web" in shown
    assert services.kubectl("get", "scanruns") == ""
    assert [pod["status"]["phase"] for pod in installed.pods()] == ["Running"]
    assert "WARNING" not in installed.log()


def test_uninstalling_leaves_no_object_and_no_namespace_hangs(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    before = inventory(services)
    installed = install("persistence.enabled=false")
    added = set(inventory(services)) - set(before)
    assert len(added) > len(SERVED)
    services.namespace("short-lived")
    services.until(
        lambda: "leadline-operator" in services.kubectl("get", "leases", "-n", installed.namespace), 60
    )
    said = installed.uninstall()
    assert "securityexceptions.kubescape.io" in said
    stays = [name for name in inventory(services) if name.startswith("customresourcedefinition")]
    assert len(set(stays) - set(before)) == 11
    assert not installed.registered() & set(SERVED)
    assert services.kubectl("get", "leases", "-n", installed.namespace) == ""
    installed.remove_what_stays()
    services.kubectl("delete", "namespace", "short-lived", "--timeout=60s")
    services.kubectl("delete", "namespace", installed.namespace, "--timeout=60s")
    assert inventory(services) == before
    services.namespace(installed.namespace)


def test_a_pod_that_never_starts_keeps_no_namespace(services: ServiceCluster) -> None:
    broken = Installation(services, "leadline-broken")
    try:
        broken.install_without_waiting("image.pullPolicy=Never", "image.tag=missing")
        services.namespace("unrelated")
        services.kubectl("delete", "namespace", "unrelated", "--timeout=60s")
        assert not broken.registered() & set(SERVED)
    finally:
        broken.clear()


def test_the_apiservices_go_with_their_role_where_no_hook_is_run(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    installed = install("persistence.enabled=false")
    installed.uninstall("--no-hooks")
    services.until(lambda: not installed.registered() & set(SERVED), 60)
