"""The hooks, run by pre-commit itself out of this checkout's files, in a repository with something old and something new."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from integrations.documented import ROOT, blocks
from integrations.pipeline_repository import POD, add, commit, git
from integrations.programs import found

HOOKS = ROOT / ".pre-commit-hooks.yaml"
PARTS = ("src", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n",
    "chart/values.yaml": "pid: true\n",
    "chart/templates/pod.yaml": POD.format(name="{{ .Release.Name }}").replace(
        "hostPID: true", "hostPID: {{ .Values.pid }}"
    ),
}


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds what is installed of this one."""
    folder = tmp_path_factory.mktemp("hooks")
    for part in PARTS:
        place = ROOT / part
        (shutil.copytree if place.is_dir() else shutil.copy2)(place, folder / part)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "all")
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One cache for all: an environment is made once for each set of packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    add(tmp_path, "deploy/old.yaml", POD.format(name="old"))
    add(tmp_path, "package.json", "{}\n")
    commit(tmp_path, "old")
    return tmp_path


def pre_commit(folder: Path, environment: dict[str, str], *words: str) -> tuple[int, str]:
    command = [found("pre-commit"), *words, "--verbose", "--color=never"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def run(repository: Path, hooks: Path, environment: dict[str, str]):
    def of(hook: str, changes: dict[str, str]) -> tuple[int, str]:
        source = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": [{"id": hook}]}
        for path, text in changes.items():
            add(repository, path, text)
        git(repository, "add", "-A")
        config = repository / ".git" / "config.yaml"
        config.write_text(yaml.safe_dump({"repos": [source]}))
        return pre_commit(repository, environment, "run", "--config", str(config), hook)

    return of


@pytest.mark.nightly("installs")
def test_the_checkout_can_be_tried_as_it_is(repository, hooks, environment):
    add(repository, "deploy/new.yaml", POD.format(name="new"))
    git(repository, "add", "-A")
    code, out = pre_commit(repository, environment, "try-repo", str(hooks), "leadline")
    assert (code, "deploy/new.yaml:7:3: high" in out, "old.yaml" in out) == (1, True, False), out


@pytest.mark.slow
def test_what_a_commit_adds_fails_and_what_was_there_does_not(run):
    code, out = run("leadline", {"deploy/new.yaml": POD.format(name="new")})
    assert (code, "deploy/new.yaml:7:3: high" in out, "old.yaml" in out) == (1, True, False), out
    assert "exit code: 1" in out


@pytest.mark.slow
def test_charts_are_rendered_by_what_the_hook_installs(run):
    code, out = run("leadline", CHART)
    assert (code, "chart/templates/pod.yaml:7" in out) == (1, True), out


@pytest.mark.slow
def test_a_commit_that_adds_nothing_bad_passes(run):
    assert run("leadline", {"package.json": '{"name": "a"}\n'})[0] == 0


@pytest.mark.slow
def test_everything_is_judged_where_that_is_asked_for(run):
    code, out = run("leadline-all", {"package.json": '{"name": "a"}\n'})
    assert (code, "deploy/old.yaml:7:3: high" in out) == (1, True), out


@pytest.mark.slow
def test_changed_files_are_judged_alone(run):
    assert run("leadline-files", {"package.json": '{"name": "a"}\n', **CHART})[0] == 0
    code, out = run("leadline-files", {"deploy/new.yaml": POD.format(name="new")})
    assert (code, "deploy/new.yaml:7:3: high" in out, "old.yaml" in out) == (1, True, False), out


@pytest.mark.slow
def test_a_file_that_cannot_be_read_fails(run):
    code, out = run("leadline-files", {"deploy/broken.yaml": "kind: [\n"})
    assert (code, "deploy/broken.yaml:2:1: unread" in out) == (1, True), out


def test_renderers_have_the_versions_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for hook in yaml.safe_load(HOOKS.read_text("utf-8")):
        if "additional_dependencies" in hook:
            assert hook["additional_dependencies"] == project["optional-dependencies"]["render"]


def test_manifest_and_pages_fit_pre_commits_own_schemas(tmp_path):
    def valid(command: str, file: Path) -> None:
        done = subprocess.run(
            [found("pre-commit"), command, str(file)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")

    valid("validate-manifest", HOOKS)
    ids = {hook["id"] for hook in yaml.safe_load(HOOKS.read_text("utf-8"))}
    for number, block in enumerate(blocks("pre-commit.md", "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block)
        valid("validate-config", file)
        assert {one["id"] for one in yaml.safe_load(block)["repos"][0]["hooks"]} <= ids
    assert (
        set(
            re.findall(
                r"^\| `(leadline[\w-]*)` \|", (ROOT / "docs/ci/pre-commit.md").read_text("utf-8"), re.M
            )
        )
        == ids
    )
