import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WITHOUT = """
import sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
sys.platform = "darwin"
"""
"""Python on Windows has none of these modules; none but Linux is asked for what only Linux has."""
SCAN = """
from leadline.programs.cli.main import main
sys.exit(main(["scan", "examples/shop", "-q"]))
"""
EXPLAIN = """
from leadline.programs.cli.main import main
sys.exit(main(["explain", "C-0057"]))
"""
EDITOR = """
import leadline.programs.lsp.server
from leadline.scans.options import PostureOptions
from leadline.scans.workspace.fixes import fix_all
from leadline.scans.workspace.workspace import Asked, Workspace
space = Workspace(sys.argv[1] + "/examples/shop", Asked(PostureOptions()))
file = sys.argv[1] + "/examples/shop/web.yaml"
space.show(file, open(file).read())
assert len(space.judged(file).problems) > 5
assert fix_all(space, file) is not None
"""


@pytest.mark.parametrize("program", [SCAN, EXPLAIN, EDITOR], ids=["scan", "explain", "lsp"])
def test_files_are_judged_where_there_is_no_linux(program: str):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + program, str(ROOT)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
