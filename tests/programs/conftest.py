from collections.abc import Iterator

import pytest
from extension import Extension
from running import running
from whole_extension import WholeExtension


@pytest.fixture(scope="session")
def extension() -> Iterator[Extension]:
    """A Kubernetes with our server in it, for the whole session."""
    with running(Extension) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def private_extension() -> Iterator[Extension]:
    """One that the tests of a module may stop; each leaves it running."""
    with running(Extension) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def whole_extension() -> Iterator[WholeExtension]:
    """One with a node whose pods really run, for the whole session; each test takes a namespace of its own."""
    with running(WholeExtension) as cluster:
        yield cluster
