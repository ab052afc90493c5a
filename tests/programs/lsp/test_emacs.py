import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_neovim import POD, ROOT

EGLOT = next(Path("/usr/share/emacs/site-lisp/elpa-src").glob("eglot-*"), None)


@pytest.mark.skipif(
    shutil.which("emacs") is None or EGLOT is None, reason="Emacs with Eglot is not installed"
)
def test_findings_a_page_and_a_fix_in_emacs(tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT / "src"),
        "PLUGIN": str(ROOT / "integrations/editors/emacs/leadline.el"),
        "FILE": str(file),
        "HOME": str(tmp_path),
    }
    script = Path(__file__).with_name("emacs.el")
    done = subprocess.run(
        ["emacs", "-q", "--batch", "-l", str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("SAID ")), "")
    assert line, done.stderr[-3000:]
    said = json.loads(line[5:])
    assert any("token mounted" in one for one in said["before"])
    assert "Service account token mounted by default" in said["hover"]
    assert said["action"].endswith("to false")
    assert not any("token mounted" in one for one in said["after"])
    assert "automountServiceAccountToken: false" in file.read_text()
