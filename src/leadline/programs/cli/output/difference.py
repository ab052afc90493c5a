"""Writes what two scans differ in: for a terminal, a program, a comment, a browser."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from leadline.errors import StoreError, UsageError
from leadline.model.control import Control
from leadline.outputs.text.comparison_text import Sides, difference_document, difference_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import wrapped
from leadline.programs.cli.output.terminal import width_of

_USUAL_WIDTH = 100
_FORMATS = ("text", "json", "markdown", "html", "pdf")


def difference_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--format`` and ``--output`` of a comparison."""
    into = click.option("-o", "--output", default="", metavar="FILE", help="Write there.")
    form = click.option("-f", "--format", type=click.Choice(_FORMATS), default="text", show_default=True)
    return form(into(function))


def write_difference(
    both: Sides, controls: Mapping[str, Control], format: str, output: str, *, head: str = ""
) -> None:
    """``head`` is what a terminal begins with; ``output`` empty for standard output.

    Raises: ``StoreError`` where the file cannot be written.
    """
    written = _written(both, controls, format, head, is_file=bool(output))
    if not output:
        click.echo(written, nl=False)
        return
    try:
        Path(output).write_bytes(written)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from error
    click.echo(f"written: {output}", err=True)


def _written(both: Sides, controls: Mapping[str, Control], format: str, head: str, *, is_file: bool) -> bytes:
    """Raises: ``UsageError`` for a PDF at a terminal."""
    if format == "pdf":
        from leadline.outputs.text.comparison_pages import difference_pdf  # where one is asked for

        if not is_file and os.isatty(1):
            raise UsageError("a PDF is not for a terminal", hint="-o FILE writes it")
        return difference_pdf(both, controls, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return _text(both, controls, format, head, is_file=is_file).encode("utf-8", "replace")


def _text(both: Sides, controls: Mapping[str, Control], format: str, head: str, *, is_file: bool) -> str:
    if format == "json":
        return json_text(difference_document(both)) + "\n"
    if format in ("markdown", "html"):
        # Where one of them is asked for.
        from leadline.outputs.text.comparison_pages import difference_html, difference_markdown

        return (
            difference_html(both, controls)
            if format == "html"
            else "".join(difference_markdown(both, controls))
        )
    width = width_of(os.environ, is_terminal=not is_file and os.isatty(1), usual=_USUAL_WIDTH)
    lines = [*wrapped(head, width), ""] if head else []
    return "\n".join((*lines, *difference_lines(both, controls, width))) + "\n"
