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


PIPELINES: dict[str, Pipeline] = {"github": github, "gitlab": gitlab}
