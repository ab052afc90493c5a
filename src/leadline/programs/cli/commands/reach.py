"""``leadline reach``: whether network policies let a connection through, and by which rule."""

from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.showing import show
from leadline.programs.cli.output.terminal import page_width
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.posture.reaching import Pods, reach_answer

EPILOG = """
\b
  leadline reach shop/web shop/db deploy/ --port 5432
      by the policies of files
  leadline reach monitoring/prometheus shop/web
      in the cluster of the current context, at every
      port that containers of web declare
  leadline reach shop/web 169.254.169.254 --port 80
      an address outside of the cluster
  leadline reach shop/web Deployment/dns --port 53/UDP

A port is that of the pods, a number or the name of a container's port, not that of a Service. What Cilium's and Calico's
policies let through is not known, unless it is everything; AdminNetworkPolicies are not read. Whether the cluster enforces
policies is not known either.

Exit codes: 0 allowed, 1 denied, not known, or something was not read that may hold a policy, 2 wrong usage, 3 nothing could
be judged, 4 a fault of leadline.
"""


@click.command("reach", cls=ConfiguredCommand, targets=lambda flags: flags["paths"], epilog=EPILOG)
@click.argument("source", metavar="FROM")
@click.argument("destination", metavar="TO")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--port",
    "asked",
    multiple=True,
    metavar="PORT[/PROTOCOL]",
    help="Number or name, TCP if no protocol is written.",
)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def command(
    source: str, destination: str, paths: tuple[str, ...], asked: tuple[str, ...], **flags: Any
) -> int:
    """Whether network policies let FROM connect to TO: which side denies it, or which rule lets it through.

    FROM and TO are NAMESPACE/KIND/NAME, NAMESPACE/NAME, NAME, or an address.
    """
    format = flags.pop("format")
    request = replace(request_of((), flags), targets=paths)
    pods = Pods()
    with (
        reading(request, f"reading {' '.join(paths)}") as (options, _),
        open_posture_scan(paths, replace(options, with_fronts=True, observe=pods.observe)) as scan,
    ):
        report = scan.report_with_bodies
    if scan.why_no_verdict:
        raise SourceError(scan.why_no_verdict)
    answer = reach_answer(report, source, destination, asked, pods)
    show(format, answer.document, lambda: answer.lines(page_width()))
    return 0 if answer.is_allowed else GATE_FAILED
