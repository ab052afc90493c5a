"""The image that the tests install: built once for each state of the sources, over Debian's packages, and kept."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "localhost/leadline"
KEPT = 3
"""Of the newest archives; 35 MB each."""
MAX_BUILD_S = 1200


FOLDER = Path.home() / ".cache" / "leadline" / "images"


def signing_key() -> Path:
    """The private key that archives are signed with; kept along with them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / "key.pem"
    if not kept.exists():
        unfinished = FOLDER / f"key.{os.getpid()}"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", unfinished], check=True)
        unfinished.rename(kept)
    return kept


def image_archive() -> Path:
    """The OCI archive of ``localhost/leadline:test``. Raises: ``RuntimeError`` where it cannot be built."""
    key = signing_key()
    folder = FOLDER
    kept = folder / f"{_state(key)}.tar"
    if not kept.exists():
        unfinished = folder / f"{kept.stem}.{os.getpid()}"
        build(unfinished, f"--key={key}")
        unfinished.rename(kept)
    kept.touch()
    for old in sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
    return kept


def build(out: Path, *flags: str) -> str:
    """The digest of the image. Raises: ``RuntimeError``."""
    command = [sys.executable, str(ROOT / "deploy/images/build.py"), str(out), "--base=debian"]
    run = subprocess.run(
        [*command, f"--reference={REPOSITORY}:test", *flags],
        capture_output=True,
        text=True,
        timeout=MAX_BUILD_S,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"the image was not built: {run.stderr[-3000:]}")
    return run.stdout.strip()


def _state(key: Path) -> str:
    digest = hashlib.sha256(key.read_bytes())
    # The README and the licence are in the metadata of the wheel.
    for top in ("src", "deploy/images", "requirements-image.lock", "pyproject.toml", "README.md", "LICENSE"):
        path = ROOT / top
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:20]
