"""The composite action, run as a runner does it, on checkouts as it finds them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.composite_action import ActionRun, run_action
from integrations.pipeline_repository import POD, clone, git, merged_pull_request

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "integrations" / "github" / "action.yml"
CHANGE = {"deploy/new.yaml": POD.format(name="new")}


@pytest.fixture
def program(tmp_path: Path) -> str:
    """This checkout's program, as a file that can be started."""
    file = tmp_path / "leadline"
    source = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\nfrom leadline.programs.cli.main import main\n"
    file.write_text(f"#!{sys.executable}\n{source}sys.exit(main())\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def act(tmp_path: Path, program: str):
    def run(workspace: Path, event: str = "pull_request", **inputs: str) -> ActionRun:
        facts = {"GITHUB_EVENT_NAME": event, "GITHUB_SHA": git(workspace, "rev-parse", "HEAD")}
        given = {"program": program} | {name.replace("_", "-"): value for name, value in inputs.items()}
        return run_action(ACTION, workspace, tmp_path / "runner", inputs=given, event=facts)

    return run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return clone(merged_pull_request(tmp_path, CHANGE), tmp_path / "work", 2)


def annotations(run: ActionRun) -> list[str]:
    return re.findall(r"^::(?:error|warning|notice) .*", run.log, re.MULTILINE)


def test_what_a_pull_request_adds_fails_and_is_shown_beside_its_line(act, checkout):
    run = act(checkout)
    assert (run.code, run.outputs["exit-code"]) == (1, "1")
    (first, *_) = annotations(run)
    assert first.startswith("::error file=deploy/new.yaml,line=7,col=3,title=high%3A ")
    assert not any("old.yaml" in line for line in annotations(run))
    assert "deploy/new.yaml:7" in run.summary
    assert "deploy/old.yaml" not in run.summary


def test_sarif_holds_all_and_says_what_is_new(act, checkout):
    run = act(checkout)
    results = json.loads(Path(run.outputs["sarif"]).read_text())["runs"][0]["results"]
    states = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: one["baselineState"]
        for one in results
    }
    assert states == {"deploy/old.yaml": "unchanged", "deploy/new.yaml": "new"}
    assert Path(run.outputs["markdown"]).read_text() == run.summary


def test_a_pull_request_that_adds_nothing_passes(act, tmp_path):
    quiet = clone(merged_pull_request(tmp_path, {"notes.txt": "x\n"}), tmp_path / "work", 2)
    run = act(quiet)
    assert (run.code, run.outputs["exit-code"], annotations(run)) == (0, "0", [])


def test_a_push_is_judged_whole(act, checkout):
    run = act(checkout, event="push")
    assert run.code == 1
    assert any("old.yaml" in line for line in annotations(run))
    assert act(checkout, event="push", gate="none").code == 0


def test_the_base_is_fetched_where_the_checkout_has_one_commit(act, checkout, tmp_path):
    shallow = clone(tmp_path / "origin", tmp_path / "shallow", 1)
    run = act(shallow)
    assert run.code == 1
    assert not any("old.yaml" in line for line in annotations(run))


def test_a_base_that_cannot_be_had_is_an_error_and_nothing_is_compared_with_nothing(act, checkout, tmp_path):
    shallow = clone(tmp_path / "origin", tmp_path / "shallow", 1)
    git(shallow, "remote", "remove", "origin")
    run = act(shallow)
    assert run.code == 2
    assert annotations(run) == [
        "::error title=Leadline::the base of this change is not in the checkout: give actions/checkout fetch-depth: 2"
    ]


def test_a_whole_clone_stays_whole(act, checkout, tmp_path):
    whole = tmp_path / "whole"
    git(tmp_path, "clone", "-q", (tmp_path / "origin").as_uri(), str(whole))
    act(whole)
    assert git(whole, "rev-parse", "--is-shallow-repository") == "false"


def test_what_cannot_be_read_fails_unless_asked_otherwise(act, tmp_path):
    broken = clone(merged_pull_request(tmp_path, {"deploy/broken.yaml": "a: [\n"}), tmp_path / "work", 2)
    run = act(broken)
    assert run.code == 1
    assert any("file=deploy/broken.yaml" in line for line in annotations(run))
    assert "broken.yaml" in run.summary
    assert act(broken, fail_on_unread="false").code == 0


def test_an_empty_path_is_no_pass(act, tmp_path):
    origin = merged_pull_request(tmp_path, {"notes/a.txt": "x"})
    run = act(clone(origin, tmp_path / "work", 2), path="notes")
    assert (run.code, run.outputs) == (3, {"exit-code": "3", "sarif": "", "markdown": ""})
    assert annotations(run) == [
        "::error title=Leadline::the scan did not come to an end (exit code 3): see its last line above"
    ]


def test_old_findings_in_a_baseline_and_accepted_ones_pass(act, checkout, tmp_path, program):
    subprocess.run(
        [program, "baseline", "save", "-q", "deploy", "-o", "known.json"], cwd=checkout, check=True
    )
    assert act(checkout, event="push", path="deploy", baseline="known.json").code == 0
    (checkout / "waivers.yaml").write_text(
        "waivers:\n- {reason: reviewed, match: {names: ['*'], controls: ['C-*', 'L-*']}}\n"
    )
    assert act(checkout, event="push", path="deploy", waivers="waivers.yaml").code == 0


def test_frameworks_and_more_arguments_reach_the_scan_whole(act, checkout):
    run = act(
        checkout,
        path="deploy",
        frameworks="nsa,mitre",
        arguments="--exclude-path\nold file.yaml\n\n--min-severity\nhigh\n",
    )
    assert run.code == 1
    assert act(checkout, frameworks="no-such").code == 2


HOSTILE = (
    "$(touch owned).yaml",
    "`touch owned`.yaml",
    "a; touch owned.yaml",
    "a\n::error file=x::owned\n.yaml",
    "a%0A::error::owned.yaml",
    "-f json.yaml",
    "a,line=1::owned.yaml",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_files_and_objects_stay_data(act, tmp_path, name):
    change = {f"deploy/{name}": POD.format(name="x").replace("name: web", f"name: {json.dumps(name)}")}
    run = act(clone(merged_pull_request(tmp_path, change), tmp_path / "work", 2))
    assert run.code == 1
    assert not list((tmp_path / "work").rglob("owned"))
    for line in annotations(run):
        assert re.match(r"::(error|warning|notice) (file=[^:,]*,(line=\d+,)?(col=\d+,)?)?title=[^:]*::", line)
        assert "::owned" not in line.split("::", 2)[2]
    assert "\n::error file=x::owned" not in run.log


def test_inputs_stay_data(act, checkout):
    for value in ("$(touch owned)", "`touch owned`", '"; touch owned; "'):
        assert act(checkout, path=value).code == 3
        assert act(checkout, gate=value).code == 2
        assert act(checkout, waivers=value).code in (2, 3)
    assert not list(checkout.rglob("owned"))


@pytest.mark.slow
def test_the_action_installs_what_it_is_a_part_of(checkout, tmp_path):
    action = tmp_path / "action"
    wanted = ("src", "integrations", "pyproject.toml", "README.md", "LICENSE", "requirements-run.lock")
    for name in wanted:
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy2)(place, _made(action) / name)
    facts = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": git(checkout, "rev-parse", "HEAD")}
    facts |= {"PYTHONPATH": "", "PATH": os.environ["PATH"]}
    file = action / "integrations" / "github" / "action.yml"
    run = run_action(file, checkout, tmp_path / "runner", inputs={}, event=facts)
    assert run.code == 1, run.log
    assert "deploy/new.yaml:7" in run.summary


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
