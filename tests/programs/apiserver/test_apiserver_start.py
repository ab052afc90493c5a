"""How the server starts, and what it says where it cannot."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from leadline.programs.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "apiserver", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": "src", "PATH": ""},
    )


def test_it_is_a_command_of_leadline():
    ended = run("--help")
    assert ended.returncode == 0
    assert "--database" in ended.stdout


def test_a_flag_that_is_missing_is_named():
    ended = run()
    assert ended.returncode == 2
    assert "--database" in ended.stderr


def test_files_that_are_missing_are_named(tmp_path: Path):
    ended = run(
        f"--database={tmp_path / 'r.db'}", "--certificate=none.crt", "--key=none.key", "--kube-ca=none.pem"
    )
    assert ended.returncode == 3
    assert "none.pem" in ended.stderr or "No such file" in ended.stderr
    assert "Traceback" not in ended.stderr
