"""Flags of other scanners: the tables are walked, each entry through the command line itself."""

import json
import re
from pathlib import Path

import click
import pytest

from leadline.errors import UsageError
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import find_format
from leadline.programs.cli import lazy_group
from leadline.programs.cli.commands.scan import command as scan
from leadline.programs.cli.main import main
from leadline.programs.cli.options.habits import DONE, NOT_HERE, SAME, SPECIAL, translated

OPTIONS = {
    name: not option.is_flag
    for option in scan.params
    if isinstance(option, click.Option)
    for name in option.opts
}
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shell, namespace: shop}
spec:
  containers:
  - {name: shell, image: busybox, securityContext: {privileged: true}}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.yaml").write_text(POD)
    return tmp_path


def taken(*words: str) -> list[str]:
    return translated(words, OPTIONS)


@pytest.mark.parametrize(("flag", "ours"), SAME.items())
def test_a_flag_that_asks_the_same_is_taken_as_ours(flag: str, ours: str):
    assert OPTIONS[ours]
    assert taken("deploy", flag, "value") == ["deploy", ours, "value"]
    assert taken(f"{flag}=a=b", "deploy") == [ours, "a=b", "deploy"]
    with pytest.raises(UsageError, match="needs a value"):
        taken("deploy", flag)


@pytest.mark.parametrize("flag", DONE)
def test_a_flag_that_asks_for_what_is_so_already_is_left_away(
    flag: str, app: Path, capfd: pytest.CaptureFixture
):
    assert main(["scan", flag, str(app), "-f", "lines"]) == 0
    assert "C-0057" in capfd.readouterr().out


@pytest.mark.parametrize(("flag", "answer"), NOT_HERE.items())
def test_a_flag_that_is_not_here_is_answered_with_what_is(
    flag: str, answer: str, app: Path, capfd: pytest.CaptureFixture
):
    assert main(["scan", str(app), flag, "x"]) == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"leadline: no flag {flag}; {answer}\n")
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", answer))
    assert named - {"--ignore-unfixed", "--scanners", "--help"} <= OPTIONS.keys()
    assert set(re.findall(r"leadline (\w+)", answer)) <= lazy_group.COMMANDS.keys()


def test_no_flag_of_ours_is_in_the_tables():
    assert not OPTIONS.keys() & {*SAME, *DONE, *NOT_HERE}
    assert not SAME.keys() & DONE.keys() | SAME.keys() & NOT_HERE.keys() | DONE.keys() & NOT_HERE.keys()


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["-d", "deploy"], ["deploy"]),
        (["--directory=deploy"], ["deploy"]),
        (["--file", "app.yaml", "--compact"], ["app.yaml"]),
        (["--framework", "kubernetes", "-d", "deploy"], ["deploy"]),
        (["-d", "deploy", "--framework", "nsa,mitre"], ["framework", "nsa,mitre", "deploy"]),
        (["-c", "C-0057", "-d", "deploy"], ["control", "C-0057", "deploy"]),
        (["--severity", "HIGH,CRITICAL", "deploy"], ["--min-severity", "high", "deploy"]),
        (["--severity", "critical", "--exit-code", "1", "deploy"], ["--severity-threshold", "critical", "--min-severity", "critical", "deploy"]),
        (["--exit-code", "1", "deploy"], ["--severity-threshold", "low", "deploy"]),
        (["--exit-code", "1", "--fail-on", "high", "deploy"], ["--fail-on", "high", "deploy"]),
        (["--exit-code=0", "deploy"], ["deploy"]),
        (["--format-version", "v2", "deploy"], ["deploy"]),
        (["-o", "json", "deploy"], ["--format", "json", "deploy"]),
        (["-o", "cli", "deploy"], ["--format", "pretty", "deploy"]),
        (["-o", "report.json", "deploy"], ["-o", "report.json", "deploy"]),
        (["--set", "--compact", "deploy"], ["--set", "--compact", "deploy"]),
        (["--", "--compact"], ["--", "--compact"]),
    ],
)  # fmt: skip
def test_other_flags_are_understood(words: list[str], ours: list[str]):
    assert taken(*words) == ours


def test_every_row_of_the_documentation_begins_with_a_flag_that_is_taken():
    for row in SPECIAL:
        flag, value = row.split(", ")[0].split()[:2]
        assert taken(flag, value) != [flag, value]


@pytest.mark.parametrize(
    "words",
    [["--severity", "LOW"], ["--severity", "bogus"], ["--exit-code", "2"], ["--format-version", "v1"]],
)
def test_what_cannot_be_taken_is_answered(words: list[str], app: Path, capfd: pytest.CaptureFixture):
    assert main(["scan", str(app), *words]) == 2
    assert capfd.readouterr().err.startswith(f"leadline: {words[0]} ")


def test_a_gate_on_severity_has_the_name_that_others_give_it(app: Path, capfd: pytest.CaptureFixture):
    assert main(["scan", str(app), "--fail-on", "high"]) == 1
    assert main(["scan", str(app), "--fail-on", "CRITICAL,unread"]) == 1
    assert main(["scan", str(app), "--hard-fail-on", "HIGH"]) == 1
    assert main(["scan", str(app), "--fail-on", "unread"]) == 0
    assert main(["scan", str(app), "--fail-on", "much"]) == 2
    assert "--fail-on must be one of" in capfd.readouterr().err


def test_namespaces_are_chosen_by_the_short_flag(app: Path, capfd: pytest.CaptureFixture):
    assert main(["scan", str(app), "-n", "shop", "-f", "lines"]) == 0
    assert "C-0057" in capfd.readouterr().out
    main(["scan", str(app), "--namespace", "other", "-f", "lines"])
    assert "C-0057" not in capfd.readouterr().out


def test_a_manifest_after_the_flag_of_formats_is_one_to_scan(app: Path, capfd: pytest.CaptureFixture):
    file = app / "app.yaml"
    assert main(["scan", "-f", str(file)]) == 2
    assert (
        capfd.readouterr().err
        == f"leadline: unknown format {file}; to scan that file: leadline scan {file}\n"
    )


def test_the_format_follows_the_suffix_and_several_have_files_of_their_own(
    app: Path, capfd: pytest.CaptureFixture
):
    target, file = str(app / "app.yaml"), app / "out" / "report.json"
    assert main(["scan", target, "-o", str(file)]) == 0
    assert "summaryDetails" in json.loads(file.read_text())
    sarif = app / "out" / "x.sarif"
    assert main(["scan", target, "-f", "lines", "-f", f"sarif={sarif},json={app}/y"]) == 0
    assert "C-0057" in capfd.readouterr().out
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert "summaryDetails" in json.loads((app / "y").read_text())
    assert main(["scan", target, "-f", "sarif=", "-f", "json"]) == 2
    assert main(["scan", target, "-f", "json=-", "-f", "sarif=-"]) == 2


@pytest.mark.parametrize("name", ["pretty-printer", "table", "cli", "text"])
def test_formats_have_the_names_that_others_give_them(name: str):
    assert find_format(name, PostureReport).name in ("pretty", "lines")
