"""``leadline host``: what a node says of itself, for the controls that judge nodes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leadline.programs.cli.options.table import takes
from leadline.scans.host.collecting import collect, facts_document

EPILOG = """
\b
  leadline host facts -o node.json
      of the node it runs on; as root, so that every file can be looked at
  leadline host facts --root /mnt/disk --node worker-7 -o node.json
      of a node's disk that is mounted
  leadline scan --host-facts node.json
      judges it

Only the one file is written, no link leads out of the root, and no content of a key or a kubeconfig is read.

Exit codes: 0 done, 2 wrong usage, 3 nothing of a node was found, 4 a fault of leadline.
"""


@click.group("host", epilog=EPILOG)
def command() -> None:
    """What nodes say of themselves: files, settings of the kubelet, the control plane."""


@command.command("facts", epilog=EPILOG)
@click.option("--root", default="/", show_default=True, metavar="FOLDER", help="Where the node's files are.")
@click.option(
    "--node", default="", metavar="NAME", help="The node's name in its cluster; by default its host name."
)
@click.option(
    "--kubelet-version", default="", metavar="VERSION", help="Named beside settings that are defaults."
)
@click.option(
    "--configz", default="", metavar="FILE", help="The kubelet's own answer to /configz: it knows what holds."
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write there instead of to standard output.")
@takes("quiet")
def facts(root: str, node: str, *, output: str, quiet: bool, **said: str) -> int:
    """Reads files, settings and processes of a node and writes them as JSON."""
    found = collect(root, node, **said)
    document = facts_document(found)
    if output:
        Path(output).write_bytes(document)
    else:
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
    if not quiet:
        for unread in found.unread:
            hint = f"; {unread.hint}" if unread.hint else ""
            click.echo(f"not read: {unread.path}: {unread.why}{hint}", err=True)
        parts = f"{len(found.objects)} kinds of facts, {len(found.static_pods)} static Pods, {len(found.unread)} not read"
        click.echo(f"node {found.node}: {parts}", err=True)
    return 0


@command.command("report")
@click.option("--root", default="/", show_default=True, metavar="FOLDER", help="Where the node's files are.")
@click.option("--node", required=True, metavar="NAME", help="The node's name in its cluster.")
@click.option(
    "--kubelet",
    default="",
    metavar="ADDRESS",
    help="Ask its kubelet for its settings (get on nodes/configz).",
)
@click.option(
    "--every-s", type=click.IntRange(60), default=86400, show_default=True, help="Write all of it so often."
)
@click.option(
    "--look-s", type=click.IntRange(10), default=600, show_default=True, help="Look for changes so often."
)
@click.option("--alive-file", default="", metavar="FILE", help="Gets the time in seconds after each look.")
def report(root: str, node: str, *, kubelet: str, alive_file: str, **seconds: int) -> int:
    """Keeps the facts of a node current in its cluster, as objects of hostdata.kubescape.cloud."""
    # A single reading does not pay for what speaks to clusters.
    import asyncio
    import logging

    from leadline.programs.cli.host_reporting import keep_reporting
    from leadline.scans.host.reporting import NodeRead

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    what = NodeRead(root, node, kubelet)
    asyncio.run(
        keep_reporting(what, every_s=seconds["every_s"], look_s=seconds["look_s"], alive_file=alive_file)
    )
    return 0
