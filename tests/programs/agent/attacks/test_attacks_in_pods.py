"""The same attacks in containers of containerd and in pods of a cluster of one node, whose API server is the real one."""

import os
from collections.abc import Iterator
from pathlib import Path

import attacked_image
import pytest
from attack_listeners import Outside
from kernel_access import needs_kernel
from places import Containerd, Mounts, Place, Pods
from stories import all_steps
from watching import Watched, agent, attack, listen, not_as_it_must_be
from whole_cluster import NODE, WholeCluster

pytestmark = [
    pytest.mark.nightly("attacks"),
    pytest.mark.cluster,
    pytest.mark.kernel,
    pytest.mark.slow,
    needs_kernel,
]
LEARNING_HOURS = 0.005


@pytest.fixture
def prepared(whole_cluster: WholeCluster, tmp_path: Path) -> Iterator[tuple[Outside, Mounts, bytes]]:
    programs = attacked_image.compiled(tmp_path)
    layer = attacked_image.image_layer(programs)
    outside = Outside(tmp_path, programs["tool"], api_port=whole_cluster.port)
    yield outside, Mounts(tmp_path, outside.docker, layer), layer
    outside.close()


def attacked(
    place: Place, outside: Outside, cluster: WholeCluster, folder: Path, *, learning_hours: float = 24.0
) -> list[Watched]:
    environment = {**os.environ, "KUBECONFIG": str(cluster.admin())}
    flags = ("--cri", cluster.socket, "--node", NODE, f"--learning-hours={learning_hours}")
    with agent(folder / "out", *flags, environment=environment) as watcher:
        pids = place.start(all_steps())
        listen(outside, pids, all_steps())
        if learning_hours < 1:
            watcher.wait_for("begin with main", len(pids))
        return attack(place, pids, watcher, all_steps())


def test_every_step_is_seen_in_containers_of_containerd(
    whole_cluster: WholeCluster, prepared: tuple[Outside, Mounts, bytes], tmp_path: Path
):
    outside, mounts, layer = prepared
    place = Containerd(whole_cluster, mounts, layer, tmp_path)
    try:
        assert not_as_it_must_be(attacked(place, outside, whole_cluster, tmp_path)) == []
    finally:
        place.close()


def test_every_step_is_seen_in_pods(
    whole_cluster: WholeCluster, prepared: tuple[Outside, Mounts, bytes], tmp_path: Path
):
    outside, mounts, layer = prepared
    place = Pods(whole_cluster, mounts, layer, tmp_path)
    watched = attacked(place, outside, whole_cluster, tmp_path, learning_hours=LEARNING_HOURS)
    assert not_as_it_must_be(watched, is_learned=True) == []
