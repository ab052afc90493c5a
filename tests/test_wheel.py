"""The wheel, installed alone into an empty environment, works far from the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n  containers: [{name: a, image: a}]\n"
NIGHTLY = pytest.mark.nightly("versions")
VERSIONS = ("3.11", pytest.param("3.12", marks=NIGHTLY), pytest.param("3.13", marks=NIGHTLY))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (found,) = folder.glob("leadline-*.whl")
    return found


def interpreter(version: str) -> str | None:
    """A Python of this version that starts; on the PATH, or among those of a version manager."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for candidate in (shutil.which(f"python{version}"), *map(str, kept)):
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    return None


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_works_in_an_empty_environment(wheel, version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no python{version} on this machine")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    home = tmp_path / "home"
    subprocess.run([python, "-m", "venv", str(home)], check=True, env=environment)
    subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", str(wheel)], check=True, env=environment)
    (tmp_path / "pod.yaml").write_text(POD)
    ran = subprocess.run(
        [str(home / "bin" / "leadline"), "scan", "control", "C-0038", "pod.yaml", "--format", "lines"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "1 edit for 1 finding: 1 high\n")
    assert (
        ran.stdout
        == "pod.yaml:5:3: high C-0038 Shares the node's processes or IPC [Pod/a] remove spec.hostPID\n"
    )
    pages = subprocess.run(
        [str(home / "bin" / "leadline"), "list", "frameworks"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "NSA" in pages.stdout
