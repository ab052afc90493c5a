"""How soon the operator stores what changed, and what it takes: ``python bench/operator_delay.py [DEPLOYMENTS] [CHANGES]``.

Starts a real API server with our server of results behind it, as the tests do, and the operator as a process with its
own rights. Prints the time from the API server's answer to a change until a watch of the stored results shows it; CPU
seconds and memory of the operator; and what a restart writes.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("cluster", "programs/apiserver", "programs/operator")]

from extension import Extension  # noqa: E402
from operator_process import OperatorProcess, prepare, versions  # noqa: E402
from workloads import deployment, network_policy  # noqa: E402

from leadline.api.carriers.remote import RemoteStore  # noqa: E402
from leadline.api.selection import Selection  # noqa: E402
from leadline.sources.cluster.connection import async_client  # noqa: E402

SCANS = "workloadconfigurationscans"
SPACES = 20
PAGE = 200


def workload(namespace: str, name: str) -> dict[str, Any]:
    env = [{"name": f"E{n}", "value": str(n)} for n in range(10)]
    return deployment(namespace, name, f"registry.example/{name}:1", replicas=0, env=env)


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and resident MiB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    status = Path(f"/proc/{pid}/status").read_text()
    return seconds, int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def delays(cluster: Extension, changes: int, spaces: list[str]) -> tuple[list[float], float]:
    """Seconds until each changed object is stored; and until all pods of a namespace that a policy selects are."""
    store = RemoteStore(async_client("", cluster.admin(), environ=os.environ))
    http = async_client("", cluster.admin(), environ=os.environ)
    seen: dict[tuple[str, str], float] = {}
    since = (await store.list(Selection(SCANS, with_body=False), _page())).revision

    async def watch() -> None:
        async for found in store.watch(Selection(SCANS, with_body=False), since):
            for event in found.events:
                seen[event.entry.key.namespace, event.entry.key.name] = time.monotonic()

    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(1)
    took = []
    for number in range(changes):
        space, name = spaces[number % len(spaces)], "web-0"
        path = f"/apis/apps/v1/namespaces/{space}/deployments/{name}"
        patch = {
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": f"other:{number}"}]}}}
        }
        patch["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {
            "privileged": number // SPACES % 2 == 0
        }
        answer = await http.patch(
            path,
            content=json.dumps(patch),
            headers={"Content-Type": "application/strategic-merge-patch+json"},
        )
        answer.raise_for_status()
        began = time.monotonic()
        key = (space, f"deployment-{name}")
        while seen.get(key, 0) < began:
            if time.monotonic() - began > 10:
                break
            await asyncio.sleep(0.005)
        took.append(time.monotonic() - began)
    space = spaces[-1]
    wanted = {one for one in versions(cluster) if one.startswith(f"{space}/deployment-")}
    answer = await http.post(
        f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies", json=network_policy(space)
    )
    answer.raise_for_status()
    began = time.monotonic()
    while any(seen.get(tuple(one.split("/", 1)), 0) < began for one in wanted):  # type: ignore[call-overload]
        if time.monotonic() - began > 60:
            break
        await asyncio.sleep(0.005)
    joined = time.monotonic() - began
    watching.cancel()
    await store.close()
    await http.aclose()
    return took, joined


def _page() -> Any:
    from leadline.api.protocol import Paging

    return Paging(limit=1)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("deployments", type=int, nargs="?", default=1000)
    arguments.add_argument("changes", type=int, nargs="?", default=40)
    asked = arguments.parse_args()
    cluster = Extension()
    try:
        cluster.start()
        prepare(cluster)
        spaces = [cluster.namespace(f"space-{n}") for n in range(SPACES)]
        made = [workload(spaces[n % SPACES], f"web-{n // SPACES}") for n in range(asked.deployments)]
        for start in range(0, len(made), PAGE):
            cluster.apply(*made[start : start + PAGE])
        run(cluster, asked.changes, spaces)
    finally:
        cluster.stop()


def run(cluster: Extension, changes: int, spaces: list[str]) -> None:
    began = time.monotonic()
    first = OperatorProcess(cluster, "first")
    first.until(first.is_following, 600)
    cpu, rss = usage(first.child.pid)
    print(f"all stored after {time.monotonic() - began:.1f} s, {cpu:.1f} s of CPU, {rss:.0f} MiB")
    took, joined = asyncio.run(delays(cluster, changes, spaces))
    took.sort()
    print(
        f"{len(took)} changes: stored after {statistics.median(took):.2f} s in the middle, "
        f"{took[int(len(took) * 0.95)]:.2f} s for 95 of 100, {took[-1]:.2f} s at most"
    )
    print(f"a policy over all of a namespace: all of it stored after {joined:.2f} s")
    after, rss = usage(first.child.pid)
    print(f"CPU for these: {after - cpu:.1f} s, {rss:.0f} MiB")
    before = versions(cluster)
    began = time.monotonic()
    print(f"ends with {first.end()} after {time.monotonic() - began:.2f} s")
    second = OperatorProcess(cluster, "second")
    second.until(second.is_following, 600)
    cpu, rss = usage(second.child.pid)
    now = versions(cluster)
    same = sum(now.get(key) == version for key, version in before.items())
    print(f"a restart: {cpu:.1f} s of CPU, {rss:.0f} MiB; {same} of {len(before)} results as they were")
    print(second.log[-600:])
    second.end()


if __name__ == "__main__":
    main()
