"""``leadline rbac``: the smallest roles that a scan of a cluster, or the operator, needs."""

from __future__ import annotations

import os
from typing import Any

import click
import orjson
import yaml

from leadline.errors import UsageError
from leadline.programs.cli.scanning.requests import split_words
from leadline.scans.options import PostureOptions
from leadline.scans.posture.roles import roles_for


@click.command("rbac")
@click.argument("names", nargs=-1, metavar="[framework NAME | control ID ...]")
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option(
    "--operator", is_flag=True, help="What 'leadline operator' needs: to follow the cluster, store and lead."
)
@click.option("--jobs", is_flag=True, help="With --operator: also what scanning images by Jobs needs.")
@click.option(
    "--secrets/--no-secrets",
    default=None,
    help="Whether Secrets may be read. A scan reads their keys, the operator does not by default.",
)
@click.option(
    "-n", "--namespace", default="leadline", show_default=True, help="Where the operator has its Lease."
)
@click.option("-f", "--format", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(**flags: Any) -> int:
    """The ClusterRole that lets a scan list what the chosen controls look at, and nothing else.

    Without a name it is for all controls. Pipe it to kubectl apply -f - and bind it to anyone who scans.
    """
    if flags["jobs"] and not flags["operator"]:
        raise click.UsageError("--jobs goes with --operator")
    form, chosen, more = split_words(flags["names"])
    named = (*chosen, *more)
    if form not in ("framework", "control") and named:
        raise UsageError(
            f"unknown word {named[0]}", hint=f"leadline rbac framework {named[0]}, or control ID"
        )
    options = PostureOptions(
        frameworks=named if form == "framework" else (),
        controls=named if form == "control" else (),
        own_controls=flags["controls"],
        environ=os.environ,
    )
    namespace, is_of_operator = flags["namespace"], flags["operator"]
    roles = roles_for(
        options,
        with_secrets=not is_of_operator if flags["secrets"] is None else flags["secrets"],
        operator_in=namespace if is_of_operator else "",
        jobs_in=namespace if flags["jobs"] else "",
    )
    if flags["format"] == "json":
        shown = roles[0] if len(roles) == 1 else {"apiVersion": "v1", "kind": "List", "items": roles}
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(yaml.dump_all(roles, Dumper=yaml.CSafeDumper, sort_keys=False), nl=False)
    return 0
