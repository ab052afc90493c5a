"""``leadline risk``: the workloads with most at stake, and the way to them."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.kube.workload import POD_KINDS
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.outputs.text.risk_text import risk_lines, risk_picture
from leadline.posture.risk.ranking import workload_risks
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.terminal import width_of
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.image_facts import KnownImages, image_facts

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
_NAMED = 8
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
    known = image_facts(images, _workloads(report)) if images else KnownImages({})
    ranked = workload_risks(report, known.facts)
    risks = ranked[:top]
    if format == "json":
        rows = [{"title": report.resource(r.resource).title, **msgspec.to_builtins(r)} for r in risks]
        click.echo(
            json_text(
                {
                    "workloads": rows,
                    "ranked": len(ranked),
                    "notRead": [plain(one.where, 4096) for one in report.unread],
                    "imagesNotKnown": [
                        {"title": report.resource(id).title, "image": plain(image, 4096)}
                        for id, image in known.unknown
                    ],
                }
            )
        )
    elif format == "svg":
        sys.stdout.write(risk_picture(report, risks))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in risk_lines(report, risks, width) if risks else ("no workload fails anything",):
            click.echo(line)
        for line in _unknown_lines(report, known, width):
            click.echo(line)
        for line in unread_lines(report.unread, width, shows_all=False) if report.unread else ():
            click.echo(line)
    if not request.quiet:
        unread = f"; {count(len(known.unknown), 'image')} of them not known" if known.unknown else ""
        unread += f"; {len(report.unread):,} not read" if report.unread else ""
        click.echo(f"{len(risks):,} of {len(ranked):,} workloads{unread}", err=True)
    return 0


def _workloads(report: PostureReport) -> list[Resource]:
    failing = {finding.resource for finding in report.findings}
    return [one for one in report.resources if one.id in failing and one.kind in POD_KINDS]


def _unknown_lines(report: PostureReport, known: KnownImages, width: int) -> Iterator[str]:
    """Images that nothing is known of: their workloads are ranked as if they had no vulnerability."""
    if not known.unknown:
        return
    yield from wrapped(
        f"images not known: {len(known.unknown):,}, not in the report, or matched with no database;"
        " their vulnerabilities do not count",
        width,
    )
    for id, image in known.unknown[:_NAMED]:
        yield from (
            f"  {line}"
            for line in wrapped(f"{plain(image, 4096)}  {plain(report.resource(id).title)}", width - 2)
        )
    if len(known.unknown) > _NAMED:
        yield f"  and {len(known.unknown) - _NAMED:,} more, --format json names all"
    yield ""
