"""Jenkins, CircleCI and Azure: files and pages are sound, as far as their servers' own schemas and languages show."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from integrations.documented import blocks, documented_inputs
from integrations.pipeline_repository import POD, clone, git, merged_pull_request
from integrations.pipelines import FOLDER
from integrations.programs import found

STEP = FOLDER / "jenkins" / "vars" / "leadline.groovy"
HARNESS = Path(__file__).parent / "jenkins_step.groovy"
AZURE = ("vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "python")


def are_valid(folder: Path, texts: list[str], schema: str, *flags: str) -> bool:
    """One process for all: most of its time is the schema's."""
    files = [folder / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    command = [found("check-jsonschema"), "--builtin-schema", schema, *flags, *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def orb() -> dict[str, object]:
    return yaml.safe_load((FOLDER / "circleci" / "orb.yml").read_text("utf-8"))


def test_circleci_takes_orb_and_page(tmp_path):
    (page,) = blocks("circleci.md", "yaml")
    pasted = yaml.safe_load(page)
    pasted["orbs"]["leadline"] = {name: value for name, value in orb().items() if name != "version"}
    good = [yaml.safe_dump(orb()), page, yaml.safe_dump(pasted)]
    assert are_valid(tmp_path, good, "vendor.circle-ci")
    pasted["jobs"]["kubernetes"]["steps"] = "checkout"
    assert not are_valid(tmp_path, [yaml.safe_dump(pasted)], "vendor.circle-ci")


def test_azure_takes_template_and_page(tmp_path):
    template = (FOLDER / "azure" / "leadline.yml").read_text("utf-8")
    (page,) = blocks("azure.md", "yaml")
    assert are_valid(tmp_path, [template, page], *AZURE)
    assert not are_valid(tmp_path, [template.replace("type: string", "type: text")], *AZURE)


def test_tables_of_the_pages_are_those_of_the_files():
    (command,) = orb()["commands"].values()
    parameters = command["parameters"]
    assert documented_inputs("circleci.md") == {
        name: (one["default"], one["description"]) for name, one in parameters.items()
    }
    template = (FOLDER / "azure" / "leadline.yml").read_text("utf-8")
    rows = re.findall(r'  # (.*)\n  - name: (\w+)\n    type: string\n    default: "?(.*?)"?\n', template)
    assert documented_inputs("azure.md") == {name: (default, text) for text, name, default in rows}
    rows = re.findall(r"^        // (.*)\n        (\w+): '(.*)',$", STEP.read_text("utf-8"), re.MULTILINE)
    assert documented_inputs("jenkins.md") == {name: (default, text) for text, name, default in rows}


def test_pages_give_inputs_that_there_are():
    steps = yaml.safe_load(blocks("azure.md", "yaml")[0])["steps"]
    assert steps[1]["parameters"].keys() <= documented_inputs("azure.md").keys()
    job = yaml.safe_load(blocks("circleci.md", "yaml")[0])["jobs"]["kubernetes"]
    assert job["steps"][1]["leadline/scan"].keys() <= documented_inputs("circleci.md").keys()
    given = re.findall(r"(\w+): '", blocks("jenkins.md", "groovy")[0].split("leadline(")[1])
    assert set(given) <= documented_inputs("jenkins.md").keys()


def scripts() -> dict[str, str]:
    (command,) = orb()["commands"].values()
    azure = yaml.safe_load((FOLDER / "azure" / "leadline.yml").read_text("utf-8"))
    return {
        "circleci": command["steps"][0]["run"]["command"].replace("\\<<", "<<"),
        "azure": azure["steps"][0]["bash"],
        "jenkins": STEP.read_text("utf-8").split("'''")[1],
    }


@pytest.mark.parametrize("server", ["circleci", "azure", "jenkins"])
def test_scripts_pass_shellcheck(tmp_path, server):
    names = ("SCAN_PATH", "GATE", "FAIL_ON_UNREAD", "SINCE", "BASELINE", "WAIVERS", "FRAMEWORKS", "ARGUMENTS")
    given = "".join(f"export {name}\n" for name in (*names, "REQUIREMENTS", "MAIN_BRANCH", "WORKSPACE_TMP"))
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/sh\nset -e\n{given}{scripts()[server]}")
    done = subprocess.run([found("shellcheck"), str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def groovy(folder: Path, *words: str, program: Path | None = None) -> str:
    command, java = found("groovy"), Path(found("java")).resolve().parents[1]
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}" if program else os.environ["PATH"]
    environment = os.environ | {"JAVA_HOME": str(java), "PATH": path, "CHANGE_TARGET": "main"}
    done = subprocess.run(
        [command, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_step_of_jenkins_fails_a_pull_request_and_hands_its_reports_on(tmp_path, program):
    changes = {"deploy/new.yaml": POD.format(name="new")}
    work = clone(merged_pull_request(tmp_path, changes), tmp_path / "work", 2)
    git(tmp_path / "origin", "checkout", "-q", "--detach")
    git(tmp_path / "origin", "branch", "-q", "-f", "main", "HEAD^1")
    out = groovy(work, str(HARNESS), str(STEP), "requirements=", "path=deploy", program=program)
    assert "deploy/new.yaml:7:3: high" in out, out
    assert "junit [testResults:leadline-reports/junit/*.xml" in out
    assert "archiveArtifacts [artifacts:leadline-reports/**" in out
    assert out.splitlines()[-1] == "step failed: leadline: a gate failed"
    assert (work / "leadline-reports/junit/leadline.xml").is_file()


@pytest.mark.slow
def test_the_step_of_jenkins_names_settings_that_there_are_not_and_scans_without_a_verdict(tmp_path, program):
    assert "step failed: leadline: no such setting: gates; there are path, gate," in groovy(
        tmp_path, str(HARNESS), str(STEP), "gates=high"
    )
    work = clone(merged_pull_request(tmp_path, {"notes/a.txt": "x"}), tmp_path / "work", 2)
    hostile = "path=$(touch owned) ${code} '''"
    out = groovy(work, str(HARNESS), str(STEP), "requirements=", "since=", hostile, program=program)
    assert out.splitlines()[-1].startswith("step failed: leadline: there is no verdict (exit code 3)"), out
    assert not (work / "owned").exists()


@pytest.mark.slow
def test_the_jenkinsfile_of_the_page_is_groovy(tmp_path):
    for number, block in enumerate(blocks("jenkins.md", "groovy")):
        (tmp_path / f"{number}.groovy").write_text(block)
    check = "args.each { new groovy.lang.GroovyShell().parser ?: 0; new org.codehaus.groovy.control.CompilationUnit().with { u -> u.addSource(new File(it)); u.compile(org.codehaus.groovy.control.Phases.CONVERSION) } }; println 'all'"
    (tmp_path / "check.groovy").write_text(check.replace("new groovy.lang.GroovyShell().parser ?: 0; ", ""))
    files = [str(path) for path in sorted(tmp_path.glob("[0-9].groovy"))]
    assert groovy(tmp_path, str(tmp_path / "check.groovy"), *files).strip() == "all"
    (tmp_path / "0.groovy").write_text("pipeline { stages { \n")
    assert "all" not in groovy(tmp_path, str(tmp_path / "check.groovy"), files[0])
