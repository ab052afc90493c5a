"""Ten minutes of ordinary days beside the agent of the chart, with complete profiles: at most one false alarm, each listed."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from installation import Installation
from kernel_access import needs_kernel
from ordinary_days import OrdinaryDays
from service_cluster import ServiceCluster
from test_parts_on_the_node import node_part, pod_of, tracefs

pytestmark = [
    pytest.mark.nightly("quiet"),
    pytest.mark.cluster,
    pytest.mark.kernel,
    pytest.mark.slow,
    needs_kernel,
]
MINUTES = float(os.environ.get("LEADLINE_QUIET_MINUTES", "10"))
LEARNING_HOURS = 0.005
"""18 s: so long a container has to live before anything in it may seem new."""
MOST_FALSE_ALARMS = 1
LEARNED = 40
"""Containers whose profiles have to become complete at least, in ten minutes."""
__all__ = ["node_part", "tracefs"]


def test_ordinary_days_raise_at_most_one_alarm(
    services: ServiceCluster, node_part: Callable[..., Installation], shop: str
) -> None:
    installed = node_part(
        "capabilities.nodeAgent=true",
        f"nodeAgent.runtimeSocket={services.socket}",
        f"nodeAgent.learningHours={LEARNING_HOURS}",
    )
    agent = pod_of(services, installed)["metadata"]["name"]

    def log() -> str:
        where = ("-n", installed.namespace, agent, "-c", "agent")
        return services.kubectl("logs", *where)

    days = OrdinaryDays(services, shop)
    days.begin()
    days.live(MINUTES * 60)
    before = log()
    # Other containers of this machine are seen too; those of the cluster have a pod.
    alarms = [one for one in alerts_in(before) if "pod" in one["container"]]
    print("\n".join(days.done))
    for alarm in alarms:
        print(json.dumps(alarm))
    learned = before.count("its profile is complete")
    print(f"{len(alarms)} alarms, {learned} containers learned")
    # The silence is no deafness: what must never happen is told of at once.
    days.execute("cp /bin/busybox /tmp/x; /tmp/x true")
    services.until(lambda: "R1001" in {one["rule"] for one in alerts_in(log())}, 60)
    assert learned >= LEARNED * min(1.0, MINUTES / 10)
    assert "records lost" not in before
    assert len({one["id"] for one in alarms}) <= MOST_FALSE_ALARMS


def alerts_in(log: str) -> list[dict[str, Any]]:
    lines = [line for line in log.splitlines() if line.startswith('{"time"')]
    return [found for found in map(json.loads, lines) if "alert" in found]
