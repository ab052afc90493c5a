"""Another version of the chart, or other values, over an installation that has results."""

from collections.abc import Callable

import pytest
from installation import SUMMARIES, Installation, failed_controls
from service_cluster import ServiceCluster
from workloads import privileged

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_an_upgrade_keeps_values_and_data(
    services: ServiceCluster, install: Callable[..., Installation]
) -> None:
    installed = install(*Installation.with_volume(services), "operator.settings.fullScan=")
    # Pod Security admits none of its pods; the Deployment is judged all the same.
    services.apply(privileged(installed.namespace, "till"))
    installed.settled(
        SUMMARIES, installed.namespace, lambda found: bool(failed_controls(found.get("deployment-till")))
    )
    # The run that goes on is written once all has been read.
    services.until(lambda: bool(services.get("scanruns", "posture-current", check=False)), 120)
    kept = services.get("scanruns", "posture-current")["metadata"]["uid"]
    before = installed.stored(SUMMARIES, installed.namespace)["deployment-till"]["metadata"]["uid"]
    (pod,) = installed.pods()
    installed.upgrade("podLabels.team=security", "capabilities.prometheusExporter=false")
    (other,) = [one for one in installed.pods() if one["metadata"]["labels"].get("team") == "security"]
    assert other["metadata"]["uid"] != pod["metadata"]["uid"]
    assert [one["name"] for one in other["spec"]["containers"]] == ["apiserver", "operator"]
    assert installed.stored(SUMMARIES, installed.namespace)["deployment-till"]["metadata"]["uid"] == before
    assert services.get("scanruns", "posture-current")["metadata"]["uid"] == kept
    settings = services.get("configmap", "leadline", "-n", installed.namespace)["data"]["operator.json"]
    assert '"fullScan":""' in settings
