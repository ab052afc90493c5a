"""Facts of nodes in a real cluster: objects that a scan judges."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from control_plane import ControlPlane

from leadline.programs.serving.kube import Kube
from leadline.scans.host.reporting import NodeRead, Reporter, read_node
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.sources.cluster.connection import async_client

pytestmark = pytest.mark.slow
TOP = Path(__file__).parents[2]
DEFINITIONS = sorted((TOP / "deploy" / "crds").glob("*s.yaml"))


def node_tree(root: Path) -> Path:
    """As kubeadm makes it, as far as its kubelet goes."""
    config = root / "var/lib/kubelet/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("readOnlyPort: 10255\n")
    config.chmod(0o644)
    command = root / "proc/7/cmdline"
    command.parent.mkdir(parents=True)
    command.write_text("\0".join(("kubelet", "--config=/var/lib/kubelet/config.yaml")))
    return root


def test_facts_are_written_once_until_they_change_and_a_scan_of_the_cluster_judges_them(
    api_server: ControlPlane, tmp_path: Path
) -> None:
    definitions = [yaml.safe_load(path.read_text()) for path in DEFINITIONS]
    of_nodes = [d for d in definitions if d["spec"]["group"] == "hostdata.kubescape.cloud"]
    assert len(of_nodes) == 8
    api_server.apply(*of_nodes, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-7"}})
    api_server.kubectl(
        "wait", "--for=condition=Established", "crd", *(d["metadata"]["name"] for d in of_nodes)
    )
    node_tree(tmp_path)
    written = asyncio.run(report_twice(api_server, tmp_path))
    assert written[1:] == [0, 1, written[0] + 1, 0]
    assert api_server.kubectl("get", "osreleasefiles", "-o", "name") == ""
    there = json.loads(api_server.kubectl("get", "kubeletinfo", "worker-7", "-o", "json"))
    assert there["metadata"]["ownerReferences"][0]["kind"] == "Node"
    report = posture_scan([], PostureOptions(kubeconfig=api_server.admin(), controls=("C-0170", "C-0175")))
    failed = {(f.control, f.resource.rpartition("/")[2]) for f in report.findings}
    assert failed == {("C-0170", "worker-7"), ("C-0175", "worker-7")}
    api_server.kubectl("delete", "kubeletinfo", "worker-7")


async def report_twice(api_server: ControlPlane, root: Path) -> list[int]:
    kube = Kube(async_client(kubeconfig=api_server.admin(), environ={}))
    try:
        owner = await kube.get("/api/v1/nodes/worker-7")
        reporter, what = Reporter(kube, "worker-7", 3600), NodeRead(str(root), "worker-7")
        counts = []
        release = root / "etc/os-release"
        for now_s in (0.0, 10.0, 20.0, 4000.0, 4010.0):
            if now_s == 20.0:
                release.parent.mkdir()
                release.write_text("ID=debian\n")
            if now_s == 4010.0:
                release.unlink()
            bodies = read_node(what, "v1.36.3")
            counts.append(await reporter.report(bodies, owner, at="2026-01-01T00:00:00Z", now_s=now_s))
        return counts
    finally:
        await kube.close()
