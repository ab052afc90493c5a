"""``leadline diff``: what is new and what is gone between two scans."""

from datetime import UTC, datetime
from typing import Any

import click

from leadline.errors import GATE_FAILED
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CHARTS, CLUSTER, takes
from leadline.programs.cli.output.difference import difference_flags, write_difference
from leadline.programs.cli.scanning.requests import grave, reading, request_of
from leadline.scans.posture.baselines import compare_sides
from leadline.scans.posture.difference import DifferenceForm

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


@click.command(
    "diff",
    cls=ConfiguredCommand,
    targets=lambda flags: tuple(map(_path_of, (flags["old"], flags["new"]))),
    epilog=EPILOG,
)
@click.argument("old")
@click.argument("new")
@difference_flags
@takes(
    *("severity_threshold", "exclude_paths", *CLUSTER, *CHARTS, "quiet"),
    severity_threshold=Flag("Exit 1 on something new at or above it."),
)
def command(old: str, new: str, format: DifferenceForm, output: str, **flags: Any) -> int:
    """What is new and what is gone between OLD and NEW: reports, baselines, paths, PATH@REVISION, git addresses, cluster."""
    request = request_of((), flags)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with reading(request, f"comparing {old} and {new}", with_scores=True) as (options, _):
        both = compare_sides(old, new, options, at)
    controls = {control.id: control for control in load_controls()}
    fresh = [both.new.findings[number] for number in both.difference.new]
    write_difference(both, controls, format, output)
    failing = grave(request.severity_threshold)
    is_failed = any(one.severity in failing for seen in fresh if (one := seen.control_of(controls)))
    return GATE_FAILED if is_failed else 0


def _path_of(side: str) -> str:
    """The path of ``deploy/@main``."""
    return side if "://" in side else side.partition("@")[0]
