import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shell, namespace: shop}
spec:
  containers: # 😀
  - {name: shell, image: busybox}
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_findings_a_page_and_a_fix_in_neovim(tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT / "src"),
        "PLUGIN": str(ROOT / "integrations/editors/neovim/leadline.lua"),
        "FILE": str(file),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    script = Path(__file__).with_name("neovim.lua")
    done = subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-S", str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("SAID "))[5:])
    assert "C-0034" in ",".join(said["before"])
    assert "Service account token mounted by default" in said["hover"]
    assert said["action"].endswith("to false")
    assert "C-0034" not in ",".join(said["after"])
    assert "automountServiceAccountToken: false" in file.read_text()
