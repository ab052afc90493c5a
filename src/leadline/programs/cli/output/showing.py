"""How commands print what they found, in the format that was asked for, and what they remark beside it."""

import sys
from collections.abc import Callable, Iterable

import click

from leadline.outputs.text.json_text import json_text

PROFILES = click.option(
    "--profile",
    "profiles",
    multiple=True,
    required=True,
    metavar="FILE",
    help="As leadline agent --profiles writes it; kube: what the agents of the cluster stored.",
)
"""Of commands that hold something against what was recorded."""


def show(
    format: str,
    document: Callable[[], object],
    lines: Callable[[], Iterable[str]],
    picture: Callable[[], str] | None = None,
) -> None:
    """``document`` as ``json``, ``picture`` as ``svg``, else ``lines``."""
    if format == "json":
        click.echo(json_text(document()))
    elif format == "svg" and picture is not None:
        sys.stdout.write(picture())
    else:
        for line in lines():
            click.echo(line)


def remark(*lines: str, quiet: bool) -> None:
    """On stderr, for a person."""
    for line in () if quiet else lines:
        click.echo(line, err=True)
