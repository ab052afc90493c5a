"""Real API servers for tests. Where one cannot be had, its tests are skipped by name.

``LEADLINE_REQUIRE_CLUSTER=1`` turns such a skip into a failure.
"""

import os
from collections.abc import Iterator

import pytest
from binaries import MissingError
from control_plane import ControlPlane
from whole_cluster import WholeCluster


def _running(kind: type[ControlPlane]) -> Iterator[ControlPlane]:
    try:
        plane = kind()
    except MissingError as error:
        if os.environ.get("LEADLINE_REQUIRE_CLUSTER"):
            pytest.fail(f"no real Kubernetes: {error}")
        pytest.skip(f"no real Kubernetes: {error}")
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def api_server() -> Iterator[ControlPlane]:
    """etcd and kube-apiserver, for the whole session; each test takes a namespace of its own."""
    yield from _running(ControlPlane)


@pytest.fixture(scope="module")
def private_api_server() -> Iterator[ControlPlane]:
    """One that a module may stop and slow."""
    yield from _running(ControlPlane)


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[ControlPlane]:
    """A node and all controllers; tests that use it are marked ``cluster``."""
    yield from _running(WholeCluster)
