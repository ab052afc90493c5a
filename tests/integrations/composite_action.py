"""Runs the steps of a composite action as GitHub's runner does: each in bash, values by environment and files.

Form: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


class ActionRun(Struct):
    code: int
    """That of the first step that failed, else 0."""
    log: str
    """What the steps printed."""
    summary: str
    outputs: dict[str, str]


def run_action(
    file: Path, workspace: Path, scratch: Path, *, inputs: Mapping[str, str], event: Mapping[str, str]
) -> ActionRun:
    """``event`` are variables of the runner; ``scratch`` is its temporary folder.

    Raises: ``KeyError`` for an input that the action does not have, or an expression other than a plain value.
    """
    action = yaml.safe_load(file.read_text("utf-8"))
    values = {f"inputs.{name}": str(one.get("default", "")) for name, one in action["inputs"].items()}
    for name, value in inputs.items():
        values[f"inputs.{name}"] = value if f"inputs.{name}" in values else _unknown(name)
    values["github.event.merge_group.base_sha"] = event.get("QUEUE_BASE", "")
    scratch.mkdir(parents=True, exist_ok=True)
    run = ActionRun(0, "", "", {})
    summary = scratch / "summary.md"
    summary.touch()
    for number, step in enumerate(action["runs"]["steps"]):
        if run.code:
            break
        outputs = scratch / f"outputs-{number}"
        outputs.touch()
        environment = {
            **os.environ,
            **event,
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(file.parent),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(scratch),
            **{name: _filled(text, values) for name, text in step.get("env", {}).items()},
        }
        _run_step(step, workspace, environment, run)
        for line in outputs.read_text("utf-8").splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value
    run.summary = summary.read_text("utf-8")
    run.outputs = {name: _filled(one["value"], values, "") for name, one in action["outputs"].items()}
    return run


def _run_step(step: Mapping[str, Any], workspace: Path, environment: dict[str, str], run: ActionRun) -> None:
    assert step["shell"] == "bash"
    assert "${{" not in step["run"], "an expression in a script is a hole"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=workspace,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    run.code = done.returncode
    run.log += done.stdout


def _filled(text: str, values: Mapping[str, str], default: str | None = None) -> str:
    return _EXPRESSION.sub(
        lambda found: values[found[1]] if default is None else values.get(found[1], default), text
    )


def _unknown(name: str) -> str:
    raise KeyError(f"the action has no input {name}")
