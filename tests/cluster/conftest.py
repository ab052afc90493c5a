"""A real API server that a module may break."""

from collections.abc import Iterator

import pytest
from control_plane import ControlPlane
from running import running


@pytest.fixture(scope="module")
def private_api_server() -> Iterator[ControlPlane]:
    """One that a module may stop and slow."""
    with running(ControlPlane) as cluster:
        yield cluster
