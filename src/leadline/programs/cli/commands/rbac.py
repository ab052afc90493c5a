"""``leadline rbac``: the smallest role that a scan of a cluster needs."""

from __future__ import annotations

import os

import click
import orjson
import yaml

from leadline.posture.required_kinds import kinds_needed
from leadline.programs.cli.scan_request import split_words
from leadline.scans.options import PostureOptions
from leadline.scans.policies import choose_policies
from leadline.sources.cluster.rbac import least_role
from leadline.sources.waivers.security_exceptions import KINDS as EXCEPTIONS


@click.command("rbac")
@click.argument("names", nargs=-1, metavar="[framework NAME | control ID ...]")
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option("-f", "--format", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(names: tuple[str, ...], controls: tuple[str, ...], format: str) -> int:
    """The ClusterRole that lets a scan list what the chosen controls look at, and nothing else.

    Without a name it is for all controls. Pipe it to kubectl apply -f - and bind it to anyone who scans.
    """
    form, chosen, more = split_words(names)
    named = (*chosen, *more)
    options = PostureOptions(
        frameworks=named if form == "framework" else (),
        controls=named if form == "control" else (),
        own_controls=controls,
        environ=os.environ,
    )
    # A scan reads what a cluster keeps of accepted findings as well.
    role = least_role({*kinds_needed(choose_policies(options).controls), *EXCEPTIONS})
    if format == "json":
        click.echo(orjson.dumps(role, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(yaml.dump(role, Dumper=yaml.CSafeDumper, sort_keys=False), nl=False)
    return 0
