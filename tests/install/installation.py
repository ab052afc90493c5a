"""The chart in a cluster, as one of its users has it."""

from pathlib import Path
from typing import Any

from service_cluster import ServiceCluster

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart"
RELEASE = "leadline"
SERVED = ("v1alpha1.leadline.dev", "v1beta1.spdx.softwarecomposition.kubescape.io")
VOLUME = "leadline-results"
TIMEOUT = "180s"


class Installation:
    def __init__(self, cluster: ServiceCluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.is_installed = False
        cluster.namespace(namespace)
        cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    def install(self, *values: str) -> None:
        """Until the server is reached through the aggregation layer."""
        self.is_installed = True
        self._helm("install", *values)
        self.wait()

    def upgrade(self, *values: str) -> None:
        """With the values of before."""
        self._helm("upgrade", *values, "--reset-then-reuse-values")
        self.wait()

    def wait(self) -> None:
        for name in SERVED:
            self.cluster.kubectl("wait", "--for=condition=Available", "--timeout=90s", "apiservice", name)

    def uninstall(self, *flags: str) -> str:
        self.is_installed = False
        command = ["uninstall", RELEASE, "-n", self.namespace, "--wait", "--cascade", "foreground"]
        return self.cluster.helm(*command, f"--timeout={TIMEOUT}", *flags)

    def clear(self) -> None:
        """Everything goes, whatever a test has left."""
        if self.is_installed:
            self.uninstall("--no-hooks", "--ignore-not-found")
        self.cluster.kubectl("delete", "namespace", self.namespace, "--timeout=90s")
        self.cluster.kubectl("delete", "persistentvolume", VOLUME, "--ignore-not-found")

    def with_volume(self) -> list[str]:
        """Values for a claim that finds a volume; the cluster has nothing that makes volumes."""
        folder = self.cluster.folder / "volume"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        spec = {
            "capacity": {"storage": "5Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "by-hand",
            "hostPath": {"path": str(folder)},
        }
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME}, "spec": spec}
        )
        return ["persistence.storageClass=by-hand"]

    def pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cluster.get("pods", "-n", self.namespace)["items"]
        return found

    def log(self, container: str = "apiserver") -> str:
        return self.cluster.kubectl("logs", "-n", self.namespace, f"deployment/{RELEASE}", "-c", container)

    def _helm(self, verb: str, *values: str, check: bool = True) -> str:
        here = [
            "image.tag=test",
            "image.pullPolicy=Never",
            f"networkPolicy.kubeApiPorts={{443,{self.cluster.port}}}",
        ]
        flags = [word for value in (*here, *values) for word in ("--set", value)]
        command = [verb, RELEASE, str(CHART), "-n", self.namespace, "--wait", f"--timeout={TIMEOUT}"]
        return self.cluster.helm(*command, *flags, check=check)
