"""The composite action, run as a runner does it, on checkouts as it finds them."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from integrations.composite_action import ActionRun, run_action
from integrations.pipeline_repository import POD, clone, git, merged_pull_request

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "integrations" / "github" / "action.yml"
CHANGE = {"deploy/new.yaml": POD.format(name="new")}


@pytest.fixture
def act(tmp_path: Path, program: Path):
    def run(workspace: Path, event: str = "pull_request", **inputs: str) -> ActionRun:
        facts = {"GITHUB_EVENT_NAME": event, "GITHUB_SHA": git(workspace, "rev-parse", "HEAD")}
        given = {"program": str(program)} | {name.replace("_", "-"): value for name, value in inputs.items()}
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


def test_an_empty_path_is_no_pass(act, tmp_path):
    origin = merged_pull_request(tmp_path, {"notes/a.txt": "x"})
    run = act(clone(origin, tmp_path / "work", 2), path="notes")
    assert (run.code, run.outputs) == (3, {"exit-code": "3", "sarif": "", "markdown": ""})
    assert annotations(run) == [
        "::error title=Leadline::the scan did not come to an end (exit code 3): see its last line above"
    ]


@pytest.mark.slow
def test_the_action_installs_what_it_is_a_part_of(checkout, tmp_path):
    action = tmp_path / "action"
    wanted = ("src", "integrations", "pyproject.toml", "README.md", "LICENSE", "requirements-cli.lock")
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
