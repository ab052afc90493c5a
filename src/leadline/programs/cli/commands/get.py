"""``leadline get``: what is stored, in the formats that scans write."""

import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from leadline.api.protocol import Store
from leadline.errors import SourceError
from leadline.model.image_report import ImageReport
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.text.plain import plain, text_table
from leadline.programs.cli.options.table import CLUSTER, takes
from leadline.programs.cli.output.destinations import opened, placed, writing
from leadline.programs.cli.output.showing import show
from leadline.programs.cli.output.terminal import PIPE_WIDTH, list_width, progress, wants_colour, width_of
from leadline.programs.cli.scanning.storing import KUBE, StorePlace, with_store
from leadline.scans.stored.scan_runs import run_rows
from leadline.scans.stored.stored_images import image_rows, stored_image_of
from leadline.version import __version__

T = TypeVar("T")
_RUNS = ("NAME", "PHASE", "OBJECTS", "IMAGES", "NOT READ", "FINISHED", "TARGET")
_IMAGES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "SCANNED", "IMAGE")
_store = click.option(
    "--store",
    "--from-store",
    default=KUBE,
    show_default=True,
    metavar="kube|FILE",
    help="Where results are kept.",
)


@click.group("get")
def command() -> None:
    """Shows stored results: what 'leadline scan --store' and 'leadline scan image --store' wrote."""


@command.command(
    "results",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Of configurations; the same as leadline scan --from-store.",
)
@click.option("--store", "--from-store", default=KUBE)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def results(context: click.Context, store: str, words: tuple[str, ...]) -> int:
    """Shows the stored results of all objects, with the options of leadline scan."""
    root = context.find_root()
    assert isinstance(root.command, click.Group)
    scan = root.command.get_command(root, "scan")
    assert scan is not None
    # The words of the terminal decide between the options of scan and this one's.
    with scan.make_context("scan", ["--from-store", store, *words], parent=root) as of_scan:
        return int(scan.invoke(of_scan) or 0)


@command.command("runs", short_help="Which scans there were, and what they could not read.")
@click.option("-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_store
@takes(*CLUSTER)
def runs(format: str, **where: str) -> int:
    """Lists the recorded scans, the newest first."""
    rows = _ask(where, run_rows)
    names = ("name", "phase", "objects", "images", "unread", "finished", "target")
    table = [tuple(plain(str(row[name])) for name in names) for row in rows]
    show(format, lambda: rows, lambda: _table(_RUNS, table, "no scan is recorded"))
    return 0


@command.command("images", short_help="The images with their vulnerabilities, counted.")
@click.option("-f", "--format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_store
@takes(*CLUSTER)
def images(format: str, **where: str) -> int:
    """Lists the images that results are stored of, the worst first."""
    rows = _ask(where, image_rows)
    table = [
        (
            *(str(row["vulnerabilities"].get(name, 0)) for name in ("critical", "high", "medium", "low")),
            plain(row["scanned"]) if row["isMatched"] else "not matched",
            plain(row["image"]),
        )
        for row in rows
    ]
    show(format, lambda: rows, lambda: _table(_IMAGES, table, "no results of images are stored"))
    return 0


@command.command("image", short_help="What was found in one image.")
@click.argument("image")
@click.option(
    "-f",
    "--format",
    multiple=True,
    metavar="NAME",
    help="table, json, sarif … as leadline scan image has them.",
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write there.")
@click.option("-v", "--verbose", is_flag=True, help="Every package and every place.")
@_store
@takes(*CLUSTER)
def image(image: str, format: tuple[str, ...], output: str, verbose: bool, **where: str) -> int:
    """Shows the stored results of IMAGE: its name as it was scanned, or the beginning of its id."""
    names = [word for one in format or ("table",) for word in one.split(",") if word]
    chosen = placed([find_format(name, ImageReport) for name in names], "" if output == "-" else output)
    report = _ask(where, lambda store: stored_image_of(store, image))
    is_terminal = os.isatty(1)
    page = Page(
        places=NoPlaces(),
        width=width_of(os.environ, is_terminal=is_terminal, usual=PIPE_WIDTH),
        colour=is_terminal and wants_colour(os.environ) and not output,
        verbose=verbose,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
    )
    with opened(chosen) as sinks:
        for sink in sinks:
            with writing(sink):
                sink.destination.format.put(report, sink.stream, page)
    return 0


def _ask(where: dict[str, str], work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    place = StorePlace(where["store"], where["kube_context"], where["kubeconfig"])
    with progress(f"reading {place.where}", is_wanted=True):
        return with_store(place, work)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> Iterable[str]:
    """Raises: ``SourceError`` with ``nothing`` where there are no rows."""
    if not rows:
        raise SourceError(nothing, hint="'leadline scan --store' writes results")
    return text_table(header, rows, list_width())
