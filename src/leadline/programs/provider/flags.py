"""Flags that several commands of the provider have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def data_folder(command: Command) -> Command:
    """``data``: of the provider."""
    return click.option(
        "--data",
        default="provider",
        show_default=True,
        type=click.Path(path_type=Path),
        envvar="LEADLINE_PROVIDER_DATA",
        help="Folder of the provider.",
    )(command)


def public_key(command: Command) -> Command:
    """``key_file``: whose logs are believed."""
    return click.option(
        "--key",
        "key_file",
        required=True,
        type=click.Path(path_type=Path),
        help="Public key of the provider: key.txt.",
    )(command)


def read_from(command: Command) -> Command:
    """``provider`` and ``provider_ca``: which provider is asked."""
    for flag in (
        click.option("--provider-ca", default="", metavar="FILE", help="Certificates to trust there, PEM."),
        click.option("--provider", required=True, metavar="https://HOST", help="Whose findings."),
    ):
        command = flag(command)
    return command
