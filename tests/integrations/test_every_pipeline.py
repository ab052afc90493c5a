"""What holds on every build server: the same verdict of the same change, and names and inputs that stay data."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from integrations.pipeline_repository import POD, clone, merged_pull_request
from integrations.pipelines import PIPELINES, Ran

CHANGE = {"deploy/new.yaml": POD.format(name="new")}


ON_ALL = (
    "test_what_a_change_adds_fails_with_place_and_fix",
    "test_names_of_files_and_objects_stay_data",
    "test_inputs_stay_data",
)
"""The others run on two servers, each test on the next two, and on the rest at night."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    servers, test = list(PIPELINES), metafunc.function.__name__
    turn = list(vars(metafunc.module)).index(test)
    now = servers if test in ON_ALL else [servers[turn % len(servers)], servers[(turn + 1) % len(servers)]]
    at_night = pytest.mark.nightly("matrices")
    metafunc.parametrize(
        "run", [one if one in now else pytest.param(one, marks=at_night) for one in servers], indirect=True
    )


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path, program: Path):
    def of(workspace: Path, event: str = "change", **inputs: str) -> Ran:
        return PIPELINES[request.param](workspace, tmp_path / "runner", event, program, **inputs)

    return of


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return clone(merged_pull_request(tmp_path, CHANGE), tmp_path / "work", 2)


def checkout_of(tmp_path: Path, changes: dict[str, str]) -> Path:
    return clone(merged_pull_request(tmp_path, changes), tmp_path / "work", 2)


def test_what_a_change_adds_fails_with_place_and_fix(run, checkout):
    ran = run(checkout)
    assert ran.code == 1
    assert "deploy/new.yaml:7" in ran.log
    assert "remove spec.hostPID" in ran.log
    assert re.search(
        r"^\d+ new: .*, \d+ known; failed: --severity-threshold high, 2 findings", ran.log, re.MULTILINE
    )
    assert ran.reports


def test_a_change_without_anything_new_passes(run, tmp_path):
    ran = run(checkout_of(tmp_path, {"notes.txt": "x\n"}))
    assert ran.code == 0, ran.log
    assert re.search(
        r"^0 new, \d+ known; passed: --severity-threshold high; --fail-on unread", ran.log, re.MULTILINE
    )


def test_the_base_is_fetched_where_the_checkout_has_one_commit(run, checkout, tmp_path):
    ran = run(clone(tmp_path / "origin", tmp_path / "shallow", 1))
    assert (ran.code, "0 known" in ran.log) == (1, False), ran.log


def test_without_the_base_nothing_is_compared_with_nothing(run, checkout, tmp_path):
    shallow = clone(tmp_path / "origin", tmp_path / "shallow", 1)
    subprocess.run(["git", "remote", "remove", "origin"], cwd=shallow, check=True)
    ran = run(shallow)
    assert ran.code > 1
    assert not [name for name in ran.reports if not name.endswith(".md")]


def test_what_cannot_be_read_fails_unless_asked_otherwise(run, tmp_path):
    broken = checkout_of(tmp_path, {"deploy/broken.yaml": "kind: [\n"})
    ran = run(broken)
    assert (ran.code, "deploy/broken.yaml" in ran.log) == (1, True)
    assert run(broken, fail_on_unread="false").code == 0


def test_what_was_unreadable_before_fails_no_change(run, tmp_path):
    origin = merged_pull_request(tmp_path, {"deploy/broken.yaml": "kind: [\n"})
    for words in (
        ("checkout", "-q", "-b", "next"),
        ("commit", "-q", "--allow-empty", "-m", "x"),
        ("checkout", "-q", "main"),
        ("merge", "-q", "--no-ff", "-m", "y", "next"),
    ):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=origin, check=True)
    ran = run(clone(origin, tmp_path / "work", 2))
    assert (ran.code, "broken.yaml" in ran.log) == (0, True), ran.log


def test_an_empty_path_is_no_pass_and_gives_no_report_to_compare_with(run, tmp_path):
    ran = run(checkout_of(tmp_path, {"notes/a.txt": "x"}), path="notes")
    assert ran.code == 3
    assert not [name for name in ran.reports if not name.endswith(".md")]


def test_old_findings_in_a_baseline_and_accepted_ones_pass(run, checkout, program):
    known = [str(program), "baseline", "save", "-q", "deploy", "-o", "known.json"]
    subprocess.run(known, cwd=checkout, check=True)
    assert run(checkout, path="deploy", since="", baseline="known.json").code == 0
    assert run(checkout, path="deploy", since="").code == 1
    (checkout / "waivers.yaml").write_text(
        "waivers:\n- {reason: reviewed, match: {names: ['*'], controls: ['C-*', 'L-*']}}\n"
    )
    # What the change itself accepts waits for approval.
    assert run(checkout, path="deploy", waivers="waivers.yaml").code == 1
    assert run(checkout, path="deploy", waivers="waivers.yaml", arguments="--accept-from-change").code == 0


def test_main_is_reported_whole(run, checkout):
    ran = run(checkout, event="main", gate="none")
    assert ran.code == 0
    assert not re.search(r"\d+ known", ran.log)
    assert any("deploy/old.yaml" in text for text in ran.reports.values())


def test_frameworks_and_more_arguments_reach_the_scan_whole(run, checkout):
    more = "--exclude-path\nold file.yaml\n\n--min-severity\nhigh"
    assert run(checkout, path="deploy", frameworks="nsa,mitre", arguments=more).code == 1
    assert run(checkout, frameworks="no-such").code == 2


HOSTILE = (
    "$(touch owned).yaml",
    "`touch owned`.yaml",
    "a; touch owned.yaml",
    "a\n::error file=x::owned\n##vso[task.complete]\n.yaml",
    "a%0A::error::owned.yaml",
    "-f json.yaml",
    "a,line=1::owned.yaml",
)


def test_names_of_files_and_objects_stay_data(run, tmp_path):
    change = {
        f"deploy/{name}": POD.format(name="x").replace("name: web", f"name: {json.dumps(name)}")
        for name in HOSTILE
    }
    ran = run(checkout_of(tmp_path, change))
    assert ran.code == 1
    assert f"failed: --severity-threshold high, {2 * len(HOSTILE)} findings" in ran.log
    assert not list((tmp_path / "work").rglob("owned"))
    for line in ran.log.splitlines():
        if line.lstrip().startswith("::"):
            own = re.match(
                r"::(error|warning|notice) (file=[^:,]*,(line=\d+,)?(col=\d+,)?)?title=[^:]*::", line
            )
            assert own, line
            assert "::owned" not in line[own.end() :]
        elif line.startswith("##vso["):
            assert re.match(r"##vso\[task\.(logissue|uploadsummary)[^\]]*\]", line), line


def test_inputs_stay_data(run, checkout):
    value = "a b $(touch owned) `touch owned` \"; touch owned; \" '; touch owned; '"
    assert run(checkout, path=value).code == 3
    assert run(checkout, gate=value).code == 2
    assert run(checkout, waivers=value).code in (2, 3)
    assert run(checkout, since=value).code == 3
    assert not list(checkout.rglob("owned"))
