"""The programs, and every object of the chart, with an API server of Kubernetes 1.32."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from binaries import CONTROL_PLANE, OLDER, kubernetes
from exporter_process import ExporterProcess
from extension import PLACE, ROOT, SERVICE, Extension
from operator_process import OperatorProcess, prepare, status_of
from running import running
from workloads import privileged

pytestmark = [pytest.mark.cluster, pytest.mark.nightly("versions")]
EVERYTHING = (
    *("capabilities.admission=true", "capabilities.ui=true", "capabilities.readSecrets=true"),
    *("prometheus.dashboard.enabled=true", "podDisruptionBudget.enabled=true"),
)


class Older(Extension):
    """Without controllers: the Go module proxy lacks a part of those of this version."""

    def __init__(self) -> None:
        super().__init__()
        self.binaries = kubernetes(CONTROL_PLANE, OLDER)

    def _start_controllers(self) -> None:
        pass

    def _prepare(self) -> None:
        super()._prepare()
        # Its aggregation layer asks for these, and knows no EndpointSlices.
        subset = {"addresses": [{"ip": self.address}], "ports": [{"port": self.our_port, "protocol": "TCP"}]}
        metadata = {"name": SERVICE, "namespace": PLACE}
        self.apply({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})


@pytest.fixture(scope="module")
def older() -> Iterator[Older]:
    with running(Older) as cluster:
        prepare(cluster)
        yield cluster


def test_a_workload_is_judged_accepted_counted_and_shown(older: Older) -> None:
    assert json.loads(older.kubectl("version", "-o", "json"))["serverVersion"]["minor"] == "32"
    operator = OperatorProcess(older, "older")
    try:
        operator.until(operator.is_following)
        older.namespace("shop")
        older.apply(privileged("shop", "web"))
        operator.until(lambda: status_of(older, "shop", "deployment-web", "C-0057") == "failed")
        exception = {
            "apiVersion": "kubescape.io/v1beta1",
            "kind": "SecurityException",
            "metadata": {"name": "known", "namespace": "shop"},
            "spec": {"reason": "known", "posture": [{"controlID": "C-0057", "action": "ignore"}]},
        }
        older.apply(exception)
        operator.until(lambda: "w/exceptions" in status_of(older, "shop", "deployment-web", "C-0057"))
        assert "web" in older.kubectl("-n", "shop", "get", "workloadrisks,findings")
        config = older.folder / "exporter.conf"
        config.write_text(older.kubeconfig({"token": older.token("reader", PLACE)}))
        with ExporterProcess(older.folder, "kube", f"--kubeconfig={config}") as exporter:
            exporter.wait_until_shown('leadline_store_objects{kind="workloadconfigurationscansummaries"}')
        command = [
            sys.executable,
            "-m",
            "leadline.programs.cli.main",
            "scan",
            f"--kubeconfig={older.admin()}",
        ]
        scan = subprocess.run(
            [*command, "-f", "json"], cwd=ROOT / "src", capture_output=True, text=True, check=False
        )
        assert scan.returncode == 0, scan.stderr
        assert "v1.32" in scan.stdout
    finally:
        assert operator.end() == 0


def test_the_server_takes_every_object_of_the_chart(older: Older) -> None:
    older.kubectl("create", "namespace", "installed")
    flags = [word for value in EVERYTHING for word in ("--set", value)]
    shown = subprocess.run(
        ["helm", "template", "leadline", str(ROOT / "deploy/chart"), "-n", "installed", "--kube-version=1.32.13", *flags],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    # A binding of the aggregation layer is in kube-system: each object says where it is.
    said = older.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", content=shown)
    assert "deployment.apps/leadline serverside-applied" in said
    assert "deployment.apps/leadline" in older.kubectl("-n", "installed", "get", "deployments", "-o", "name")
    assert "validatingadmissionpolicy.admissionregistration.k8s.io/leadline-exceptions" in said
