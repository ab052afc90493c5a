"""What the agent records goes to the store of a real cluster, and becomes a suggestion that a person approves there."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from kernel_access import needs_kernel
from whole_cluster import IMAGE, NODE, WholeCluster

from leadline.api.carriers.remote import RemoteStore
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.target import read_target
from leadline.scans.suggesting.keeping import Kept, keep_behaviour
from leadline.sources.cluster.connection import async_client

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.kernel,
    pytest.mark.slow,
    pytest.mark.nightly("behaviour"),
    needs_kernel,
]
SCRIPT = "echo one > /var/one; exec /bin/sleep 86400"


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


def kept(cluster: WholeCluster) -> Kept:
    """One round of the operator, as the administrator."""
    options = PostureOptions(kubeconfig=cluster.admin(), environ=os.environ)
    target = read_target((), options)

    async def keep() -> Kept:
        store = RemoteStore(async_client("", cluster.admin(), environ=os.environ))
        try:
            return await keep_behaviour(store, target)
        finally:
            await store.close()

    return asyncio.run(keep())


def test_profiles_are_stored_and_a_person_approves_what_follows(whole_cluster: WholeCluster):
    space = whole_cluster.namespace("learned")

    def objects(kind: str, *more: str) -> Any:
        return json.loads(whole_cluster.kubectl("get", kind, "-n", space, *more, "-o", "json"))

    environment = {**os.environ, "KUBECONFIG": str(whole_cluster.admin())}
    command = [sys.executable, "-m", "leadline.programs.cli.main", "agent", "--cri", whole_cluster.socket]
    command += ["--node", NODE, "--store", "kube", "--learning-hours", "0.002"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as agent:
        try:
            assert agent.stderr is not None
            for line in agent.stderr:
                if "watching" in line:
                    break
            whole_cluster.apply(deployment(space))
            whole_cluster.kubectl("rollout", "status", "-n", space, "deployment/web", "--timeout=120s")
            # Once a minute: by then it knows whose containers these are.
            whole_cluster.until(lambda: bool(objects("containerprofiles")["items"]), 180)
        finally:
            # At its end it stores what it has.
            agent.send_signal(signal.SIGTERM)
            agent.wait(timeout=90)

    (listed,) = objects("containerprofiles")["items"]
    one = objects("containerprofiles", listed["metadata"]["name"])
    assert one["metadata"]["annotations"]["kubescape.io/completion"] == "complete"
    record = one["spec"]["recorded"]
    assert len(record["whole"]) == 2
    assert {"/bin/busybox"} <= set(record["profile"]["loaded"])

    result = kept(whole_cluster)
    assert result.problems == ()
    assert len(objects("applicationprofiles")["items"]) == len(objects("networkneighborhoods")["items"]) == 1
    suggestion = objects("suggestions", "deployment-web")
    assert suggestion["status"]["state"] == "rehearsed"
    digest = suggestion["spec"]["digest"]
    patch = json.dumps({"spec": {"approve": digest}})
    approve = ("patch", "suggestion", "deployment-web", "-n", space, "--type=merge", "-p", patch)
    refused = whole_cluster.kubectl(
        *approve, "--as=system:serviceaccount:kube-system:x", "--as-group=system:masters", check=False
    )
    assert refused == ""
    whole_cluster.kubectl(*approve, "--as=ann@example.com", "--as-group=system:masters")
    assert objects("suggestions", "deployment-web")["status"]["approval"]["by"] == "ann@example.com"
    assert kept(whole_cluster).problems == ()
    assert objects("suggestions", "deployment-web")["status"]["state"] == "approved"
