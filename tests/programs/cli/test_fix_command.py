"""``leadline fix`` as a user meets it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

SHOP = Path(__file__).parents[3] / "examples" / "shop"


@pytest.fixture(autouse=True)
def in_a_copy_of_the_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["fix", *words])
    return (code, *capfd.readouterr())


def contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("shop").rglob("*") if path.is_file()}


def test_without_a_terminal_nothing_is_written_unless_agreed(capfd):
    before = contents()
    code, out, err = run(capfd, "shop")
    assert (code, out) == (2, "")
    assert "--yes writes without asking" in err
    assert contents() == before


def test_a_dry_run_shows_the_diff_and_writes_nothing(capfd):
    before = contents()
    code, out, _ = run(capfd, "shop", "--dry-run")
    assert code == 0
    assert "--- a/shop/agent.yaml\n+++ b/shop/agent.yaml\n" in out
    assert "-            privileged: true\n" in out
    assert "judged again after the edits" in out
    assert contents() == before


def test_agreed_edits_are_written_and_the_rest_is_asked(capfd):
    code, out, err = run(capfd, "shop", "--yes")
    assert code == 0
    assert "for you to decide" in out
    assert "written: 7 files" in err
    assert "privileged: true" not in Path("shop/agent.yaml").read_text()
    assert "no edit can be made without you: " in run(capfd, "shop", "--yes")[1]


def test_the_patch_is_what_git_applies(capfd, tmp_path: Path):
    code, patch, _ = run(capfd, "control", "C-0057", "shop", "--format", "patch")
    assert code == 0
    subprocess.run(["git", "apply", "-v", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert "privileged: true" not in Path("shop/agent.yaml").read_text()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_that_is_ours_is_wider_than_the_terminal(capfd, monkeypatch, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run(capfd, "shop", "--dry-run", "-v")
    ours = out[out.index("for you to decide") :]
    assert [line for line in ours.splitlines() if len(line) > width and " " in line.strip()] == []


def test_no_secret_is_shown(capfd):
    _, out, err = run(capfd, "shop", "--dry-run", "-v")
    for secret in ("hunter2", "correct-horse"):
        assert secret not in out + err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "name a file or a folder to fix"),
        (("nowhere", "--dry-run"), 2, "no such file: nowhere"),
        (("control", "C-57x", "shop", "--dry-run"), 2, "unknown control C-57x"),
        (("shop/README.md", "--dry-run"), 3, "nothing"),
    ],
)
def test_wrong_words_get_a_line(capfd, words, code: int, text: str):
    found, _, err = run(capfd, *words)
    assert (found, len(err.splitlines())) == (code, 1)
    assert text in err


def test_what_is_not_read_is_named_as_the_user_calls_it_and_never_clean(capfd):
    Path("bad").mkdir()
    assert run(capfd, "bad", "--dry-run")[::2] == (
        3,
        "leadline: nothing to judge in bad: no file with the ending .yaml, .yml or .json holds an object\n",
    )
    Path("bad/a.yaml").write_text("a: [1\n")
    code, out, err = run(capfd, "bad", "--dry-run")
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert "bad/a.yaml" in err
    _, out, _ = run(capfd, "shop", "--dry-run")
    assert "shop/legacy/svc.yaml:18" in out
    assert "leadline-scratch" not in out + err


def test_what_someone_accepts_is_left_as_it_is(capfd):
    path = Path("shop/agent.yaml")
    path.write_text(
        path.read_text().replace(
            "privileged: true", "privileged: true # leadline: accept C-0057 it watches the node"
        )
    )
    _, out, _ = run(capfd, "control", "C-0057", "shop", "--dry-run")
    assert "-            privileged: true" not in out


def test_a_scan_can_fix_as_well(capfd):
    assert main(["scan", "control", "C-0057", "shop", "--fix", "--yes"]) == 0
    assert "1 edit in 1 file: 1 finding becomes 0" in capfd.readouterr().out
    assert main(["scan", "control", "C-0057", "shop"]) == 0


@pytest.mark.parametrize("words", [("shop", "--yes"), ("--fix",), ("shop", "--fix", "-f", "json")])
def test_flags_that_do_not_fit_are_refused(capfd, words):
    assert main(["scan", *words]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_what_is_accepted_in_a_file_stays(capfd):
    Path("accepted.yaml").write_text(
        "waivers:\n- reason: reads the logs of its node\n  match: {controls: [C-0057]}\n"
    )
    assert "privileged" in run(capfd, "control", "C-0057", "shop", "--dry-run")[1]
    code, out, _ = run(capfd, "control", "C-0057", "shop", "--dry-run", "--exceptions", "accepted.yaml")
    assert (code, "---" in out) == (0, False)
