"""The page of GitHub Actions: what it says to paste is sound, and its table is the action's."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from integrations.documented import ROOT, blocks, documented_inputs
from integrations.programs import found

ACTION = ROOT / "integrations" / "github" / "action.yml"


def workflow() -> str:
    return blocks("github.md", "yaml")[0]


def with_comment() -> str:
    """The workflow with the step that comments."""
    return (
        workflow().replace("actions: read", "pull-requests: write # for the comment\n      actions: read")
        + "\n"
        + blocks("github.md", "yaml")[1]
    )


def with_cache() -> str:
    """The workflow with the step that keeps the vulnerability database."""
    before, mark, after = workflow().partition("      - id: leadline\n")
    return f"{before}{blocks('README.md', 'yaml')[0]}\n{mark}{after}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The page's workflows beside a copy of the action, as GitHub finds them."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "leadline.yml").write_text(workflow())
    (folder / "comment.yml").write_text(with_comment())
    (folder / "suggest.yml").write_text(blocks("github.md", "yaml")[2])
    (folder / "cache.yml").write_text(with_cache())
    (tmp_path / "action.yml").write_text(ACTION.read_text())
    return tmp_path


def test_workflows_pass_actionlint_which_reads_their_scripts_too(repository):
    shellcheck = found("shellcheck")
    done = subprocess.run(
        [found("actionlint"), "-no-color", "-shellcheck", shellcheck],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_actionlint_finds_a_planted_fault(repository):
    file = repository / ".github" / "workflows" / "leadline.yml"
    file.write_text(file.read_text().replace("outputs.sarif != ''", "nothing.sarif != ''"))
    done = subprocess.run(
        [found("actionlint"), "-no-color"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1


def audited(repository: Path) -> list[str]:
    words = ("--offline", "--no-config", "--persona", "pedantic", "--format", "json", "--no-progress", ".")
    done = subprocess.run(
        [found("zizmor"), *words], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, *range(10, 15)), done.stderr
    return [one["ident"] for one in json.loads(done.stdout)]


def test_zizmor_finds_nothing_in_workflows_and_action(repository):
    assert audited(repository) == []


def test_zizmor_finds_a_planted_injection(repository):
    file = repository / "action.yml"
    file.write_text(file.read_text().replace('exit "$code"', "echo ${{ inputs.path }}"))
    assert "template-injection" in audited(repository)


@pytest.mark.parametrize("schema", ["github-actions", "github-workflows"])
def test_files_fit_their_schemas(repository, schema):
    files = (
        ["action.yml"]
        if schema == "github-actions"
        else [".github/workflows/leadline.yml", ".github/workflows/comment.yml"]
    )
    command = [
        found("check-jsonschema"),
        "--builtin-schema",
        f"vendor.{schema}",
        *files,
    ]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_scripts_of_the_action_pass_shellcheck(tmp_path):
    for number, step in enumerate(yaml.safe_load(ACTION.read_text())["runs"]["steps"]):
        script = tmp_path / f"{number}.sh"
        script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}")
        done = subprocess.run(
            [found("shellcheck"), "-x", str(script)], capture_output=True, text=True, check=False
        )
        assert done.stdout == ""


def test_the_table_is_that_of_the_action():
    action = yaml.safe_load(ACTION.read_text())
    assert documented_inputs("github.md") == {
        name: (one["default"], one["description"]) for name, one in action["inputs"].items()
    }


def test_the_workflow_gives_no_input_that_the_action_does_not_have():
    steps = yaml.safe_load(workflow())["jobs"]["kubernetes"]["steps"]
    (given,) = [step["with"] for step in steps if "leadline" in step.get("uses", "")]
    assert given.keys() <= documented_inputs("github.md").keys()
