"""A cluster into which our own image is loaded, for all tests of this folder, and the chart installed into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from installation import Installation
from leadline_image import REPOSITORY, image_archive
from outside import Outside, published_database
from running import running
from service_cluster import ServiceCluster


@pytest.fixture(scope="session")
def archive() -> Path:
    return image_archive()


@pytest.fixture(scope="session")
def services(archive: Path) -> Iterator[ServiceCluster]:
    with running(ServiceCluster) as cluster:
        cluster.load(archive, REPOSITORY)
        yield cluster


@pytest.fixture
def install(services: ServiceCluster) -> Iterator[Callable[..., Installation]]:
    """Installs the chart with these values, into a namespace of its own; one at a time, uninstalled at the end."""
    made: list[Installation] = []

    def once(*values: str, level: str = "restricted") -> Installation:
        installation = Installation(services, f"leadline-{len(made)}", level)
        made.append(installation)
        installation.install(*values)
        return installation

    yield once
    for installation in made:
        installation.clear()


@pytest.fixture(scope="module")
def outside(services: ServiceCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    found = Outside(tmp_path_factory.mktemp("registry"), services.gateway)
    services.trust_registry(found.registry.host)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def installed(
    services: ServiceCluster, tmp_path_factory: pytest.TempPathFactory, outside: Outside
) -> Iterator[Installation]:
    """The chart with all programs, a vulnerability database, and a registry; for one module."""
    folder = tmp_path_factory.mktemp("database")
    with published_database(folder, services.gateway) as (address, key):
        values = folder / "values.yaml"
        values.write_text(
            yaml.safe_dump(
                {
                    "persistence": {"enabled": False},
                    "vulnerabilityDatabase": {"address": address, "publicKey": key},
                    "operator": {"settings": {"images": {"acceptAnyCertificate": True, "gapS": 0}}},
                }
            )
        )
        installation = Installation(services, "leadline")
        try:
            installation.install(file=values)
            yield installation
        finally:
            installation.clear()


@pytest.fixture
def installation(services: ServiceCluster) -> Iterator[Installation]:
    """Not installed yet, beside a namespace ``shop``."""
    installation = Installation(services, "leadline")
    try:
        services.namespace("shop")
        yield installation
    finally:
        services.kubectl("delete", "namespace", "shop", "--timeout=120s", check=False)
        installation.clear()


@pytest.fixture
def shop(services: ServiceCluster) -> Iterator[str]:
    yield services.namespace("shop")
    services.kubectl("delete", "namespace", "shop", "--timeout=90s")
