"""``leadline risk``: the workloads with most at stake, and the way to them."""

import os
import sys
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.outputs.text.json_text import json_text
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.terminal import width_of
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.risks import ranking

EPILOG = """
\b
  leadline risk deploy/
      the ten workloads with most at stake in files
  leadline risk
      those of the cluster of the current context
  leadline risk deploy/ --images images.json
      with what is in their images, as leadline scan image --from-manifests deploy/ -o images.json found it
  leadline risk deploy/ --format svg > paths.svg
      the ways to them as a picture

The score is from 0 to 100: how near an attacker is, times what is won, times how easily. docs/decisions/risk.md has the
formula.

Exit codes: 0 done, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""
_USUAL_WIDTH = 100
"""Images that nothing is known of."""


@click.command("risk", cls=ConfiguredCommand, targets=lambda flags: flags["paths"], epilog=EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("-f", "--format", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True)
@click.option(
    "--top", type=click.IntRange(1, 100_000), default=10, show_default=True, help="How many workloads."
)
@click.option(
    "--images",
    default="",
    metavar="FILE",
    help="A JSON report of leadline scan image: vulnerabilities count too.",
)
@takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def command(paths: tuple[str, ...], format: str, top: int, images: str, **flags: Any) -> int:
    """The workloads with most at stake: how an attacker reaches them, and what they open."""
    request = replace(request_of((), flags), targets=paths)
    with (
        reading(request, f"scanning {' '.join(paths)}") as (options, _),
        open_posture_scan(paths, replace(options, with_fronts=True)) as scan,
    ):
        report = scan.report_with_bodies
    if scan.why_no_verdict:
        raise SourceError(scan.why_no_verdict)
    ranked = ranking(report, images, top)
    if format == "json":
        click.echo(json_text(ranked.document()))
    elif format == "svg":
        sys.stdout.write(ranked.picture())
    else:
        for line in ranked.lines(width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)):
            click.echo(line)
    if not request.quiet:
        click.echo(ranked.summary(), err=True)
    return 0
