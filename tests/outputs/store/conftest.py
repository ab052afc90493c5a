from pathlib import Path

import pytest
from store_carriers import CARRIERS, Carrier


@pytest.fixture(params=list(CARRIERS))
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    return Carrier(request.param, tmp_path)
