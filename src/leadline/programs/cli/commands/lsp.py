"""``leadline lsp``: the server that an editor starts."""

import importlib
import os
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import DatabaseError, UsageError
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CONTROLS, NAMESPACES, WAIVERS, Request, takes
from leadline.programs.cli.scanning.requests import cache_folder, database_of, posture_options, request_of
from leadline.scans.options import ImageOptions, silent
from leadline.scans.posture.baselines import read_baseline
from leadline.scans.workspace.workspace import Asked

_PROGRAM = "leadline.programs.lsp.server"


class _OfFolders(ConfiguredCommand):
    """Reads configuration for each folder that an editor opens, and none at the start: a mistake in a file must not end it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_PROGRAM] = tuple(args)
        if isinstance(ctx.obj, str) or ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        return click.Command.parse_args(self, ctx, args)


@click.command("lsp", cls=_OfFolders, targets=lambda flags: (), keys="scan")
@click.option("--stdio", is_flag=True, help="Over standard input and output, as always.")
@click.option(
    "--trusted", is_flag=True, help="Render charts and run own controls in every folder that is opened."
)
@takes("baseline", *NAMESPACES, "exclude_paths", "assume_complete", *CONTROLS, *CHARTS, *WAIVERS)
def command(trusted: bool, **flags: Any) -> int:
    """Serves an editor over the Language Server Protocol: findings while typing, and their fixes."""
    try:
        program = importlib.import_module(_PROGRAM)
    except ModuleNotFoundError as absent:
        if absent.name is None or absent.name.partition(".")[0] == "leadline":
            raise
        raise UsageError(
            f"lsp needs {absent.name}, which is not installed",
            hint="pip install 'leadline[editor]' brings it",
        ) from None
    here = click.get_current_context()
    words = here.meta[_PROGRAM]

    def asked_of(folder: str, is_trusted: bool) -> Asked:
        with here.command.make_context("lsp", list(words), obj=folder) as context:
            return _asked(context.params, is_trusted=is_trusted)

    return int(program.serve(asked_of, is_trusted=trusted))


def _asked(params: dict[str, Any], *, is_trusted: bool) -> Asked:
    given = {name: value for name, value in params.items() if name not in ("stdio", "trusted")}
    request = request_of((), given)
    options = posture_options(request, silent, with_scores=False)
    options = replace(options, frameworks=request.names if request.form == "framework" else ())
    baseline = read_baseline(request.baseline) if request.baseline else None
    return Asked(options, is_trusted=is_trusted, baseline=baseline, images=_images(request))


def _images(request: Request) -> ImageOptions | None:
    """How an image is looked at whose user asks for it; ``None`` without a database that may be believed."""
    try:
        database = database_of(request)
    except DatabaseError:
        return None
    if not database:
        return None
    cache = cache_folder(os.environ)
    return ImageOptions(database=database, cache_folder=cache, is_named_by_others=True, environ=os.environ)
