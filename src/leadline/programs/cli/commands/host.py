"""``leadline host``: what a node says of itself, for the controls that judge nodes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leadline.programs.cli.flags import quiet_flag
from leadline.scans.host.collecting import collect, facts_document

EPILOG = """
\b
  leadline host facts -o node.json
      of the node it runs on; as root, so that every file can be looked at
  leadline host facts --root /mnt/disk --node worker-7 -o node.json
      of a node's disk that is mounted
  leadline scan node.json
      judges it

Nothing is written besides the one file, no link leads out of the root, and no content of a key or a kubeconfig is read.

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
@quiet_flag
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
