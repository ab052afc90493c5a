from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.programs.provider.provider_parts import Provider

from api.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def provider_database() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def provider(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Provider]:
    """On the engine that a file says, or on each of them."""
    database = ""
    if engine == "postgres":
        database = request.getfixturevalue("provider_database").owned()
    made = Provider(tmp_path / "provider", database=database)
    yield made
    made.close()
