"""A real Prometheus scrapes the chart's own pod, and its exporter sends alerts to a receiver outside of the cluster."""

from collections.abc import Callable
from pathlib import Path

import pytest
from installation import Installation
from prometheus_server import Prometheus, needs_prometheus, wait_until
from receiving import Inbox
from service_cluster import ServiceCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "scraped"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [{"name": "c", "image": "app:1", "securityContext": {"privileged": True}}]
            },
        },
    },
}
WEB = 'kubescape_controls_total_workload_critical{namespace="scraped",workload="web",workload_kind="deployment"}'


@needs_prometheus
def test_prometheus_scrapes_the_installed_cluster_and_alerts_arrive(
    services: ServiceCluster, install: Callable[..., Installation], tmp_path: Path
) -> None:
    services.namespace("scraped")
    with Inbox(services.gateway) as inbox:
        installed = install(
            *(
                "persistence.enabled=false",
                "capabilities.alerts=true",
                "capabilities.vulnerabilityScan=false",
            ),
            f"alerts.receivers[0].webhook.url={inbox.url}",
            f"alerts.ports={{{inbox.server_address[1]}}}",
        )
        (pod,) = installed.pods()
        place = (services.inside, services.host)
        with Prometheus(tmp_path, f"{pod['status']['podIP']}:8080", place=place) as prometheus:
            prometheus.wait_until(lambda: prometheus.value("leadline_store_up") == 1)
            services.apply(DEPLOYMENT)
            prometheus.wait_until(lambda: prometheus.value(WEB))
            assert (prometheus.value("leadline_store_bytes") or 0) > 10_000
            assert prometheus.value('leadline_compliance_score{framework="NSA"}') is not None
            # What a workload fails is stored as soon as it is known, the scan itself once it has seen everything.
            prometheus.wait_until(
                lambda: prometheus.value('leadline_scan_timestamp_seconds{subject="posture"}')
            )
            wait_until(lambda: any(one["groupLabels"].get("workload") == "web" for one in inbox.bodies))
            services.kubectl("delete", "namespace", "scraped")
            prometheus.wait_until(lambda: prometheus.value(WEB) is None)
            wait_until(
                lambda: any(
                    one["groupLabels"].get("workload") == "web" and one["status"] == "resolved"
                    for one in inbox.bodies
                )
            )
