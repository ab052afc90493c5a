"""``leadline agent``: watches what the containers of this machine do, and ``leadline agent check`` says what it could see."""

import asyncio
import sys
from typing import Any

import click
import msgspec

from leadline.programs.agent.loop import Settings, serve
from leadline.programs.serving.log import log_to_stderr
from leadline.scans.observing.check import check_node

_DEFAULTS = Settings()


@click.group("agent", invoke_without_command=True)
@click.option("--json", is_flag=True, help="Print every event as a line of JSON.")
@click.option(
    "--alerts/--no-alerts",
    default=True,
    show_default=True,
    help="Print alerts of the rules as lines of JSON.",
)
@click.option("--rule", multiple=True, metavar="ID", help="A rule that is off by itself.")
@click.option("--without-rule", multiple=True, metavar="ID", help="Leave a rule out.")
@click.option(
    "--rules", multiple=True, metavar="FILE", help="Rules of your own: Python, or objects of the kind Rules."
)
@click.option(
    "--waivers", multiple=True, metavar="FILE", help="Accept alerts by what is written there, as findings."
)
@click.option(
    "--profiles", default="", metavar="FILE", help="Keep what each container did there, over restarts too."
)
@click.option("--every", is_flag=True, help="Everything, not only what a container does for the first time.")
@click.option("--processes", is_flag=True, help="Every fork and exit too.")
@click.option("--host", is_flag=True, help="The machine itself too, not only its containers.")
@click.option("--others", is_flag=True, help="Also processes in mount namespaces that are not containers.")
@click.option(
    "--seconds", default=0.0, type=click.FloatRange(min=0), help="End after so long; 0: on a signal."
)
@click.option("--environment", multiple=True, metavar="NAME", help="Say whether programs get this variable.")
@click.option(
    "--ring-bytes", default=_DEFAULTS.ring_bytes, show_default=True, help="Room for records; a power of two."
)
@click.option(
    "--file-budget",
    default=_DEFAULTS.file_budget,
    show_default=True,
    type=click.IntRange(min=1),
    help="New files of one container per second, twenty times as many at its start; above, one record for each folder.",
)
@click.option(
    "--cri",
    default=_DEFAULTS.cri,
    show_default=True,
    help="Socket of the container runtime, for names and images; auto: the usual places, Docker and Podman; none: no names.",
)
@click.option("--node", default="", help="Name of this node: ask the cluster for the workloads of its pods.")
@click.option(
    "--store",
    default="",
    type=click.Choice(["", "kube"]),
    metavar="kube",
    help="Keep the profile of each container of a workload in the cluster: kubectl get containerprofiles.",
)
@click.option(
    "--learning-hours",
    default=_DEFAULTS.learning_hours,
    show_default=True,
    type=click.FloatRange(min=0),
    help="So long a container is learned; 0: not at all, which costs system calls least.",
)
@click.option("--port", default=0, help="Answer Prometheus and the kubelet there; 0: no one.")
@click.pass_context
def command(context: click.Context, /, **flags: Any) -> None:
    """Watch what the containers of this machine do: Kubernetes, Docker, Podman, plain runc.

    As root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. Secrets in arguments, addresses and paths are hidden before
    anything is written.
    """
    log_to_stderr()
    if context.invoked_subcommand is None:
        asyncio.run(serve(Settings(**flags), sys.stdout.buffer))


@command.command("check")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(format: str) -> None:
    """Show what this kernel allows, and what the agent would be blind for."""
    found = check_node()
    text = msgspec.json.encode(found).decode() if format == "json" else "\n".join(found.lines())
    click.echo(text)
    if found.problem:
        raise click.exceptions.Exit(3)
