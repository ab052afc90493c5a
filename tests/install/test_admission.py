"""The webhook, installed by the chart: asked through its Service, with the rights of its own account, in front of real controllers."""

import base64
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from installation import Installation
from service_cluster import ServiceCluster
from test_install_and_uninstall import inventory
from workloads import deployment, privileged

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
NAME = "leadline-admission"
SHOP = "guarded-shop"
DENIED = "denied the request: C-0057 critical Privileged container: remove "


class Guarded:
    def __init__(self, cluster: ServiceCluster, installation: Installation) -> None:
        self.cluster = cluster
        self.installation = installation

    def apply(self, body: dict[str, Any], *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", f"--kubeconfig={self.cluster.admin()}", "apply", "-f", "-", *flags],
            input=json.dumps(body),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def is_judging(self) -> bool:
        return DENIED in self.apply(privileged(SHOP, "tried"), "--dry-run=server").stderr

    def cas(self) -> list[x509.Certificate]:
        """Of both webhooks, which trust the same."""
        webhooks = self.cluster.get("validatingwebhookconfiguration", NAME)["webhooks"]
        (bundle,) = {webhook["clientConfig"].get("caBundle", "") for webhook in webhooks}
        return x509.load_pem_x509_certificates(base64.b64decode(bundle))

    def number(self, series: str) -> float:
        path = f"/api/v1/namespaces/{self.installation.namespace}/services/{NAME}-metrics:8080/proxy/metrics"
        rows = self.cluster.kubectl("get", "--raw", path).splitlines()
        return sum(float(row.rpartition(" ")[2]) for row in rows if row.startswith(f"{series} "))

    def log(self) -> str:
        where = ("-n", self.installation.namespace, f"deployment/{NAME}")
        return self.cluster.kubectl("logs", *where)


@pytest.fixture(scope="module")
def before(services: ServiceCluster) -> list[str]:
    return inventory(services)


@pytest.fixture(scope="module")
def guarded(services: ServiceCluster, before: list[str]) -> Iterator[Guarded]:
    services.namespace(SHOP)
    installation = Installation(services, "leadline-guarded")
    try:
        others = ("configurationScan", "vulnerabilityScan")
        installation.install(
            "persistence.enabled=false",
            "capabilities.admission=true",
            "admission.enforce=true",
            "admission.allowOneReplica=true",
            *(f"capabilities.{name}=false" for name in others),
        )
        found = Guarded(services, installation)
        services.until(found.is_judging, 60)
        yield found
    finally:
        installation.clear()
        services.kubectl("delete", "namespace", SHOP, "--timeout=90s")


def test_what_is_denied_is_not_there(guarded: Guarded):
    ran = guarded.apply(privileged(SHOP, "denied"))
    assert ran.returncode == 1
    assert f"{DENIED}spec.template.spec.containers[0].securityContext.privileged" in ran.stderr
    assert guarded.cluster.get("deployments", "-n", SHOP)["items"] == []


def test_a_warned_deployment_runs_and_its_pods_are_judged_with_it(guarded: Guarded):
    series = 'leadline_admission_not_judged_total{reason="judged at its owner"}'
    asked = guarded.number(series)
    body = deployment(SHOP, "warned")
    body["spec"]["template"]["spec"]["hostPID"] = True
    ran = guarded.apply(body)
    assert ran.returncode == 0, ran.stderr
    assert "Warning: Deployment/warned: leadline: C-0038" in ran.stderr
    guarded.cluster.kubectl("-n", SHOP, "rollout", "status", "deployment/warned", "--timeout=90s")
    # Its ReplicaSet, and the pod of that.
    assert guarded.number(series) >= asked + 2
    guarded.cluster.kubectl("-n", SHOP, "delete", "deployment", "warned")


def test_what_is_excluded_is_not_asked_about(guarded: Guarded):
    body = privileged("kube-system", "excluded", replicas=0)
    ran = guarded.apply(body)
    assert (ran.returncode, ran.stderr) == (0, "")
    guarded.cluster.kubectl("-n", "kube-system", "delete", "deployment", "excluded")


def test_what_the_cluster_accepts_is_read_with_the_rights_of_the_account(guarded: Guarded):
    exception = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "ClusterSecurityException",
        "metadata": {"name": "known"},
        "spec": {
            "reason": "reads the devices of its node",
            "match": {"namespaceSelector": {"matchLabels": {"devices": "yes"}}},
            "posture": [{"controlID": "C-0057", "action": "ignore"}],
        },
    }
    assert guarded.apply(exception).returncode == 0
    assert guarded.is_judging()
    guarded.cluster.kubectl("label", "namespace", SHOP, "devices=yes")
    guarded.cluster.until(lambda: not guarded.is_judging(), 30)
    assert guarded.number("leadline_admission_waivers_read") == 1
    guarded.cluster.kubectl("label", "namespace", SHOP, "devices-")
    guarded.cluster.until(guarded.is_judging, 30)
    guarded.cluster.kubectl("delete", "clustersecurityexception", "known")


def test_another_pod_has_another_certificate_and_is_asked_all_the_same(guarded: Guarded):
    (first,) = guarded.cas()
    where = ("-n", guarded.installation.namespace)
    guarded.cluster.kubectl(*where, "rollout", "restart", f"deployment/{NAME}")
    guarded.cluster.kubectl(*where, "rollout", "status", f"deployment/{NAME}", "--timeout=120s")
    guarded.cluster.until(lambda: len(guarded.cas()) == 2 and guarded.is_judging(), 60)
    assert first in guarded.cas()
    assert guarded.number("leadline_admission_trusted") == 1


def test_nothing_went_wrong_that_only_the_log_says(guarded: Guarded):
    assert "WARNING" not in guarded.log()
    assert "ERROR" not in guarded.log()


def test_uninstalling_takes_the_webhook_away_before_its_pods_and_leaves_nothing(
    guarded: Guarded, before: list[str], services: ServiceCluster
):
    """The last of this module."""
    said = guarded.installation.uninstall("--debug")
    # Its pre-delete hook has done it, before anything else went.
    assert f'Ignoring delete failure for "{NAME}"' in said
    guarded.installation.remove_what_stays()
    ours = {f"namespace/{SHOP}", f"namespace/{guarded.installation.namespace}"}
    services.until(lambda: set(inventory(services)) - ours == set(before) - ours, 30)
