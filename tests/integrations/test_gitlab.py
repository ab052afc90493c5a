"""The file and the page of GitLab CI: sound by GitLab's schema and shellcheck, with reports that GitLab reads."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from defusedxml import ElementTree

from integrations.documented import blocks, documented_inputs
from integrations.pipeline_repository import POD, clone, merged_pull_request
from integrations.pipelines import FOLDER, gitlab, gitlab_job
from integrations.programs import found
from outputs.gitlab_schemas import CODE_QUALITY, SAST

FILE = FOLDER / "gitlab" / "leadline.yml"


def are_valid(folder: Path, *texts: str) -> bool:
    """One process for all: most of its time is the schema's."""
    files = [folder / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    command = [found("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_file_and_page_fit_gitlabs_schema(tmp_path):
    header, body = yaml.safe_load_all(FILE.read_text("utf-8"))
    job, _ = gitlab_job("change", {})
    assert are_valid(
        tmp_path,
        yaml.safe_dump(header),
        yaml.safe_dump(body),
        yaml.safe_dump({"leadline": job}),
        *blocks("gitlab.md", "yaml"),
    )
    assert not are_valid(
        tmp_path, yaml.safe_dump({"leadline": job | {"artifacts": {"reports": {"junit": 1}}}})
    )


def test_the_page_gives_inputs_that_the_file_has():
    header, _ = yaml.safe_load_all(FILE.read_text("utf-8"))
    inputs = {name: (one["default"], one["description"]) for name, one in header["spec"]["inputs"].items()}
    assert documented_inputs("gitlab.md") == inputs
    (include,) = yaml.safe_load(blocks("gitlab.md", "yaml")[0])["include"]
    assert include["inputs"].keys() <= inputs.keys()
    assert Path(include["file"].lstrip("/")) == FILE.relative_to(FOLDER.parent)


@pytest.mark.parametrize("event", ["change", "main"])
def test_scripts_pass_shellcheck(tmp_path, event):
    job, variables = gitlab_job(event, {})
    given = "".join(f"export {name}\n" for name in variables)
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/sh\nset -e\n{given}" + "\n".join((*job["before_script"], *job["script"])))
    done = subprocess.run([found("shellcheck"), str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_reports_are_what_gitlab_reads_and_hold_all(tmp_path, program):
    changes = {"deploy/new.yaml": POD.format(name="new"), "deploy/broken.yaml": "kind: [\n"}
    work = clone(merged_pull_request(tmp_path, changes), tmp_path / "work", 2)
    ran = gitlab(work, tmp_path, "change", program)
    quality = json.loads(ran.reports["gl-code-quality-report.json"])
    CODE_QUALITY.validate(quality)
    assert {row["location"]["path"] for row in quality} == {
        "deploy/old.yaml",
        "deploy/new.yaml",
        "deploy/broken.yaml",
    }
    SAST.validate(json.loads(ran.reports["gl-sast-report.json"]))
    tests = ElementTree.fromstring(ran.reports["leadline-junit.xml"])
    failures = "".join(one.text or "" for one in tests.iter("failure"))
    assert ("deploy/new.yaml:7" in failures, "old.yaml" in failures) == (True, False)


def test_a_merged_result_is_compared_with_the_target_branch_as_it_was_merged(tmp_path, program, monkeypatch):
    work = clone(
        merged_pull_request(tmp_path, {"deploy/new.yaml": POD.format(name="new")}), tmp_path / "work", 2
    )
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=work, capture_output=True, text=True, check=True)
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", head.stdout.strip())
    assert gitlab(work, tmp_path, "change", program).code == 0


def test_the_default_branch_is_reported_and_never_fails(tmp_path, program):
    work = clone(merged_pull_request(tmp_path, {"deploy/broken.yaml": "kind: [\n"}), tmp_path / "work", 2)
    ran = gitlab(work, tmp_path, "main", program)
    assert (ran.code, "gl-code-quality-report.json" in ran.reports) == (0, True)
