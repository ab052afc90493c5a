"""``leadline diff``: what is new and what is gone between two scans."""

import os
from datetime import UTC, datetime
from typing import Any

import click

from leadline.errors import GATE_FAILED
from leadline.outputs.text.comparison_text import Sides, difference_document, difference_lines
from leadline.outputs.text.json_text import json_text
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CHARTS, CLUSTER, takes
from leadline.programs.cli.output.terminal import width_of
from leadline.programs.cli.scanning.requests import grave, reading, request_of
from leadline.scans.posture.baselines import compare_sides

EPILOG = """
\b
  leadline diff deploy/@main deploy/
      a folder now and at a revision of its repository
  leadline diff deploy/ cluster
      files and the cluster of the current context
  leadline diff monday.json tuesday.json
      two reports (scan -f report) or baselines

Exit codes: 0 done, 1 something new at or above --severity-threshold, 2 wrong usage, 3 a side could not be read.
"""
_USUAL_WIDTH = 100


@click.command(
    "diff",
    cls=ConfiguredCommand,
    targets=lambda flags: tuple(map(_path_of, (flags["old"], flags["new"]))),
    epilog=EPILOG,
)
@click.argument("old")
@click.argument("new")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(
    *("severity_threshold", "exclude_paths", *CLUSTER, *CHARTS, "quiet"),
    severity_threshold=Flag("Exit 1 on something new at or above it."),
)
def command(old: str, new: str, format: str, **flags: Any) -> int:
    """What is new and what is gone between OLD and NEW: reports, baselines, paths, PATH@REVISION, git addresses, cluster."""
    request = request_of((), flags)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with reading(request, f"comparing {old} and {new}", with_scores=True) as (options, _):
        both = compare_sides(old, new, options, at)
    severities = {control.id: control.severity for control in load_controls()}
    fresh = [both.new.findings[number] for number in both.difference.new]
    if format == "json":
        click.echo(json_text(difference_document(Sides(both.old, both.new, both.difference))))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in difference_lines(Sides(both.old, both.new, both.difference), severities, width):
            click.echo(line)
    failing = grave(request.severity_threshold)
    return GATE_FAILED if any(severities.get(seen.control, "unknown") in failing for seen in fresh) else 0


def _path_of(side: str) -> str:
    """The path of ``deploy/@main``."""
    return side if "://" in side else side.partition("@")[0]
