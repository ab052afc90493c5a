"""Two replicas over PostgreSQL in a real cluster: who leads, who answers, what is renewed, and what is left at the end."""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from installation import SERVED, SUMMARIES, Installation, failed_controls
from processes import free_port
from service_cluster import ServiceCluster
from test_install_and_uninstall import inventory
from workloads import privileged

from api.postgres_server import PostgresServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("installs")]
LEASE = "leadline-operator"
RESULTS = f"/apis/spdx.softwarecomposition.kubescape.io/v1beta1/namespaces/shop/{SUMMARIES}"


@pytest.fixture(scope="module")
def before(services: ServiceCluster) -> list[str]:
    return inventory(services)


@pytest.fixture(scope="module")
def replicas(services: ServiceCluster, before: list[str]) -> Iterator[Installation]:
    postgres = PostgresServer(services.gateway, free_port())
    postgres.start()
    installation = Installation(services, "leadline-replicas")
    try:
        address = postgres.address_for("leadline", "of-a-test")
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "database", "namespace": installation.namespace},
            "stringData": {"uri": address},
        }
        services.apply(secret)
        installation.install(
            "replicas=2",
            "postgresql.secretName=database",
            # They are renewed after 40 s.
            "apiserver.certificateLife=1m",
            "operator.settings.leaseDurationS=6",
            "operator.settings.leaseRenewS=1",
            "capabilities.vulnerabilityScan=false",
            "capabilities.prometheusExporter=false",
        )
        yield installation
    finally:
        installation.clear()
        postgres.stop()


def holder(installation: Installation) -> str:
    lease = installation.cluster.get("lease", LEASE, "-n", installation.namespace, check=False)
    return str(lease.get("spec", {}).get("holderIdentity", ""))


def names(installation: Installation) -> set[str]:
    """Of the pods that are ready."""
    return {
        pod["metadata"]["name"]
        for pod in installation.pods()
        if not pod["metadata"].get("deletionTimestamp")
        and all(one["ready"] for one in pod["status"].get("containerStatuses", [{"ready": False}]))
    }


def seen_by(installation: Installation, pod: str) -> set[str]:
    """Names of the results in ``shop`` as this replica tells them."""
    cluster, where = installation.cluster, installation.namespace
    address = cluster.get("pod", pod, "-n", where)["status"]["podIP"]
    token = cluster.kubectl("create", "token", "leadline", "-n", where).strip()
    # Pods are reached from within the network of the node.
    command = [*cluster.inside, "kubectl", "--kubeconfig=/dev/null", "get", "--raw", RESULTS]
    place = [f"--server=https://{address}:8443", "--insecure-skip-tls-verify", f"--token={token}"]
    run = subprocess.run([*command, *place], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return {one["metadata"]["name"] for one in json.loads(run.stdout)["items"]}


def follows(installation: Installation, name: str) -> None:
    installation.cluster.apply(privileged("shop", name))
    installation.settled(
        SUMMARIES, "shop", lambda found: "C-0057" in failed_controls(found.get(f"deployment-{name}"))
    )


def test_either_replica_answers_and_another_leads_once_the_leader_is_killed(
    services: ServiceCluster, replicas: Installation, shop: str
) -> None:
    services.until(lambda: len(names(replicas)) == 2 and holder(replicas) in names(replicas), 120)
    follows(replicas, "web")
    for pod in names(replicas):
        assert "deployment-web" in seen_by(replicas, pod)
    leader = holder(replicas)
    services.kubectl("delete", "pod", leader, "-n", replicas.namespace, "--grace-period=0", "--force")
    services.until(lambda: len(names(replicas)) == 2 and holder(replicas) in names(replicas) - {leader}, 120)
    follows(replicas, "till")
    for pod in names(replicas):
        assert {"deployment-web", "deployment-till"} <= seen_by(replicas, pod)


class Asking:
    """Asks for results through the cluster again and again, and keeps what failed."""

    def __init__(self, cluster: ServiceCluster) -> None:
        self.asked, self.failures = 0, list[str]()
        self._cluster, self._ends = cluster, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *of: object) -> None:
        self._ends.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ends.wait(0.1):
            try:
                self._cluster.kubectl("get", "--raw", RESULTS)
                self.asked += 1
            except RuntimeError as error:
                self.failures.append(str(error))


def trusted(cluster: ServiceCluster) -> set[int]:
    """Serial numbers of the CAs that the cluster knows the replicas by: those that all APIServices have."""
    found = []
    for name in SERVED:
        bundle = base64.b64decode(cluster.get("apiservice", name)["spec"]["caBundle"])
        found.append({one.serial_number for one in x509.load_pem_x509_certificates(bundle)})
    return set.intersection(*found)


def test_no_request_fails_while_the_certificates_are_renewed(
    services: ServiceCluster, replicas: Installation, shop: str
) -> None:
    services.until(lambda: len(names(replicas)) == 2, 120)
    first = trusted(services)
    with Asking(services) as asking:
        # Each of the two has another one.
        services.until(lambda: len(trusted(services) - first) >= 2, 180)
        services.until(lambda: all("is another" in log_of(replicas, pod) for pod in names(replicas)), 60)
        # What is shown now is of the new ones: the old ones have ended by then.
        services.until(lambda: not trusted(services) & first, 180)
        enough = asking.asked + 20
        services.until(lambda: asking.asked >= enough, 60)
    assert asking.failures == []


def log_of(installation: Installation, pod: str) -> str:
    return installation.cluster.kubectl("logs", "-n", installation.namespace, pod, "-c", "apiserver")


def test_what_is_installed_is_what_is_rendered(services: ServiceCluster, replicas: Installation) -> None:
    """As Argo CD compares: the manifests applied by the server to what is there, defaults and our own writes included."""
    rendered = services.helm("get", "manifest", "leadline", "-n", replicas.namespace)
    flags = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    # It exits with 1 where there is a difference, which is then what it prints.
    assert services.kubectl("diff", *flags, "-f", "-", content=rendered) == ""


def test_nothing_is_left_of_two_replicas(
    services: ServiceCluster, replicas: Installation, before: list[str]
) -> None:
    replicas.uninstall()
    services.until(lambda: replicas.pods() == [], 60)
    replicas.remove_what_stays()
    ours = {f"namespace/{replicas.namespace}"}
    services.until(lambda: set(inventory(services)) - set(before) <= ours, 30)
