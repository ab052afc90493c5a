"""``leadline harden workload``: what a workload could be held to, by what it was recorded to do."""

from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.showing import PROFILES, show
from leadline.programs.cli.output.terminal import page_width
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.rehearsing.hardening import harden
from leadline.scans.rehearsing.hardening_written import hardening_document, hardening_lines

EPILOG = """
\b
  leadline harden workload shop/Deployment/web deploy/ --profile profiles.json
      a diff of the manifest in deploy/, and a network policy
  leadline harden workload shop/Deployment/web deploy/ pods.json --profile profiles.json
      pods.json: kubectl get pods,services,endpointslices,namespaces -A -o json, to know whose addresses are

\b
Nothing is written or applied. Nothing is suggested from partial profiles alone.

Exit codes: 0 something is suggested, or nothing is left to, 2 wrong usage, 3 no complete profile of the workload, 4 a fault of leadline.
"""


@click.group("harden", epilog=EPILOG)
def command() -> None:
    """What a workload could be held to, by what it was recorded to do."""


@command.command("workload", cls=ConfiguredCommand, keys="harden", targets=lambda flags: flags["paths"])
@click.argument("name", metavar="NAMESPACE/KIND/NAME")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@PROFILES
@click.option(
    "--own",
    "is_own",
    is_flag=True,
    help="The profiles are of its container, though recorded outside of a cluster.",
)
@click.option(
    "--audit-log",
    "logs",
    multiple=True,
    metavar="FILE",
    help="Of kube-apiserver, for a role with the rights that were really used; may be gzip.",
)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def workload_command(
    name: str,
    paths: tuple[str, ...],
    profiles: tuple[str, ...],
    is_own: bool,
    logs: tuple[str, ...],
    **flags: Any,
) -> int:
    """A read-only root with volumes for what is written, capabilities, seccomp and a network policy, as a diff."""
    format = flags.pop("format")
    request = replace(request_of((), flags), targets=paths)
    with reading(request, f"reading {' '.join(paths)}") as (options, _):
        found = harden(name, paths, profiles, options, is_own=is_own, audit_logs=logs)
    show(format, lambda: hardening_document(found), lambda: hardening_lines(found, page_width()))
    if not any(one.complete for one in found.containers):
        raise SourceError(
            "no complete profile of the workload", hint="start its pods while leadline agent runs"
        )
    return 0
