"""Workflow commands of GitHub Actions: what a job prints so that it is beside a pull request.

Form: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Mapping

from leadline.outputs.text.plain import plain

MOST = 50
"""GitHub shows at most 10 errors, 10 warnings and 10 notices of a step, and 50 of a job."""
LEVELS = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "notice",
    "negligible": "notice",
    "unknown": "notice",
}


def workflow_command(level: str, properties: Mapping[str, str], message: str) -> str:
    """One line, its end included."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {given}::{_escaped(plain(message, 1_000))}\n"


def _property(value: str) -> str:
    return _escaped(plain(value, 1_000)).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
