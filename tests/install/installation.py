"""The chart in a cluster, as one of its users has it."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from processes import NotReadyError
from service_cluster import ServiceCluster

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
SUMMARIES = "workloadconfigurationscansummaries"
MANIFESTS = "vulnerabilitymanifests"
MANIFEST_SUMMARIES = "vulnerabilitymanifestsummaries"
RELEASE = "leadline"
SERVED = ("v1alpha1.leadline.dev", "v1beta1.spdx.softwarecomposition.kubescape.io")
VOLUME = "leadline-results"
TIMEOUT = "180s"
SETTLED_S = 180.0
QUIET_LOOKS = 40
"""A look takes some 0.1 s."""


class Installation:
    def __init__(self, cluster: ServiceCluster, namespace: str, level: str = "restricted") -> None:
        """``level`` is the Pod Security level that the namespace enforces."""
        self.cluster, self.namespace = cluster, namespace
        self.is_installed = False
        cluster.namespace(namespace)
        cluster.kubectl("label", "namespace", namespace, f"pod-security.kubernetes.io/enforce={level}")

    def install(
        self, *values: str, file: Path | None = None, chart: Path | str = CHART, more: Sequence[str] = ()
    ) -> None:
        """Until the server is reached through the aggregation layer. ``more``: further arguments of helm."""
        self.is_installed = True
        files = ("--values", str(file)) if file else ()
        self._helm("install", *values, more=(*files, *more), chart=chart)
        self.wait()

    def upgrade(self, *values: str) -> None:
        """With the values of before."""
        self._helm("upgrade", *values, more=("--reset-then-reuse-values",))
        self.wait()

    def wait(self) -> None:
        self.cluster.until(lambda: set(SERVED) <= self.registered(), SETTLED_S)
        for name in SERVED:
            self.cluster.kubectl("wait", "--for=condition=Available", "--timeout=90s", "apiservice", name)

    def registered(self) -> set[str]:
        """Names of the APIServices of the cluster."""
        return {one["metadata"]["name"] for one in self.cluster.get("apiservices")["items"]}

    def install_without_waiting(self, *values: str) -> None:
        self.is_installed = True
        settings = [word for value in values for word in ("--set", value)]
        self.cluster.helm("install", RELEASE, str(CHART), "-n", self.namespace, *settings)

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
        self.remove_what_stays()

    def remove_what_stays(self) -> None:
        """As NOTES of the chart say it."""
        ours = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/name=leadline"
        kinds = "customresourcedefinitions,persistentvolumeclaims"
        self.cluster.kubectl("delete", kinds, "-n", self.namespace, "-l", ours, "--timeout=60s")

    @staticmethod
    def with_volume(cluster: ServiceCluster) -> list[str]:
        """Values for a claim that finds a volume; the cluster has nothing that makes volumes."""
        folder = cluster.folder / "volume"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        spec = {
            "capacity": {"storage": "5Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "by-hand",
            "hostPath": {"path": str(folder)},
        }
        cluster.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME}, "spec": spec}
        )
        return ["persistence.storageClass=by-hand"]

    def pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cluster.get("pods", "-n", self.namespace)["items"]
        return found

    def stored(self, kind: str, namespace: str) -> dict[str, dict[str, Any]]:
        """Whole objects by their names."""
        path = f"/apis/spdx.softwarecomposition.kubescape.io/v1beta1/namespaces/{namespace}/{kind}"
        answer = self.cluster.kubectl("get", "--raw", f"{path}?resourceVersion=fullSpec")
        return {one["metadata"]["name"]: one for one in json.loads(answer)["items"]}

    def settled(self, kind: str, namespace: str, is_so: Callable[[dict[str, dict[str, Any]]], bool]) -> None:
        """Waits until ``is_so`` of what is stored; fails with it and the logs where it does not come about."""
        try:
            self.cluster.until(lambda: is_so(self._stored_or_nothing(kind, namespace)), SETTLED_S)
        except NotReadyError:
            found = json.dumps(self._stored_or_nothing(kind, namespace), indent=1)[-3000:]
            raise AssertionError(f"{kind} in {namespace}: {found}\n{self._fate()}") from None

    def quiet(self, look: Callable[[], object]) -> None:
        """Waits until ``look`` has shown the same for ``QUIET_LOOKS`` in a row."""
        seen: list[object] = []

        def is_quiet() -> bool:
            seen.append(look())
            return len(seen) >= QUIET_LOOKS and all(one == seen[-1] for one in seen[-QUIET_LOOKS:])

        self.cluster.until(is_quiet, SETTLED_S)

    def restart(self) -> None:
        """Another pod; the next call is answered by it."""
        where = ("-n", self.namespace, f"deployment/{RELEASE}")
        self.cluster.kubectl("rollout", "restart", *where)
        self.cluster.kubectl("rollout", "status", *where, "--timeout=120s")
        self.wait()

    def _stored_or_nothing(self, kind: str, namespace: str) -> dict[str, dict[str, Any]]:
        try:
            return self.stored(kind, namespace)
        except RuntimeError:
            # The server may be between two pods.
            return {}

    def _fate(self) -> str:
        """How the operator has fared, for whoever reads a failure: a container that began anew has an empty log."""
        pods = self.cluster.kubectl("get", "pods,jobs", "-n", self.namespace, "-o", "wide", check=False)
        before = self.cluster.kubectl(
            *("logs", "-n", self.namespace, f"deployment/{RELEASE}", "-c", "operator", "--previous"),
            check=False,
        )
        scans = self.cluster.kubectl("get", "imagescans", "-o", "wide", check=False)
        return f"{pods}\n{scans}\n{before[-3000:]}\n{self.log('operator')[-3000:]}"

    def log(self, container: str = "apiserver") -> str:
        return self.cluster.kubectl("logs", "-n", self.namespace, f"deployment/{RELEASE}", "-c", container)

    def _helm(self, verb: str, *values: str, more: Sequence[str] = (), chart: Path | str = CHART) -> str:
        here = [
            "image.tag=test",
            "image.pullPolicy=Never",
            f"networkPolicy.kubeApiPorts={{443,{self.cluster.port}}}",
        ]
        flags = [word for value in (*here, *values) for word in (_flag(value), value)]
        command = [verb, RELEASE, str(chart), "-n", self.namespace, "--wait", f"--timeout={TIMEOUT}"]
        return self.cluster.helm(*command, *flags, *more)


def _flag(value: str) -> str:
    """``--set`` makes a text of a number with a fraction."""
    return "--set-json" if re.fullmatch(r"\d+\.\d+", value.partition("=")[2]) else "--set"


def failed_controls(summary: dict[str, Any] | None) -> frozenset[str]:
    """Ids, of a summary that is stored."""
    controls = summary["spec"]["controls"] if summary else {}
    return frozenset(name for name, one in controls.items() if one["status"]["status"] == "failed")
