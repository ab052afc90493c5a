"""The pods of a node as a server tells them, one watch after another."""

import asyncio
from pathlib import Path

import pytest

from leadline.errors import ClusterError
from leadline.scans.observing.naming import PodNames, Pods
from leadline.scans.observing.node_pods import NodePods
from list_server import Fault, Row
from watch_server import WatchServer, event

PODS = Row("", "v1", "Pod", "pods")


def pod(name: str) -> dict[str, object]:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-of-{name}"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}


def followed(folder: Path, *sent: bytes, fault: Fault | None = None) -> Pods:
    """What one watch that sends this gives."""
    found: dict[str, PodNames] = {}

    async def follow(url: str) -> None:
        config = folder / "config"
        cluster = f"clusters: [{{name: c, cluster: {{server: '{url}'}}}}]"
        config.write_text(
            f"{cluster}\ncontexts: [{{name: c, context: {{cluster: c}}}}]\ncurrent-context: c\n"
        )
        pods = NodePods("node1", {"KUBECONFIG": str(config)})
        try:
            await pods.follow(found.update)
        finally:
            await pods.close()

    with WatchServer((PODS,)) as server:
        server.watches["pods"] = [fault or sent]
        asyncio.run(follow(server.url))
        assert server.watched == [("pods", "0")]
    return found


def test_every_pod_that_is_there_or_comes_is_given(tmp_path: Path):
    found = followed(
        tmp_path, event("ADDED", pod("one")), event("ADDED", pod("two")), event("DELETED", pod("two"))
    )
    assert {uid: names.name for uid, names in found.items()} == {"uid-of-one": "one", "uid-of-two": "two"}
    assert found["uid-of-one"].images == {"main": "web:1"}


@pytest.mark.parametrize("line", [b"{}\n", b"[]\n", b"no json\n", b'{"type": "ADDED", "object": 7}\n'])
def test_an_answer_that_is_no_event_is_an_error_of_the_cluster(tmp_path: Path, line: bytes):
    with pytest.raises(ClusterError, match="the pods of this node cannot be watched"):
        followed(tmp_path, line)


def test_an_error_of_the_server_is_told(tmp_path: Path):
    with pytest.raises(ClusterError, match="etcd is gone"):
        followed(tmp_path, event("ERROR", {"message": "etcd is gone"}))


def test_a_refusal_is_told(tmp_path: Path):
    with pytest.raises(ClusterError, match="HTTP 403"):
        followed(tmp_path, fault=Fault(403))


def test_a_line_without_end_is_refused(tmp_path: Path):
    with pytest.raises(ClusterError, match="too large an answer"):
        followed(tmp_path, b"x" * (9 << 20))
