"""``leadline fix`` as a user meets it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.programs.cli.commands.fix import command as fix_command
from leadline.programs.cli.commands.scan import command as scan_command
from leadline.programs.cli.main import main
from leadline.programs.cli.options.option import Option
from leadline.programs.cli.options.table import CONFIG, FIXING, OPTIONS, Configured, Request
from leadline.programs.cli.scanning.fixing import refuse_other_flags

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
    code, out, _ = run(capfd, "shop", "--dry-run", "--risky")
    assert code == 0
    assert "--- a/shop/agent.yaml\n+++ b/shop/agent.yaml\n" in out
    assert "-            privileged: true\n" in out
    assert "judged again after the edits" in out
    assert contents() == before


def test_agreed_edits_are_written_and_the_rest_is_asked(capfd):
    code, out, err = run(capfd, "shop", "--yes", "--risky")
    assert code == 0
    assert "for you to decide" in out
    assert "written: 7 files" in err
    assert "privileged: true" not in Path("shop/agent.yaml").read_text()
    assert "no edit can be made without you: " in run(capfd, "shop", "--yes", "--risky")[1]


def test_agreed_edits_are_the_safe_ones_and_the_others_are_counted(capfd):
    code, out, err = run(capfd, "shop", "--yes")
    assert code == 0
    assert "privileged: true" in Path("shop/agent.yaml").read_text()
    assert "not made: each may stop what runs; --risky makes them" in out
    assert re.search(r"; \d+ risky edits\s+left\n", out)
    assert "written: " in err


def test_risky_belongs_to_a_fix(capfd):
    assert main(["scan", "shop", "--risky"]) == 2
    assert "--fix" in capfd.readouterr().err


def test_the_patch_is_what_git_applies(capfd, tmp_path: Path):
    code, patch, _ = run(capfd, "control", "C-0057", "shop", "--format", "patch", "--risky")
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
        "leadline: nothing to judge in bad: no .yaml, .yml or .json file holds an object, and no file is a Dockerfile\n",
    )
    Path("bad/a.yaml").write_text("kind: [1\n")
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
    assert main(["scan", "control", "C-0057", "shop", "--fix", "--yes", "--risky"]) == 0
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


def is_of_scan(option: Option) -> bool:
    return option.field in {one.name for one in scan_command.params}


OTHER: dict[object, object] = {str: "x", bool: True, tuple[str, ...]: ("x",), float: 1.0, int: 1}
"""A value that is never the default, by the type of an option."""


OF_SCANS = [one for one in OPTIONS.values() if is_of_scan(one)]


@pytest.mark.parametrize("option", OF_SCANS, ids=lambda option: option.field)
def test_a_scan_that_fixes_honours_every_flag_or_refuses_it_by_name(option: Option):
    value = {option.field: OTHER[option.type]}
    request = Request(**{"targets": ("shop",), "fix": True, **value})
    if option.field in (*FIXING, *CONFIG, "yes", "fix"):
        refuse_other_flags(request)
        assert option.field in ("fix", *(one.name for one in fix_command.params)), "fix takes it as well"
    else:
        with pytest.raises(UsageError) as refused:
            refuse_other_flags(request)
        assert str(refused.value.args[0]) == f"--fix does not take {option.word}"
        refuse_other_flags(
            Request(configured=Configured(filled={option.field: ("leadline.toml:1",)}), **value)
        )


def test_every_flag_that_is_honoured_is_one_of_a_scan():
    assert [field for field in FIXING if not is_of_scan(OPTIONS[field])] == []


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {privileged: true}
"""


@pytest.fixture
def old_and_new(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """A folder with a Deployment that a baseline knows, and a new one."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / "old.yaml").write_text(DEPLOYMENT.replace("NAME", "old"))
    assert main(["baseline", "save", "deploy", "-o", "known.json"]) == 0
    (folder / "new.yaml").write_text(DEPLOYMENT.replace("NAME", "new"))
    capfd.readouterr()
    return folder


@pytest.mark.parametrize("words", [("scan", "deploy", "--fix"), ("fix", "deploy")])
def test_the_gate_is_passed_with_the_smallest_edit(capfd, old_and_new: Path, words: tuple[str, ...]):
    old = (old_and_new / "old.yaml").read_text()
    gate = (*words, "--yes", "--risky", "--baseline", "known.json", "--severity-threshold", "high")
    assert main([*gate]) == 0
    out, err = capfd.readouterr()
    assert "1 edit in 1 file" in out
    assert "passed: --severity-threshold high" in err
    assert (old_and_new / "old.yaml").read_text() == old
    new = (old_and_new / "new.yaml").read_text()
    assert new == DEPLOYMENT.replace("NAME", "new").replace("{privileged: true}", "{}")
    assert main(["scan", "deploy", "--baseline", "known.json", "--severity-threshold", "high", "-q"]) == 0


def test_the_exit_code_is_the_one_that_a_scan_gives_next(capfd, old_and_new: Path):
    (old_and_new / "role.yaml").write_text(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n"
        "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n"
    )
    gate = ("deploy", "--baseline", "known.json", "--severity-threshold", "high")
    assert main(["scan", *gate, "--fix", "--yes"]) == 1
    assert "failed: --severity-threshold high" in capfd.readouterr().err
    assert main(["scan", *gate, "-q"]) == 1


def test_gates_of_other_kinds_count_as_well(capfd, old_and_new: Path):
    assert main(["fix", "deploy", "--dry-run", "--compliance-threshold", "100"]) == 1
    assert main(["fix", "deploy", "--dry-run", "--fail-on", "unread"]) == 0
    (old_and_new / "bad.yaml").write_text("apiVersion: v1\nkind: Pod\na: [1\n")
    assert main(["fix", "deploy", "--dry-run", "--fail-on", "unread"]) == 1
    assert "failed: --fail-on unread, 1 not read" in capfd.readouterr().err


def test_what_is_below_the_bound_is_left_as_it_is_and_counted(capfd, old_and_new: Path):
    _, out, _ = run(capfd, "deploy", "--dry-run", "--risky", "--min-severity", "high")
    assert "2 edits in 2 files" in out
    assert "findings that you did not ask for" in out


def test_what_was_there_at_a_revision_is_left_as_it_is(capfd, tmp_path: Path, old_and_new: Path):
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path))
    for words in (("init", "-q"), ("add", "deploy/old.yaml"), ("commit", "-qm", "old")):
        subprocess.run([*git, *words], check=True)
    code, out, _ = run(capfd, "deploy", "--dry-run", "--risky", "--since", "HEAD", "--gate", "high")
    assert (code, out.count("+++ b/deploy/new.yaml"), "old.yaml" in out) == (0, 1, False)


def test_nothing_to_fix_is_right_where_that_is_allowed(capfd, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert run(capfd, "empty", "--dry-run")[0] == 3
    assert run(capfd, "empty", "--dry-run", "--allow-empty")[0] == 0
