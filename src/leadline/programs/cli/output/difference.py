"""The flags by which a comparison is written, and where it goes."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from leadline.errors import StoreError, UsageError
from leadline.model.control import Control
from leadline.programs.cli.output.terminal import PAGE_WIDTH, width_of
from leadline.scans.posture.baselines import Compared
from leadline.scans.posture.difference import DifferenceForm, written_difference


def difference_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--format`` and ``--output`` of a comparison."""
    into = click.option("-o", "--output", default="", metavar="FILE", help="Write there.")
    forms = click.Choice(get_args(DifferenceForm))
    return click.option("-f", "--format", type=forms, default="text", show_default=True)(into(function))


def write_difference(
    both: Compared, controls: Mapping[str, Control], form: DifferenceForm, output: str, *, head: str = ""
) -> None:
    """``head`` is what text begins with; ``output`` empty for standard output.

    Raises: ``StoreError`` where the file cannot be written, ``UsageError`` for a PDF at a terminal.
    """
    is_terminal = not output and os.isatty(1)
    if form == "pdf" and is_terminal:
        raise UsageError("a PDF is not for a terminal", hint="-o FILE writes it")
    width = width_of(os.environ, is_terminal=is_terminal, usual=PAGE_WIDTH)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    written = written_difference(both, controls, form, width=width, head=head, at=at)
    if not output:
        click.echo(written, nl=False)
        return
    try:
        Path(output).write_bytes(written)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from error
    click.echo(f"written: {output}", err=True)
