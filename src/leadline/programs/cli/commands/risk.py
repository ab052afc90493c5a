"""``leadline risk``: the workloads with most at stake, and the way to them."""

import os
import sys
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.outputs.fix_summary import unread_lines
from leadline.outputs.json_text import json_text
from leadline.outputs.plain import plain
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.risk_text import risk_lines, risk_picture
from leadline.posture.risk.ranking import workload_risks
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.flags import (
    chart_flags,
    cluster_flags,
    debug_flag,
    namespace_flags,
    path_flag,
    quiet_flag,
)
from leadline.programs.cli.progress import progress
from leadline.programs.cli.scan_request import options_of, request_without_report
from leadline.programs.cli.terminal import configure_log, width_of
from leadline.scans.posture_scan import open_posture_scan

EPILOG = """
\b
  leadline risk deploy/
      the ten workloads with most at stake in files
  leadline risk
      those of the cluster of the current context
  leadline risk deploy/ --format svg > paths.svg
      the ways to them as a picture

The score is from 0 to 100: how near an attacker is, times what is won, times how easily. docs/decisions/risk.md has the
formula.

Exit codes: 0 done, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""
_USUAL_WIDTH = 100


@click.command("risk", epilog=EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("-f", "--format", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True)
@click.option(
    "--top", type=click.IntRange(1, 100_000), default=10, show_default=True, help="How many workloads."
)
@namespace_flags
@path_flag
@cluster_flags
@chart_flags
@quiet_flag
@debug_flag
@configured("risk", lambda flags: flags["paths"])
def command(paths: tuple[str, ...], format: str, top: int, **flags: Any) -> int:
    """The workloads with most at stake: how an attacker reaches them, and what they open."""
    request = replace(request_without_report((), flags), targets=paths)
    secrets = SecretValues()
    configure_log(is_debug=request.debug, secrets=secrets)
    with progress(f"scanning {' '.join(paths)}", is_wanted=not request.quiet) as display:
        options = replace(options_of(request, display.say, with_scores=False), secrets=secrets)
        with open_posture_scan(paths, options) as scan:
            display.end()
            report = scan.report
    if scan.why_no_verdict:
        raise SourceError(scan.why_no_verdict)
    ranked = workload_risks(report)
    risks = ranked[:top]
    if format == "json":
        rows = [{"title": report.resource(r.resource).title, **msgspec.to_builtins(r)} for r in risks]
        click.echo(
            json_text(
                {
                    "workloads": rows,
                    "ranked": len(ranked),
                    "notRead": [plain(one.where, 4096) for one in report.unread],
                }
            )
        )
    elif format == "svg":
        sys.stdout.write(risk_picture(report, risks))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in risk_lines(report, risks, width) if risks else ("no workload fails anything",):
            click.echo(line)
        for line in unread_lines(report.unread, width, shows_all=False) if report.unread else ():
            click.echo(line)
    if not request.quiet:
        unread = f"; {len(report.unread):,} not read" if report.unread else ""
        click.echo(f"{len(risks):,} of {len(ranked):,} workloads{unread}", err=True)
    return 0
