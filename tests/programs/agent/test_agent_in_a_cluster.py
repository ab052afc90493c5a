"""The agent on a node whose kubelet runs pods: each event is of a named container, pod and workload."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from kernel_access import needs_kernel
from whole_cluster import IMAGE, NODE, WholeCluster

pytestmark = [pytest.mark.cluster, pytest.mark.kernel, pytest.mark.slow, needs_kernel]
PORT = 18_431
SCRIPT = "read line < /etc/hostname; exec /bin/sleep 86400"


def deployment(space: str) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", SCRIPT]}
    labels = {"app": "web"}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": space},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }


def events_in(out: Path) -> list[dict[str, Any]]:
    """Of its whole lines: the agent may be writing the last one."""
    lines = out.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def pods_that_opened(out: Path, space: str) -> set[str]:
    opened = [one["container"] for one in events_in(out) if one.get("path") == "/etc/hostname"]
    return {one["pod"] for one in opened if one.get("namespace") == space}


def test_events_of_pods_are_named_by_container_pod_and_workload(whole_cluster: WholeCluster, tmp_path: Path):
    space = whole_cluster.namespace("watched")
    environment = {**os.environ, "KUBECONFIG": str(whole_cluster.admin())}
    command = [
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "agent",
        "--json",
        "--cri",
        whole_cluster.socket,
    ]
    command += ["--node", NODE, "--port", str(PORT), "--profiles", str(tmp_path / "profiles")]
    with (
        (tmp_path / "out").open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=environment) as agent,
    ):
        try:
            assert agent.stderr is not None
            for line in agent.stderr:
                if "watching" in line:
                    break
            whole_cluster.apply(deployment(space))
            whole_cluster.kubectl("rollout", "status", "-n", space, "deployment/web", "--timeout=120s")
            whole_cluster.until(lambda: len(pods_that_opened(tmp_path / "out", space)) == 2, 60.0)
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
                metrics = answer.read().decode()
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait(timeout=60)
    events = events_in(tmp_path / "out")
    mine = [one for one in events if one["container"].get("namespace") == space]
    opened = [one["container"] for one in mine if one.get("path") == "/etc/hostname"]
    assert len(opened) == 2
    assert {(one["name"], one["workloadKind"], one["workload"], one["image"]) for one in opened} == {
        ("main", "Deployment", "web", IMAGE)
    }
    assert all("pod" in one["container"] for one in mine)
    assert 'leadline_agent_events_total{kind="executed"}' in metrics
    assert "leadline_agent_runtime_failures_total 0" in metrics
    profiles = [json.loads(line) for line in (tmp_path / "profiles").read_text().splitlines()]
    learned = [
        one
        for one in profiles
        if one["container"].get("name") == "main" and one["container"].get("namespace") == space
    ]
    assert [one["completion"] for one in learned] == ["complete", "complete"]
    assert learned[0]["executed"] == learned[1]["executed"]
