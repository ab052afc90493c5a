from collections.abc import Iterator

import pytest
from extension import Extension
from running import running


@pytest.fixture(scope="module")
def private_extension() -> Iterator[Extension]:
    """One that the tests of a module may stop; each leaves it running."""
    with running(Extension) as cluster:
        yield cluster
