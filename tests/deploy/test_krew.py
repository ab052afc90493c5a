"""What krew installs as ``kubectl leadline``: an archive, and the manifest that names it."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("krew")
    words = [
        sys.executable,
        str(ROOT / "deploy/krew.py"),
        "1.2.0",
        "https://files.example/1.2.0/",
        str(folder),
    ]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return folder


def test_the_manifest_names_the_archive_by_its_checksum(written: Path) -> None:
    manifest = yaml.safe_load((written / "leadline-1.2.0-krew.yaml").read_text())
    assert (manifest["kind"], manifest["metadata"], manifest["spec"]["version"]) == (
        "Plugin",
        {"name": "leadline"},
        "v1.2.0",
    )
    (platform,) = manifest["spec"]["platforms"]
    archive = (written / "leadline-1.2.0-krew.tar.gz").read_bytes()
    assert platform["uri"] == "https://files.example/1.2.0/leadline-1.2.0-krew.tar.gz"
    assert platform["sha256"] == hashlib.sha256(archive).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        held = {one.name: one.mode for one in files}
    assert held == {
        one["from"]: 0o755 if one["from"] == platform["bin"] else 0o644 for one in platform["files"]
    }


def test_the_plugin_runs_the_program_or_says_how_it_is_installed(written: Path, tmp_path: Path) -> None:
    with tarfile.open(written / "leadline-1.2.0-krew.tar.gz") as files:
        files.extractall(tmp_path, filter="data")
    bin = tmp_path / "bin"
    bin.mkdir()
    words = ["/bin/sh", str(tmp_path / "kubectl-leadline"), "scan", "a b"]
    done = subprocess.run(words, env={"PATH": str(bin)}, capture_output=True, text=True, check=False)
    assert (done.returncode, "uv tool install" in done.stderr) == (2, True)
    (bin / "leadline").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 1\n')
    (bin / "leadline").chmod(0o755)
    done = subprocess.run(words, env={"PATH": str(bin)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "scan\na b\n")
    assert os.access(tmp_path / "kubectl-leadline", os.X_OK)
