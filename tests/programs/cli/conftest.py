import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

SAID_ELSEWHERE = (
    "COLUMNS",
    "DOCKER_CONFIG",
    "LEADLINE_DB",
    "REGISTRY_AUTH_FILE",
    "SOURCE_DATE_EPOCH",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
)


@pytest.fixture
def own_image_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder, a memory and a home that nothing else has a say in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in SAID_ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    yield
    gc.enable()


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line; returns its exit code and what it told on either stream."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        out, err = capfd.readouterr()
        return code, out, err

    return run
