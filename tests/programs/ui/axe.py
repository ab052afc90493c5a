"""axe-core, which finds what people without sight, hands or colours cannot use: ``python tests/programs/ui/axe.py`` fetches it.

It is of the npm registry, by its ordinary client, and kept below ``~/.cache/leadline``.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

AXE = "4.14.1"
MAX_FETCH_S = 300


class MissingError(Exception):
    """It is not there, and cannot be fetched."""


def script() -> Path:
    """The kept file, fetched where it is not there yet. Raises: ``MissingError``."""
    kept = Path.home() / ".cache" / "leadline" / f"axe-core-{AXE}" / "axe.min.js"
    if kept.is_file():
        return kept
    if shutil.which("npm") is None:
        raise MissingError("axe-core is not kept and npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "npm",
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            f"--prefix={folder}",
            f"axe-core@{AXE}",
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=MAX_FETCH_S, check=False)
        if run.returncode:
            raise MissingError(f"npm install failed: {run.stderr.strip()[-300:]}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(folder, "node_modules", "axe-core", "axe.min.js"), kept)
    return kept


if __name__ == "__main__":
    try:
        print(script())
    except MissingError as error:
        sys.exit(str(error))
