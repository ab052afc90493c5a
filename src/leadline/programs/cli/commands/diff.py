"""``leadline diff``: what is new and what is gone between two scans."""

import os
from datetime import UTC, datetime
from typing import Any

import click

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES
from leadline.outputs.text.comparison_text import Sides, difference_document, difference_lines
from leadline.outputs.text.json_text import json_text
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.flags import chart_flags, cluster_flags, path_flag, quiet_flag
from leadline.programs.cli.progress import progress
from leadline.programs.cli.scan_request import GRADES, options_of, request_without_report
from leadline.programs.cli.terminal import width_of
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


@click.command("diff", epilog=EPILOG)
@click.argument("old")
@click.argument("new")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Exit 1 on something new at or above it."
)
@path_flag
@cluster_flags
@chart_flags
@quiet_flag
@configured("diff", lambda flags: tuple(map(_path_of, (flags["old"], flags["new"]))))
def command(old: str, new: str, format: str, severity_threshold: str, **flags: Any) -> int:
    """What is new and what is gone between OLD and NEW: reports, baselines, paths, PATH@REVISION, git addresses, cluster."""
    threshold = severity_threshold.strip().lower()
    if threshold and threshold not in GRADES:
        raise UsageError(
            f"--severity-threshold must be one of {', '.join(reversed(GRADES))} (got {threshold})"
        )
    request = request_without_report((), flags)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with progress(f"comparing {old} and {new}", is_wanted=not request.quiet) as display:
        both = compare_sides(old, new, options_of(request, display.say, with_scores=True), at)
    severities = {control.id: control.severity for control in load_controls()}
    fresh = [both.new.findings[number] for number in both.difference.new]
    if format == "json":
        click.echo(json_text(difference_document(Sides(both.old, both.new, both.difference))))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in difference_lines(Sides(both.old, both.new, both.difference), severities, width):
            click.echo(line)
    grave = SEVERITIES[: SEVERITIES.index(threshold) + 1] if threshold else ()
    return 1 if any(severities.get(seen.control, "unknown") in grave for seen in fresh) else 0


def _path_of(side: str) -> str:
    """The path of ``deploy/@main``."""
    return side if "://" in side else side.partition("@")[0]
