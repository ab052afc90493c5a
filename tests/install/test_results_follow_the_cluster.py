"""What runs in the cluster shows up in the stored results, and goes from them, with the chart as it is installed."""

import pytest
from installation import MANIFEST_SUMMARIES, MANIFESTS, SUMMARIES, Installation, failed_controls
from outside import VULNERABILITY, Outside
from service_cluster import ServiceCluster
from workloads import deployment, privileged

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_privileged_workload_has_a_summary_for_as_long_as_it_runs(
    services: ServiceCluster, installed: Installation, shop: str
) -> None:
    services.apply(privileged(shop))
    installed.settled(SUMMARIES, shop, lambda found: "C-0057" in failed_controls(found.get("deployment-web")))
    line = services.kubectl("get", SUMMARIES, "-n", shop, "deployment-web", "--no-headers").split()
    assert int(line[1]) >= 1
    services.kubectl("delete", "deployment", "web", "-n", shop)
    installed.settled(SUMMARIES, shop, lambda found: "deployment-web" not in found)


def test_an_image_with_a_known_vulnerability_has_a_manifest_for_as_long_as_it_runs(
    services: ServiceCluster, installed: Installation, outside: Outside, shop: str
) -> None:
    services.apply(deployment(shop, "till", outside.push("shop/till")))
    installed.settled(MANIFEST_SUMMARIES, shop, bool)
    (summary,) = installed.stored(MANIFEST_SUMMARIES, shop).values()
    assert summary["spec"]["severities"]["critical"]["all"] == 1
    manifests = installed.stored(MANIFESTS, installed.namespace)
    matches = [
        match["vulnerability"]["id"]
        for manifest in manifests.values()
        for match in manifest["spec"]["payload"]["matches"] or ()
    ]
    assert matches == [VULNERABILITY]
    shown = services.kubectl("get", MANIFEST_SUMMARIES, "-n", shop)
    assert "CRITICAL" in shown
    services.kubectl("delete", "deployment", "till", "-n", shop)
    installed.settled(MANIFEST_SUMMARIES, shop, lambda found: not found)
