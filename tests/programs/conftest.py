import os
from collections.abc import Iterator

import pytest
from binaries import MissingError
from extension import Extension


@pytest.fixture(scope="session")
def extension() -> Iterator[Extension]:
    """A Kubernetes with our server in it, for the whole session."""
    yield from _running()


@pytest.fixture(scope="module")
def private_extension() -> Iterator[Extension]:
    """One that the tests of a module may stop; each leaves it running."""
    yield from _running()


def _running() -> Iterator[Extension]:
    try:
        cluster = Extension()
    except MissingError as error:
        if os.environ.get("LEADLINE_REQUIRE_CLUSTER"):
            pytest.fail(f"no real Kubernetes: {error}")
        pytest.skip(f"no real Kubernetes: {error}")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
