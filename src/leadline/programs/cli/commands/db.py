"""``leadline db``: the database of vulnerabilities that images are matched with."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.errors import UsageError
from leadline.outputs.plain import count, padded, plain
from leadline.programs.cli.cache_location import database_file
from leadline.programs.cli.created import created

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadline.image.database_builder import Built
    from leadline.model.vulnerability import DatabaseState

EPILOG = """
\b
  leadline db build osv/all.zip debian.json epss.csv.gz      from feeds as their publishers write them
  leadline db build feeds/ -o vulnerabilities.db             a folder of them, into a file of your own
  leadline db status                                         which feeds there are, and how old
  leadline db import vulnerabilities.db                      one that was made elsewhere, for an air gap

Without -o and --db it is LEADLINE_DB, else leadline/vulnerabilities.db among your data (XDG_DATA_HOME).
Nothing is fetched from anywhere.
"""
_FEW = 10
_OLD_DAYS = 30


@click.group("db", epilog=EPILOG, short_help="The vulnerability database.")
def command() -> None:
    """Makes, shows and imports the database of vulnerabilities that images are matched with."""


@command.command("build", epilog=EPILOG, short_help="Makes a database of feeds.")
@click.argument("feeds", metavar="FEED...", nargs=-1, required=True)
@click.option("-o", "--output", default="", metavar="FILE", help="Write there.")
@click.option("-q", "--quiet", is_flag=True, help="No remarks but errors.")
def build(feeds: tuple[str, ...], output: str, quiet: bool) -> int:
    """Makes a database of FEEDs: files, folders and archives, of whatever publishers, in whatever mix.

    The old database serves until the new one is whole.
    """
    from leadline.scans.database import build_database

    target = _target(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    built = build_database([Path(feed) for feed in feeds], target, created(os.environ))
    if not quiet:
        for line in _built(built, target):
            sys.stderr.write(f"{line}\n")
    return 0


@command.command("status", epilog=EPILOG, short_help="Which feeds it has, and how old they are.")
@click.option("--db", default="", metavar="FILE", help="Another database than the usual one.")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(db: str, format: str) -> int:
    """Lists the feeds of the database with their age and licence."""
    from leadline.outputs.json_text import json_text
    from leadline.scans.database import database_state

    path = _target(db)
    state = database_state(path)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    if format == "json":
        from msgspec import to_builtins

        facts = {"path": str(path), "sizeBytes": path.stat().st_size, **to_builtins(state)}
        click.echo(json_text(facts))
    else:
        for line in _status(state, path, today):
            click.echo(line)
    return 0


@command.command("import", epilog=EPILOG, short_help="Takes one that was made elsewhere.")
@click.argument("file")
@click.option("-o", "--output", default="", metavar="FILE", help="Put it there instead of the usual place.")
def import_(file: str, output: str) -> int:
    """Checks the database in FILE, every page of it, and puts it in the place of the usual one."""
    from leadline.scans.database import import_database

    target = _target(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    state = import_database(Path(file), target)
    sys.stderr.write(f"imported: {plain(str(target), 4096)}, {count(len(state.feeds), 'feed')}\n")
    return 0


def _target(named: str) -> Path:
    path = named or database_file(os.environ)
    if not path:
        raise UsageError(
            "there is no usual place for the database", hint="name a file, or set LEADLINE_DB or HOME"
        )
    return Path(path)


def _built(built: Built, target: Path) -> Iterator[str]:
    for feed in built.feeds:
        note = f", {count(feed.unusable, 'version')} cannot be ordered" if feed.unusable else ""
        taken = f"{count(feed.documents, 'document')} taken for {feed.title}"
        yield f"{taken}: {count(feed.records, 'record')}, of {feed.date[:10] or 'no date'}{note}"
    for one in built.unread[:_FEW]:
        yield f"not read: {plain(one.where, 4096)}: {plain(one.why)}"
    more = max(0, len(built.unread) - _FEW) + built.more_unread
    if more:
        yield f"not read: {more:,} more"
    yield f"written: {plain(str(target), 4096)}, {built.size_bytes / 1e6:,.1f} MB"


def _status(state: DatabaseState, path: Path, today: str) -> Iterator[str]:
    from leadline.scans.vulnerabilities import age_days

    yield f"{plain(str(path), 4096)}   {path.stat().st_size / 1e6:,.1f} MB, built {state.built[:10] or 'at no known time'}"
    yield ""
    width = max(len(feed.name) for feed in state.feeds)
    for feed in state.feeds:
        age = age_days(feed.date, today)
        told = "no date" if age is None else f"{feed.date[:10]}, {count(age, 'day')} old"
        old = "  old" if age is not None and age > _OLD_DAYS else ""
        yield f"{padded(feed.name, width)}  {feed.records:>9,}  {told}{old}  {plain(feed.licence, 60)}".rstrip()
    yield ""
    yield f"{count(len(state.feeds), 'feed')}, {sum(feed.records for feed in state.feeds):,} records"
