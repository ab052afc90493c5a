"""The TAB key in the shells themselves, and what is offered there."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leadline.programs.cli.lazy_group import COMMANDS, SERVERS
from leadline.programs.cli.main import main

ENDS_AFTER_S = 60
"""Only reached where a shell hangs."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the scripts, and a leadline on the PATH that prints what it is asked once the line is entered."""
    program = tmp_path / "bin" / "leadline"
    program.parent.mkdir()
    source = Path(__file__).parents[3] / "src"
    program.write_text(
        "#!/bin/sh\n"
        f'[ -z "$_LEADLINE_COMPLETE" ] && echo "entered: <$*> entered" && exit\n'
        f'PYTHONPATH={source} exec {sys.executable} -P -m leadline.programs.cli.main "$@"\n'
    )
    program.chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        script = subprocess.run(
            [sys.executable, "-m", "leadline.programs.cli.main", "completion", shell],
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            check=True,
        )
        assert script.stderr == b""
        (tmp_path / f"script.{shell}").write_bytes(script.stdout)
    (tmp_path / "deployment.yaml").touch()
    return tmp_path


def environ(home: Path) -> dict[str, str]:
    return {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8"}


STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source ./script.bash; PS1='rea''dy> '\n"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -u -D; source ./script.zsh; PS1='rea''dy> '\n",
    ),
}


def entered(home: Path, shell: str, typed: str) -> str:
    """The line that a shell of a terminal runs once ``typed``, TAB keys in it, is entered."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    words, start = STARTS[shell]
    process, terminal = pty.fork()
    if not process:
        os.chdir(home)
        os.execvpe(words[0], words, environ(home))
    try:
        os.write(terminal, start.encode())
        read_until(terminal, b"ready> ")
        os.write(terminal, f"{typed}\n".encode())
        return read_until(terminal, b"> entered\r\n").decode().partition("entered: <")[2].partition(">")[0]
    finally:
        os.close(terminal)
        os.kill(process, 9)
        os.waitpid(process, 0)


def read_until(terminal: int, mark: bytes) -> bytes:
    """What the terminal shows up to ``mark``. Where it echoes what was typed, the mark is not in it."""
    seen = b""
    ends = time.monotonic() + ENDS_AFTER_S
    while mark not in seen:
        left = ends - time.monotonic()
        assert left > 0, seen
        if select.select([terminal], [], [], left)[0]:
            seen += os.read(terminal, 4096)
    return seen


@pytest.mark.parametrize("shell", STARTS)
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("leadline expl\tC-0057", "explain C-0057"),
        ("leadline scan framew\tpss-b\t", "scan framework pss-baseline"),
        ("leadline scan framework nsa,pss-b\t", "scan framework nsa,pss-baseline"),
        ("leadline scan dep\t --exclude-contr\tC-0057", "scan deployment.yaml --exclude-controls C-0057"),
        ("leadline scan . --severity-thr\tcrit\t-f sar\t", "scan . --severity-threshold critical -f sarif"),
    ],
)
def test_a_shell_completes(home: Path, shell: str, typed: str, line: str):
    assert entered(home, shell, typed).split() == line.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("leadline expl", ["explain"]),
        ("leadline scan framework pss-", ["pss-baseline", "pss-restricted"]),
        ("leadline scan framework nsa,pss-b", ["nsa,pss-baseline"]),
        ("leadline scan control C-0057", ["C-0057"]),
        ("leadline scan . -f sar", ["sarif"]),
        ("leadline scan depl", ["deployment.yaml"]),
        ("leadline scan . --severity-threshold c", ["critical"]),
    ],
)
def test_fish_is_offered(home: Path, typed: str, offered: list[str]):
    if shutil.which("fish") is None:
        pytest.skip("there is no fish")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source ./script.fish; complete -C '{typed}'"],
        env=environ(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == offered


def offers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """What bash is answered for a line whose last word is being written."""
    monkeypatch.setenv("_LEADLINE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    main([])
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("leadline db ", {"plain,build", "plain,update", "plain,status"}),
        ("leadline config ", {"plain,show", "plain,init", "plain,settings"}),
        ("leadline scan ", {"file,", "plain,framework", "plain,control", "plain,workload", "plain,image"}),
        ("leadline scan image --from-m", {"plain,--from-manifests"}),
        ("leadline scan x --values ", {"file,"}),
        ("leadline scan x --fail-on h", {"plain,high"}),
        ("leadline image sbom x -f spdx", {"plain,spdx-json"}),
        ("leadline image scan x -f grype", {"plain,grype-json"}),
        ("leadline list f", {"plain,frameworks"}),
        ("leadline schema c", {"plain,config"}),
        ("leadline rbac framework soc", {"plain,soc2"}),
        ("leadline fix control c-0057", {"plain,c-0057"}),
        ("leadline scan . --by o", {"plain,object"}),
        ("leadline completion f", {"plain,fish"}),
    ],
)
def test_values_are_offered(capsys, monkeypatch, line: str, expected: set[str]):
    assert set(offers(capsys, monkeypatch, line)) >= expected


@pytest.mark.parametrize(
    "line", ["leadline nonsense x ", "leadline scan --account ", "leadline scan --framework=x '", ""]
)
def test_a_line_that_makes_no_sense_is_answered_with_silence(capsys, monkeypatch, line: str):
    offers(capsys, monkeypatch, line)


def test_every_command_is_offered(capsys, monkeypatch):
    assert {line.removeprefix("plain,") for line in offers(capsys, monkeypatch, "leadline ")} == {
        *COMMANDS,
        *SERVERS,
    }
