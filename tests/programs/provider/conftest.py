from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.programs.provider.provider_parts import Provider


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    made = Provider(tmp_path / "provider")
    yield made
    made.close()
