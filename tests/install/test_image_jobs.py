"""Images scanned by Jobs, with the chart as it is installed: alone a cluster shows rights, Pod Security and the controller."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from installation import MANIFEST_SUMMARIES, MANIFESTS, Installation
from outside import VULNERABILITY, Outside, published_database
from service_cluster import ServiceCluster
from workloads import deployment

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-jobs"},
    "spec": {"hard": {"count/jobs.batch": "0"}},
}


@pytest.fixture(scope="module")
def by_jobs(
    services: ServiceCluster, outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Without posture: images alone have the cluster watched as well."""
    folder = tmp_path_factory.mktemp("database")
    settings = {"acceptAnyCertificate": True, "gapS": 0, "jobKeptS": 2}
    port = int(outside.registry.host.rpartition(":")[2])
    with published_database(folder, services.gateway) as (address, key):
        values = folder / "values.yaml"
        values.write_text(
            yaml.safe_dump(
                {
                    "persistence": {"enabled": False},
                    "capabilities": {"configurationScan": False, "prometheusExporter": False},
                    "vulnerabilityScan": {"jobs": {"enabled": True, "parallelism": 2}},
                    "vulnerabilityDatabase": {"address": address, "publicKey": key},
                    "operator": {"settings": {"images": settings}},
                    "networkPolicy": {"registryPorts": [port]},
                }
            )
        )
        installation = Installation(services, "leadline-jobs")
        try:
            installation.install(file=values)
            yield installation
        finally:
            installation.clear()


def jobs(installation: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installation.cluster.get("jobs", "-n", installation.namespace)["items"]
    return found


def scan_of(cluster: ServiceCluster, repository: str) -> dict[str, Any]:
    """The status of the image; empty where nothing is known of it yet."""
    found = cluster.get("imagescans", check=False).get("items", [])
    return next((one["status"] for one in found if repository in one["status"].get("image", "")), {})


def test_an_image_is_scanned_by_a_job_that_is_gone_afterwards(
    services: ServiceCluster, by_jobs: Installation, outside: Outside, shop: str
) -> None:
    seen: dict[str, dict[str, Any]] = {}
    services.apply(deployment(shop, "till", outside.push("shop/till")))

    def is_summarised(found: dict[str, dict[str, Any]]) -> bool:
        seen.update((one["metadata"]["name"], one) for one in jobs(by_jobs))
        return any(one["spec"]["severities"]["critical"]["all"] for one in found.values())

    by_jobs.settled(MANIFEST_SUMMARIES, shop, is_summarised)
    ids = [
        match["vulnerability"]["id"]
        for manifest in by_jobs.stored(MANIFESTS, by_jobs.namespace).values()
        for match in manifest["spec"]["payload"]["matches"] or ()
    ]
    assert ids == [VULNERABILITY]
    assert seen
    account = services.get("serviceaccount", "leadline-images", "-n", by_jobs.namespace)
    for job in seen.values():
        assert [one["uid"] for one in job["metadata"]["ownerReferences"]] == [account["metadata"]["uid"]]
    services.until(lambda: not jobs(by_jobs), 120)
    assert scan_of(services, "shop/till")["phase"] == "Done"


def test_a_job_that_is_refused_is_named_by_its_image(
    services: ServiceCluster, by_jobs: Installation, outside: Outside, shop: str
) -> None:
    services.until(lambda: not jobs(by_jobs), 120)
    services.apply({**QUOTA, "metadata": {"name": "no-jobs", "namespace": by_jobs.namespace}})
    # The quota is enforced once its controller has counted.
    services.until(lambda: "hard" in services.get("quota", "no-jobs", "-n", by_jobs.namespace)["status"], 60)
    services.apply(deployment(shop, "other", outside.push("shop/other")))
    services.until(lambda: scan_of(services, "shop/other").get("phase") == "Failed", 120)
    shown = services.kubectl("get", "imagescans")
    assert "no Job can be created" in shown
    assert "exceeded quota" in shown
