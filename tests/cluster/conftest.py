"""Real API servers for tests."""

from collections.abc import Iterator

import pytest
from control_plane import ControlPlane
from running import running
from whole_cluster import WholeCluster


@pytest.fixture(scope="session")
def api_server() -> Iterator[ControlPlane]:
    """etcd and kube-apiserver, for the whole session; each test takes a namespace of its own."""
    with running(ControlPlane) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def private_api_server() -> Iterator[ControlPlane]:
    """One that a module may stop and slow."""
    with running(ControlPlane) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[WholeCluster]:
    """A node and all controllers; tests that use it are marked ``cluster``."""
    with running(WholeCluster) as cluster:
        yield cluster
