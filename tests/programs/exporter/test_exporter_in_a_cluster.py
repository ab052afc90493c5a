"""The exporter of a cluster's own stored results, through a real kube-apiserver, with the right to read and no other."""

import json
import signal
from pathlib import Path

import pytest
from exporter_process import ExporterProcess
from extension import Extension

pytestmark = pytest.mark.cluster
GROUP = "spdx.softwarecomposition.kubescape.io/v1beta1"


def summary(namespace: str, name: str, critical: int) -> dict[str, object]:
    labels = {
        f"kubescape.io/workload-{part}": text
        for part, text in (("namespace", namespace), ("name", name), ("kind", "Deployment"))
    }
    return {
        "apiVersion": GROUP,
        "kind": "WorkloadConfigurationScanSummary",
        "metadata": {"name": f"deployment-{name}", "namespace": namespace, "labels": labels},
        "spec": {
            "severities": {"critical": critical, "high": 0, "medium": 0, "low": 0, "unknown": 0},
            "controls": {
                "C-0057": {
                    "controlID": "C-0057",
                    "severity": {"severity": "Critical", "scoreFactor": 9},
                    "status": {"status": "failed"},
                }
            },
        },
    }


def account(cluster: Extension, name: str) -> str:
    # Beside the CA, which it names by its file.
    config = cluster.folder / f"exporter-{name}.conf"
    config.write_text(cluster.kubeconfig({"token": cluster.token(name)}))
    return f"--kubeconfig={config}"


def line(space: str, name: str, value: int) -> str:
    labels = f'namespace="{space}",workload="{name}",workload_kind="deployment"'
    return f"kubescape_controls_total_workload_critical{{{labels}}} {value}.0"


def test_numbers_follow_the_objects_of_the_cluster(extension: Extension, tmp_path: Path):
    space = extension.namespace("exported")
    extension.apply(summary(space, "web", 3), summary(space, "pay", 1))
    with ExporterProcess(tmp_path, "kube", account(extension, "reader")) as exporter:
        exporter.wait_until_shown(line(space, "web", 3))
        sums = json.loads(extension.kubectl("get", "configurationscansummaries", space, "-o", "json"))
        critical = sums["spec"]["severities"]["critical"]
        exporter.wait_until_shown(
            f'kubescape_controls_total_namespace_critical{{namespace="{space}"}} {critical}.0'
        )
        extension.kubectl(
            "-n",
            space,
            "patch",
            "workloadconfigurationscansummary",
            "deployment-web",
            "--type=merge",
            "-p",
            '{"spec":{"severities":{"critical":2}}}',
        )
        exporter.wait_until_shown(line(space, "web", 2))
        extension.kubectl("-n", space, "delete", "workloadconfigurationscansummary", "deployment-pay")
        exporter.wait_until_shown('workload="pay"', shown=False)
        # Namespaces that are gone take their series along.
        extension.kubectl("delete", "namespace", space)
        exporter.wait_until_shown(f'namespace="{space}"', shown=False)
        assert "leadline_store_up 1.0" in exporter.metrics()


def test_who_may_not_read_has_no_numbers_and_says_so(extension: Extension, tmp_path: Path):
    exporter = ExporterProcess(tmp_path, "kube", account(extension, "nobody"))
    try:
        exporter.wait_until_shown("leadline_store_losses 1.0")
        metrics = exporter.metrics()
        assert "leadline_store_up 0.0" in metrics
        assert "kubescape_" not in metrics
        assert "check the rights of the account" in exporter.log.read_text()
    finally:
        exporter.stop()


def test_a_server_that_is_killed_is_lost_and_found(private_extension: Extension, tmp_path: Path):
    cluster = private_extension
    space = cluster.namespace("lost")
    cluster.apply(summary(space, "web", 3))
    with ExporterProcess(tmp_path, "kube", account(cluster, "reader")) as exporter:
        exporter.wait_until_shown(line(space, "web", 3))
        cluster.stop_ours(signal.SIGKILL)
        exporter.wait_until_shown("leadline_store_up 0.0")
        cluster.start_ours()
        cluster.until(
            lambda: "True" in cluster.kubectl("get", "apiservice", f"v1beta1.{GROUP.partition('/')[0]}"), 60
        )
        exporter.wait_until_shown("leadline_store_up 1.0")
        cluster.apply(summary(space, "late", 1))
        exporter.wait_until_shown(line(space, "late", 1))
