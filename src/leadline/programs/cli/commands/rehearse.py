"""``leadline rehearse``: what recorded behaviour a policy would have blocked, before it is applied."""

from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.showing import PROFILES, show
from leadline.programs.cli.output.terminal import page_width
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.rehearsing.rehearsal import RehearsalOptions, rehearse
from leadline.scans.rehearsing.written import rehearsal_document, rehearsal_lines

EPILOG = """
\b
  leadline rehearse policy.yaml --profile profiles.json
      network policies against recorded connections
  leadline rehearse deploy/ pods.json --profile profiles.json
      workloads with their security contexts, volumes and seccomp profiles; pods.json: kubectl get
      pods,services,endpointslices,namespaces -A -o json says whose the addresses are
  leadline rehearse seccomp.json --profile profiles.json
      a seccomp profile as the kubelet reads it
  leadline rehearse roles.yaml --audit-log audit.log --profile profiles.json
      roles and bindings against recorded requests

\b
Profiles are what leadline agent --profiles writes. Without POLICY, the policies of the cluster are judged.

Exit codes: 0 nothing recorded would be blocked, 1 something would, 2 wrong usage, 3 nothing could be judged, 4 a fault of
leadline. What is not known is named and counted; --fail-on unknown makes it exit 1.
"""


@click.command("rehearse", cls=ConfiguredCommand, targets=lambda flags: flags["paths"], epilog=EPILOG)
@click.argument("paths", metavar="[POLICY]...", nargs=-1)
@PROFILES
@click.option(
    "--audit-log", "logs", multiple=True, metavar="FILE", help="Of kube-apiserver, for roles; may be gzip."
)
@click.option(
    "--workload", default="", metavar="NAMESPACE/KIND/NAME[/CONTAINER]",
    help="Whose the containers are that were recorded outside of a cluster.",
)  # fmt: skip
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--fail-on", type=click.Choice(["unknown"]), default=None, help="Exit 1 where something is not known too."
)
@takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def command(
    paths: tuple[str, ...],
    profiles: tuple[str, ...],
    logs: tuple[str, ...],
    workload: str,
    fail_on: str | None,
    **flags: Any,
) -> int:
    """What recorded behaviour POLICY would have blocked: network policies, seccomp profiles, security contexts, volumes, roles."""
    format = flags.pop("format")
    request = replace(request_of((), flags), targets=paths)
    wanted = RehearsalOptions(profiles, logs, workload)
    with reading(request, f"reading {' '.join(paths)}") as (options, _):
        report = rehearse(paths, wanted, options)
    show(format, lambda: rehearsal_document(report), lambda: rehearsal_lines(report, page_width()))
    blocked, unknown = report.number("blocked"), report.number("unknown")
    if blocked or (unknown and fail_on):
        return GATE_FAILED
    if not report.number("allowed"):
        raise SourceError("nothing could be judged", hint="the reasons are above")
    return 0
