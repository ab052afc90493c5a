"""Runs what the files for build servers hold, as each server does it: scripts in a shell, values by environment."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from msgspec import Struct

from integrations.composite_action import run_action
from integrations.documented import ROOT
from integrations.pipeline_repository import git

Event = Literal["change", "main"]
"""A pull request, checked out as it would be merged; or what was pushed to the default branch."""
FOLDER = ROOT / "integrations"
_GITLAB_INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")


class Ran(Struct, frozen=True):
    code: int
    log: str
    reports: Mapping[str, str]
    """The files that the server is given, by name: their text. Missing ones are missing."""


Pipeline = Callable[..., Ran]
"""``run(workspace, scratch, event, program, **inputs)``; inputs as the file calls them, with ``_`` for ``-``."""


def _inputs(given: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def github(workspace: Path, scratch: Path, event: Event, program: Path, **inputs: str) -> Ran:
    facts = {
        "GITHUB_EVENT_NAME": "pull_request" if event == "change" else "push",
        "GITHUB_SHA": git(workspace, "rev-parse", "HEAD"),
    }
    file = FOLDER / "github" / "action.yml"
    run = run_action(
        file, workspace, scratch, inputs={"program": str(program), **_inputs(inputs)}, event=facts
    )
    reports = {"summary.md": run.summary} if run.summary else {}
    if run.outputs["sarif"]:
        reports["leadline.sarif"] = Path(run.outputs["sarif"]).read_text("utf-8")
    return Ran(run.code, run.log, reports)


def gitlab_job(event: Event, inputs: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The job with its inputs filled in, and its variables by the rule that the event meets."""
    header, body = yaml.safe_load_all((FOLDER / "gitlab" / "leadline.yml").read_text("utf-8"))
    values = {name: one["default"] for name, one in header["spec"]["inputs"].items()}
    assert inputs.keys() <= values.keys()
    values |= inputs

    def filled(node: Any) -> Any:
        if isinstance(node, str):
            return _GITLAB_INPUT.sub(lambda found: values[found[1]], node)
        if isinstance(node, dict):
            return {name: filled(one) for name, one in node.items()}
        return [filled(one) for one in node] if isinstance(node, list) else node

    (job,) = filled(body).values()
    wanted = "merge_request_event" if event == "change" else "CI_DEFAULT_BRANCH"
    (rule,) = [rule for rule in job["rules"] if wanted in rule["if"]]
    return job, {**job["variables"], **rule.get("variables", {})}


def gitlab(workspace: Path, scratch: Path, event: Event, program: Path, **inputs: str) -> Ran:
    job, variables = gitlab_job(event, {"requirements": "", **_inputs(inputs)})
    facts = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": git(workspace.parent / "origin", "rev-parse", "HEAD^1")}
    variables |= facts if event == "change" else {}
    script = "\n".join((*job["before_script"], *job["script"]))
    assert "inputs." not in script, "an input in a script is a hole"
    reports = (*job["artifacts"]["paths"], *job["artifacts"]["reports"].values())
    return shell(script, workspace, program, variables, reports)


def shell(
    script: str, workspace: Path, program: Path, variables: Mapping[str, str], reports: tuple[str, ...]
) -> Ran:
    """Runs a script as servers do: any POSIX shell, ended by the first command that fails."""
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        # bash is what some servers take; no file needs it but the action.
        ["sh", "-e", "-c", script],
        cwd=workspace,
        env={**os.environ, **variables, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    found = {name: (workspace / name).read_text("utf-8") for name in reports if (workspace / name).is_file()}
    return Ran(done.returncode, done.stdout, found)


REPORTS = tuple(
    f"leadline-reports/{name}" for name in ("leadline.sarif", "leadline.md", "junit/leadline.xml")
)


def _at_the_change(workspace: Path) -> None:
    """The main branch of the origin as it was before the merge: these servers compare with where it was left."""
    origin = workspace.parent / "origin"
    git(origin, "checkout", "-q", "--detach")
    git(origin, "branch", "-q", "-f", "main", "HEAD^1")


def circleci(workspace: Path, scratch: Path, event: Event, program: Path, **inputs: str) -> Ran:
    command = yaml.safe_load((FOLDER / "circleci" / "orb.yml").read_text("utf-8"))["commands"]["scan"]
    values = {name: one["default"] for name, one in command["parameters"].items()}
    given = {"requirements": "", **_inputs(inputs)}
    assert given.keys() <= values.keys()
    values |= given
    step = command["steps"][0]["run"]
    variables = {
        name: re.sub(r"<< parameters\.([\w-]+) >>", lambda found: values[found[1]], text)
        for name, text in step["environment"].items()
    }
    assert not re.search(r"(?<!\\)<<", step["command"]), "an expression in a script is a hole"
    if event == "change":
        _at_the_change(workspace)
    variables["CIRCLE_BRANCH"] = "change" if event == "change" else "main"
    return shell(step["command"].replace("\\<<", "<<"), workspace, program, variables, REPORTS)


def azure(workspace: Path, scratch: Path, event: Event, program: Path, **inputs: str) -> Ran:
    template = yaml.safe_load((FOLDER / "azure" / "leadline.yml").read_text("utf-8"))
    values = {one["name"]: one["default"] for one in template["parameters"]}
    given = {"requirements": "", **{_camel(name): value for name, value in inputs.items()}}
    assert given.keys() <= values.keys()
    values |= given
    step = template["steps"][0]
    assert "${{" not in step["bash"], "an expression in a script is a hole"
    variables = {
        name: re.sub(r"\$\{\{ parameters\.(\w+) \}\}", lambda found: values[found[1]], text)
        for name, text in step["env"].items()
    }
    if event == "change":
        _at_the_change(workspace)
        variables["SYSTEM_PULLREQUEST_TARGETBRANCH"] = "refs/heads/main"
    return shell(step["bash"], workspace, program, variables, REPORTS)


def jenkins(workspace: Path, scratch: Path, event: Event, program: Path, **inputs: str) -> Ran:
    """What the step does around its script is run in Groovy by a test of its own: that takes seconds to start."""
    step = (FOLDER / "jenkins" / "vars" / "leadline.groovy").read_text("utf-8")
    values = dict(re.findall(r"^        (\w+): '(.*)',$", step, re.MULTILINE))
    given = {"requirements": "", **{_camel(name): value for name, value in inputs.items()}}
    assert given.keys() <= values.keys()
    values |= given
    named = re.findall(r'^        "(\w+)=\$\{settings\.(\w+)\}",$', step, re.MULTILINE)
    variables = {name: values[setting] for name, setting in named} | {"COLUMNS": "200"}
    script = step.split("'''")[1]
    assert "\\" not in script, "Groovy would read it"
    if event == "change":
        _at_the_change(workspace)
        variables["CHANGE_TARGET"] = "main"
    return shell(script, workspace, program, variables, REPORTS)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


PIPELINES: dict[str, Pipeline] = {
    "github": github,
    "gitlab": gitlab,
    "jenkins": jenkins,
    "circleci": circleci,
    "azure": azure,
}
