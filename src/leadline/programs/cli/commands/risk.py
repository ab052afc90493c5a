"""``leadline risk``: the workloads with most at stake, and the way to them."""

from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.showing import remark, show
from leadline.programs.cli.output.terminal import page_width
from leadline.programs.cli.scanning.requests import posture_options, reading, request_of
from leadline.scans.options import silent
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.risks import ranking, stored_ranking

EPILOG = """
\b
  leadline risk deploy/
      the ten workloads with most at stake in files
  leadline risk
      those of the cluster of the current context
  leadline risk --from-store kube
      the same as the operator keeps it, at once and without reading the cluster
  leadline risk deploy/ --images images.json
      with what is in their images, as leadline scan image --from-manifests deploy/ -o images.json found it
  leadline risk deploy/ --format svg > paths.svg
      the ways to them as a picture

The score is from 0 to 100: how near an attacker is, times what is won, times how easily. docs/decisions/risk.md has the
formula.

Exit codes: 0 done, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""


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
@takes(*NAMESPACES, "from_store", "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def command(paths: tuple[str, ...], format: str, top: int, images: str, **flags: Any) -> int:
    """The workloads with most at stake: how an attacker reaches them, and what they open."""
    request = replace(request_of((), flags), targets=paths)
    if request.from_store:
        if request.targets or images:
            raise UsageError(
                "--from-store reads no files", hint="leave PATH and --images out, or --from-store"
            )
        # The store speaks HTTP asynchronously; who ranks files does not pay for the import.
        from leadline.programs.cli.scanning.storing import read_risks

        found = stored_ranking(read_risks(request, posture_options(request, silent, with_scores=False)), top)
    else:
        with (
            reading(request, f"scanning {' '.join(paths)}") as (options, _),
            open_posture_scan(paths, replace(options, with_fronts=True)) as scan,
        ):
            report = scan.report_with_bodies
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        found = ranking(report, images, top)
    show(format, found.document, lambda: found.lines(page_width()), found.picture)
    remark(found.summary(), quiet=request.quiet)
    return 0
