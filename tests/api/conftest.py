from collections.abc import Iterator
from pathlib import Path

import pytest
from store_carriers import CARRIERS, SERVER, Carrier


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[None]:
    try:
        SERVER.start()
        yield
    finally:
        SERVER.stop()


@pytest.fixture(params=list(CARRIERS))
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    if request.param == "postgres":
        request.getfixturevalue("postgres_server")
    return Carrier(request.param, tmp_path)


@pytest.fixture(params=[name for name in CARRIERS if name != "remote"])
def atomic_carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    """One whose batches are transactions, and that keeps objects byte by byte."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_server")
    return Carrier(request.param, tmp_path)
