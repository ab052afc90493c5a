"""Baselines, revisions and differences as a team uses them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from leadline.outputs.documents.baseline import SeenFinding, distinct
from leadline.programs.cli.main import main

SHOP = Path(__file__).parents[3] / "examples" / "shop"
GIT = {
    "PATH": os.environ["PATH"],
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@pytest.fixture(autouse=True)
def in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run(["git", *words], check=True, env=GIT)


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    return (code, *capfd.readouterr())


def make_worse() -> None:
    """One file moved, lines moved in another, and one thing new."""
    Path("shop/db.yaml").rename("shop/database.yaml")
    web = Path("shop/web.yaml")
    web.write_text(
        "# moved\n\n" + web.read_text().replace("    spec:\n", "    spec:\n      hostPID: true\n", 1)
    )


def test_a_baseline_lets_a_gate_speak_of_what_is_new(capfd):
    assert run(capfd, "baseline", "save", "shop")[0] == 0
    gate = (
        "scan",
        "shop",
        "--baseline",
        "leadline-baseline.json",
        "--severity-threshold",
        "high",
        "-f",
        "pretty",
    )
    code, out, _ = run(capfd, *gate)
    assert code == 0
    assert out.splitlines()[-1].startswith("0 new, ")
    make_worse()
    code, out, _ = run(capfd, *gate)
    assert code == 1
    assert "shop/web.yaml" in out
    assert "shop/database.yaml" not in out
    assert out.splitlines()[-1].endswith("failed: --severity-threshold high, 2 findings at or above it")


def test_a_revision_does_as_well(capfd):
    make_worse()
    code, out, _ = run(capfd, "scan", "shop", "--since", "HEAD", "--severity-threshold", "high")
    assert code == 1
    assert {line.split(":")[0] for line in out.splitlines() if " high " in line} == {"shop/web.yaml"}


def test_a_folder_that_the_revision_did_not_have_is_all_new(capfd):
    shutil.copytree("shop", "more")
    code, out, err = run(
        capfd, "scan", "more", "--since", "HEAD", "--severity-threshold", "high", "-f", "pretty"
    )
    assert (code, err) == (1, "")
    assert re.search(r"^\d+ new: .*, 0 known", out, re.MULTILINE)


def test_what_was_not_read_before_either_fails_no_gate_and_is_named(capfd, monkeypatch):
    gate = ("--since", "HEAD", "--fail-on", "unread", "-f", "pretty")
    monkeypatch.chdir("shop")
    for target in ("../shop", ".", str(Path.cwd()), "legacy/svc.yaml"):
        code, out, _ = run(capfd, "scan", target, *gate)
        assert (code, "svc.yaml" in out) == (0, True)
        assert re.search(r"passed: --fail-on unread; \d not read$", out)
    Path("more.yaml").write_text("kind: [\n")
    code, out, _ = run(capfd, "scan", "../shop", *gate)
    lines = out.splitlines()
    failing = lines[lines.index("failing") + 1]
    assert failing == "  ../shop/more.yaml:2:1: not read a value was expected here"
    err = run(capfd, "scan", "../shop", *gate[:-1], "json")[2]
    assert "../shop/more.yaml:2:1: not read a value was expected here" in err.splitlines()
    assert (code, out.splitlines()[-1].split("; ")[-1]) == (1, "failed: --fail-on unread, 1 not read")
    out = run(capfd, "scan", "../shop", "--since", "HEAD", "-f", "github")[1]
    unread = [line for line in out.splitlines() if "title=not read" in line]
    assert unread == ["::warning file=shop/more.yaml,title=not read,line=2::a value was expected here"]
    assert "; 2 more not read" in next(line for line in out.splitlines() if line.startswith("::notice"))
    run(capfd, "baseline", "save", ".", "-o", "known.json")
    assert run(capfd, "scan", ".", "--baseline", "known.json", "--fail-on", "unread")[0] == 0


def test_a_revision_whose_files_were_all_unreadable_knows_nothing(capfd):
    Path("one").mkdir()
    Path("one/pod.yaml").write_text("kind: [\n")
    for words in (("add", "-A"), ("commit", "-qm", "y")):
        subprocess.run(["git", *words], check=True, env=GIT)
    shutil.copy("shop/db.yaml", "one/pod.yaml")
    code, out, _ = run(capfd, "scan", "one", "--since", "HEAD", "--severity-threshold", "low", "-f", "pretty")
    assert code == 1
    assert re.search(r"^\d+ new: .*, 0 known", out, re.MULTILINE)


def test_variables_that_git_sets_for_its_hooks_do_not_lead_elsewhere(capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / ".git" / "index"))
    assert run(capfd, "scan", "shop", "--since", "HEAD", "--severity-threshold", "low")[0] == 0


def test_a_shallow_clone_is_named_where_a_revision_is_missing(capfd, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{tmp_path}", "clone"], check=True, env=GIT)
    _, _, err = run(capfd, "scan", "clone/shop", "--since", "release-1")
    assert err == (
        "leadline: no revision release-1 in the repository of clone/shop; "
        "this clone is shallow: git fetch --depth=1 origin release-1\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_checkout_of_another_user_is_named_with_what_to_do(capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.delenv("SUDO_UID", raising=False)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 65534, 65534)
    code, _, err = run(capfd, "scan", "shop", "--since", "HEAD")
    assert code == 3
    assert err == (
        f"leadline: git does not trust {tmp_path}, since it belongs to another user; "
        f"git config --global --add safe.directory {tmp_path}\n"
    )


def test_every_machine_format_says_what_is_new(capfd):
    run(capfd, "baseline", "save", "shop")
    make_worse()
    words = ("scan", "shop", "--baseline", "leadline-baseline.json", "-q", "-f")
    baseline = json.loads(run(capfd, *words, "json")[1])["baseline"]
    assert baseline["new"] > 0 < baseline["known"]
    results = json.loads(run(capfd, *words, "sarif")[1])["runs"][0]["results"]
    assert {result["baselineState"] for result in results} == {"new", "unchanged"}
    again = json.loads(run(capfd, *words, "baseline")[1])
    seen = [SeenFinding(**{**one, "first_seen": ""}) for one in again["findings"]]
    assert len(distinct(seen)) == baseline["new"] + baseline["known"]


def test_formats_for_the_author_of_a_change_speak_of_what_is_new(capfd):
    make_worse()
    words = ("scan", "shop", "--since", "HEAD", "-q", "-f")
    annotated = re.findall(
        r"^::(?:error|warning).* file=([^,]*),line", run(capfd, *words, "github")[1], re.MULTILINE
    )
    assert set(annotated) == {"shop/web.yaml"}
    comment = run(capfd, *words, "markdown")[1]
    rows = [
        line
        for line in comment.splitlines()
        if line.startswith(("| critical", "| high", "| medium", "| low"))
    ]
    assert rows
    assert all("`shop/web.yaml:" in row for row in rows)
    assert re.search(r"\d+ new: .*, \d+ known", comment)
    suite = ElementTree.fromstring(run(capfd, *words, "junit")[1]).find("testsuite")
    assert suite is not None
    failures = suite.findall("testcase/failure")
    assert len(failures) == int(suite.attrib["failures"])
    failed = [
        line for one in failures for line in (one.text or "").splitlines() if "shop/" in line.split(":")[0]
    ]
    assert failed
    assert all(line.startswith("shop/web.yaml:") for line in failed)
    assert "known: shop/database.yaml" in "".join(
        one.text or "" for one in suite.findall("testcase/system-out")
    )


def test_two_states_are_compared(capfd):
    make_worse()
    code, out, _ = run(capfd, "diff", "shop@HEAD", "shop", "--severity-threshold", "high")
    assert code == 1
    assert "+ high Shares the node's processes or IPC (C-0038, C-0275)" in out
    assert "web.yaml:" in out
    assert "remove spec.template.spec.hostPID" in out
    assert out.splitlines()[-1].endswith("2 not read")
    found = json.loads(run(capfd, "diff", "shop@HEAD", "shop", "-f", "json")[1])
    assert {one["because"] for one in found["new"]} == {"input"}
    assert found["gone"] == []


def test_reports_and_baselines_are_sides_too(capfd):
    run(capfd, "scan", "shop", "-f", "report", "-o", "old.json")
    run(capfd, "baseline", "save", "shop", "-o", "new.json")
    assert run(capfd, "diff", "old.json", "new.json")[1].splitlines()[-1].startswith("0 new, 0 gone, ")


def test_a_baseline_is_compared_with_now_and_with_another(capfd):
    run(capfd, "baseline", "save", "shop", "-o", "monday.json")
    make_worse()
    Path("shop/new.yaml").write_text("apiVersion: v1\nkind: Pod\n  x: [\n")
    code, now, _ = run(capfd, "baseline", "compare", "monday.json")
    assert code == 0
    assert "+ high Shares the node's processes or IPC (C-0038, C-0275)" in now
    assert "! shop/new.yaml, which was not among these before" in now
    assert "! shop/legacy/svc.yaml\n" in now
    assert re.search(r"all controls  \d+\.\d %  ?-> \d+\.\d %   -\d", now)
    run(capfd, "baseline", "save", "shop", "-o", "friday.json")
    both = json.loads(run(capfd, "baseline", "compare", "monday.json", "friday.json", "-f", "json")[1])
    assert len(both["new"]) == int(now.splitlines()[-1].split(" ")[0])
    assert both["notRead"] != both["notReadBefore"]
    assert {row["name"] for row in both["compliance"]} == {"NSA", "MITRE", "all controls"}
    assert all(row["old"] >= row["new"] for row in both["compliance"])
    assert any(row["old"] > row["new"] for row in both["compliance"])


def test_values_stand_as_yaml_writes_them(capfd):
    Path("empty").mkdir()
    Path("empty/map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    run(capfd, "baseline", "save", "shop", "-o", "saved.json")
    shown = [run(capfd, "diff", "empty", "shop", *more)[1] for more in ((), ("-f", "json"))]
    for text in (*shown, Path("saved.json").read_text()):
        assert "set false" in text
        assert re.search(r"set (True|False|None|\['|\{'|\[\{')", text) is None


def test_a_baseline_with_values_as_python_writes_them_knows_the_same(capfd):
    run(capfd, "baseline", "save", "shop", "-o", "now.json")
    now = Path("now.json").read_text()
    old = now
    for yaml, python in (("false", "False"), ("true", "True"), ("[ALL]", "['ALL']")):
        old = old.replace(f'"set {yaml}"', f'"set {python}"')
    assert old != now
    Path("old.json").write_text(old)
    code, out, _ = run(capfd, "baseline", "compare", "old.json", "now.json")
    assert (code, out.splitlines()[-1].startswith("0 new, 0 gone, ")) == (0, True)


def test_a_baseline_of_before_there_were_scores_has_none(capfd):
    run(capfd, "baseline", "save", "shop", "-o", "old.json")
    old = json.loads(Path("old.json").read_text())
    del old["compliance"]
    Path("old.json").write_text(json.dumps(old))
    assert "NSA           not recorded -> " in run(capfd, "baseline", "compare", "old.json", "shop")[1]


def test_what_was_not_read_is_named_in_a_difference(capfd):
    Path("monday").mkdir()
    for number in range(25):
        Path(f"monday/{number}.yaml").write_text("apiVersion: v1\nkind: Pod\n  x: [\n")
    shutil.copy("shop/web.yaml", "monday/web.yaml")
    out = run(capfd, "diff", "shop", "monday")[1]
    assert "  ! monday/0.yaml\n" in out
    assert "and 5 more, --format json names all" in out


def test_dates_are_carried_on_when_a_baseline_is_saved_again(capfd):
    run(capfd, "baseline", "save", "shop")
    path = Path("leadline-baseline.json")
    path.write_text(path.read_text().replace('"first_seen":"2', '"first_seen":"1'))
    make_worse()
    run(capfd, "baseline", "save", "shop")
    dates = {one["first_seen"][0] for one in json.loads(path.read_text())["findings"]}
    assert dates == {"1", "2"}
    assert "first seen 1" in run(capfd, "baseline", "show")[1]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("scan", "shop", "--baseline", "nowhere.json"), 3, "cannot read nowhere.json"),
        (("scan", "shop", "--baseline", "shop/web.yaml"), 3, "is not a baseline"),
        (("scan", "shop", "--since", "nothing"), 3, "no revision nothing"),
        (("scan", "shop", "--since", "--upload-pack=x"), 3, "no revision --upload-pack=x"),
        (("scan", "--since", "HEAD"), 2, "--since compares files"),
        (("scan", "shop", "--since", "HEAD", "--baseline", "x"), 2, "choose one"),
        (("diff", "shop", "nowhere"), 3, "no such file"),
        (("baseline", "compare", "nowhere.json"), 3, "cannot read nowhere.json"),
        (("baseline", "compare", "shop/web.yaml"), 3, "is not a baseline"),
        (("diff", "shop", "shop", "--severity-threshold", "hgih"), 2, "must be one of"),
    ],
)
def test_wrong_words_get_a_line(capfd, words, code: int, text: str):
    found, _, err = run(capfd, *words)
    assert (found, len(err.splitlines())) == (code, 1), err
    assert text in err


def saved_of_two(capfd):
    Path("two").mkdir()
    shutil.copy("shop/web.yaml", "two/web.yaml")
    run(capfd, "baseline", "save", "shop", "two", "-o", "both.json")


def test_a_baseline_of_several_targets_is_compared_with_all_of_them(capfd):
    saved_of_two(capfd)
    assert json.loads(Path("both.json").read_text())["targets"] == ["shop", "two"]
    assert run(capfd, "baseline", "compare", "both.json")[1].splitlines()[-1].startswith("0 new, 0 gone, ")
    assert (
        run(capfd, "baseline", "compare", "both.json", "shop", "two")[1]
        .splitlines()[-1]
        .startswith("0 new, 0 gone, ")
    )
    old = Path("both.json").read_text().replace('"targets":["shop","two"],', "")
    assert '"targets"' not in old
    Path("old.json").write_text(old)
    assert run(capfd, "baseline", "compare", "old.json")[1].splitlines()[-1].startswith("0 new, 0 gone, ")


def test_a_narrower_scope_is_not_looked_at_and_never_gone(capfd):
    saved_of_two(capfd)
    code, out, _ = run(capfd, "baseline", "compare", "both.json", "two")
    assert code == 0
    assert re.search(
        r"^not looked at: \d+ findings of before, outside of two: neither there nor gone$", out, re.MULTILINE
    )
    assert re.search(r"^0 new, 0 gone, \d+ unchanged, \d+ not looked at", out.splitlines()[-1])
    assert "points" not in out
    found = json.loads(run(capfd, "baseline", "compare", "both.json", "two", "-f", "json")[1])
    assert (found["gone"], found["findings"]["gone"], len(found["notLookedAt"]) > 100) == ([], 0, True)
    out = run(capfd, "scan", "two", "--baseline", "both.json", "-f", "pretty")[1]
    assert "gone" not in out
    shutil.copy("shop/worker.yaml", "two/web.yaml")
    found = json.loads(run(capfd, "baseline", "compare", "both.json", "two", "-f", "json")[1])
    assert {one["object"].split("/")[-1] for one in found["gone"]} == {"web"}


@pytest.mark.parametrize("format", ["markdown", "html", "pdf", "json", "text"])
def test_a_difference_is_written_in_words_in_every_format(format, capfd):
    make_worse()
    code, _, err = run(capfd, "diff", "shop@HEAD", "shop", "-f", format, "-o", "out")
    assert (code, err.splitlines()[-1]) == (0, "written: out")
    written = Path("out").read_bytes()
    if format == "pdf":
        assert written.startswith(b"%PDF")
    elif format != "json":
        text = written.decode()
        for words in (
            "Shares the node",
            "C-0038, C-0275",
            "shop/Deployment/web",
            "web.yaml:",
            "spec.template.spec.hostPID",
        ):
            assert words in text


@pytest.mark.parametrize("format", ["markdown", "html", "text"])
def test_a_finding_with_another_fix_is_not_called_gone(format, capfd):
    """Where a container is privileged, a person decides about escalation; else a value is set."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: %s}}]}\n"
    for name, value in (("old", "false"), ("new", "true")):
        Path(name).mkdir()
        Path(name, "pod.yaml").write_text(pod % value)
    out = run(capfd, "diff", "old", "new", "-f", format)[1]
    assert "gone: 2 findings with another place or fix now" in out.lower()
    assert ("<b>0</b>gone" if format == "html" else ", 0 gone, ") in out
