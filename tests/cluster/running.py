"""Clusters and programs for tests that need them. Where one cannot be had, its tests are skipped by name.

``LEADLINE_REQUIRE_CLUSTER=1`` turns such a skip into a failure.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from binaries import MissingError
from control_plane import ControlPlane

T = TypeVar("T")
Cluster = TypeVar("Cluster", bound=ControlPlane)


def required(make: Callable[[], T]) -> T:
    """What ``make`` gives; a skip or a failure where a program is missing."""
    try:
        return make()
    except MissingError as error:
        if os.environ.get("LEADLINE_REQUIRE_CLUSTER"):
            pytest.fail(f"no real Kubernetes: {error}")
        pytest.skip(f"no real Kubernetes: {error}")


@contextmanager
def running(kind: Callable[[], Cluster]) -> Iterator[Cluster]:
    """A cluster for a fixture, stopped at the end."""
    cluster = required(kind)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
