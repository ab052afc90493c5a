"""A real Prometheus scrapes a real exporter over a real store."""

from pathlib import Path

from exporter_process import ExporterProcess
from prometheus_server import Prometheus, needs_prometheus
from scanned import deployment
from stored import store


@needs_prometheus
def test_prometheus_sees_numbers_come_and_go(tmp_path: Path):
    file = store(tmp_path, deployment("web"), deployment("pay", "bank"))
    with (
        ExporterProcess(tmp_path, str(file)) as exporter,
        Prometheus(tmp_path, exporter.address) as prometheus,
    ):
        critical = "kubescape_controls_total_namespace_critical"
        prometheus.wait_until(lambda: prometheus.value(f'{critical}{{namespace="bank"}}'))
        assert prometheus.value("up") == 1
        assert prometheus.value("leadline_store_up") == 1
        sums = f"sum({critical}) - on() kubescape_controls_total_cluster_critical"
        assert prometheus.value(sums) == 0
        store(tmp_path, deployment("web"))
        prometheus.wait_until(lambda: prometheus.value(f'{critical}{{namespace="bank"}}') is None)
        assert prometheus.value(f'{critical}{{namespace="shop"}}')


@needs_prometheus
def test_prometheus_keeps_the_labels_of_objects_without_a_namespace(tmp_path: Path):
    role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
"""
    file = store(tmp_path, deployment("web"), role)
    with (
        ExporterProcess(tmp_path, str(file)) as exporter,
        Prometheus(tmp_path, exporter.address) as prometheus,
    ):
        of_role = 'kubescape_controls_total_workload_critical{workload="all",workload_kind="clusterrole"}'
        prometheus.wait_until(lambda: prometheus.query(of_role))
        assert "namespace" not in prometheus.query(of_role)[0]["metric"]
