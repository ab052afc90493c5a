"""How the server starts, and what it says where it cannot."""

import subprocess
import sys
from pathlib import Path

from certificates import Authority

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


def test_a_file_that_is_missing_or_makes_no_sense_is_named(tmp_path: Path):
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.issue("server", "server", hosts=("127.0.0.1",))
    words = {"database": tmp_path / "r.db", "certificate": certificate, "key": key, "kube-ca": authority.file}
    words |= {"kube": "https://127.0.0.1:1", "token-file": certificate}
    gone, broken = tmp_path / "gone", tmp_path / "broken"
    broken.write_text("-----BEGIN CERTIFICATE-----\n")
    for flag, value, told in (
        ("kube-ca", gone, f"--kube-ca names a file that is not there: {gone}; "),
        ("kube-ca", broken, "--kube-ca is not a certificate in PEM; "),
        ("database", gone / "r.db", "no folder"),
        ("token-file", gone, f"cannot read the token in {gone}: no such file or directory; check"),
    ):
        ended = run(*(f"--{name}={one}" for name, one in {**words, flag: value}.items()))
        assert (ended.returncode, ended.stdout) == (3, "")
        assert ended.stderr.count("\n") == 1
        assert told in ended.stderr
