"""A cluster into which our own image is loaded, for all tests of this folder, and the chart installed into it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from binaries import MissingError
from installation import Installation
from leadline_image import REPOSITORY, image_archive
from service_cluster import ServiceCluster


@pytest.fixture(scope="session")
def archive() -> Path:
    return image_archive()


@pytest.fixture(scope="session")
def services(archive: Path) -> Iterator[ServiceCluster]:
    try:
        cluster = ServiceCluster()
    except MissingError as error:
        if os.environ.get("LEADLINE_REQUIRE_CLUSTER"):
            pytest.fail(f"no real Kubernetes: {error}")
        pytest.skip(f"no real Kubernetes: {error}")
    try:
        cluster.start()
        cluster.load(archive, REPOSITORY)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def install(services: ServiceCluster) -> Iterator[Callable[..., Installation]]:
    """Installs the chart with these values, into a namespace of its own; one at a time, uninstalled at the end."""
    made: list[Installation] = []

    def once(*values: str) -> Installation:
        installation = Installation(services, f"leadline-{len(made)}")
        made.append(installation)
        installation.install(*values)
        return installation

    yield once
    for installation in made:
        installation.clear()
