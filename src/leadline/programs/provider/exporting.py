"""``leadline provider export``: what a provider knows as Parquet files, for free questions of history. DuckDB writes them."""

import csv
import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import fields

from leadline.api.provider.wire import (
    LONGEST_HISTORY_DAYS,
    DayRow,
    FindingRow,
    ImageRow,
    PackageRow,
    RiskRow,
    SourceRow,
)
from leadline.errors import StoreError, UsageError
from leadline.programs.provider.flags import read_from
from leadline.programs.serving.provider_client import ProviderReader
from leadline.scans.provider_reading import (
    read_days,
    read_findings,
    read_images,
    read_packages,
    read_risks,
    read_sources,
)

_MOMENTS = {
    **dict.fromkeys(("first_received", "gone", "received", "last_received", "created"), "TIMESTAMP"),
    "day": "DATE",
}
"""Null for an empty one."""
_TYPES = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}


@click.command()
@read_from
@click.option(
    "--parquet",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files; those of before are replaced.",
)
def export(provider: str, provider_ca: str, folder: Path) -> None:
    """Write findings, images, packages, ranks and days as Parquet files, for DuckDB and others.

    LEADLINE_PROVIDER_TOKEN holds a token that may read.
    """
    try:
        engine = importlib.import_module("duckdb")
    except ImportError as error:
        raise UsageError("Parquet needs DuckDB", hint="pip install 'leadline[history]'") from error
    with closing(ProviderReader(provider, os.environ, provider_ca)) as ask:
        write_tables(engine, ask, folder)


def write_tables(engine: Any, ask: Any, folder: Path) -> None:
    """``engine``: the module of DuckDB. Raises: ``SourceError``, ``StoreError``."""
    try:
        # On the same disk, and no folder is left where the export fails.
        there = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
        with TemporaryDirectory(dir=there, prefix=".export-") as own:
            made = [(name, _write(engine, Path(own), name, kind, rows)) for name, kind, rows in _tables(ask)]
            # All or none: the files are of one moment.
            for name, _ in made:
                if (target := folder / f"{name}.parquet").is_dir():
                    raise StoreError(f"{target} is a folder", hint="name another folder for the files")
            folder.mkdir(parents=True, exist_ok=True)
            for name, _ in made:
                (Path(own) / f"{name}.parquet").replace(folder / f"{name}.parquet")
    except (OSError, engine.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"cannot write {folder}: {why[:1].lower()}{why[1:]}") from error
    for name, count in made:
        click.echo(f"{folder / f'{name}.parquet'}: {count:,} rows")


def _tables(ask: Any) -> Iterator[tuple[str, type[Struct], Iterable[Struct]]]:
    sources, images = read_sources(ask), list(read_images(ask))
    found = (row for state in ("open", "accepted", "gone") for row in read_findings(ask, {"state": state}))
    yield "sources", SourceRow, sources
    yield "findings", FindingRow, found
    yield "risks", RiskRow, read_risks(ask)
    days = (row for source in sources for row in read_days(ask, LONGEST_HISTORY_DAYS, source.name))
    yield "days", DayRow, days
    yield "images", ImageRow, images
    yield "packages", PackageRow, (row for image in images for row in read_packages(ask, image))


def _write(engine: Any, folder: Path, name: str, kind: type[Struct], rows: Iterable[Struct]) -> int:
    """Through a file of CSV, which DuckDB reads as fast as it comes; the number of rows."""
    columns = fields(kind)
    count = 0
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        write = csv.writer(stream, quoting=csv.QUOTE_ALL)
        for row in rows:
            write.writerow([getattr(row, one.name) for one in columns])
            count += 1
    types = ", ".join(f"'{one.name}': '{_TYPES.get(one.type, 'VARCHAR')}'" for one in columns)
    shown = ", ".join(f'{_shown(one.name, one.type)} AS "{one.name}"' for one in columns)
    with closing(engine.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"})) as database:
        database.execute(f"SET temp_directory = {_quoted(folder / 'spilled')}")
        database.execute(
            f"COPY (SELECT {shown} FROM read_csv({_quoted(folder / f'{name}.csv')}, columns = {{{types}}}, header = false,"
            " auto_detect = false, delim = ',', quote = '\"', escape = '\"', max_line_size = 1000000, strict_mode = true))"
            f" TO {_quoted(folder / f'{name}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )
    (folder / f"{name}.csv").unlink()
    return count


def _shown(name: str, type: Any) -> str:
    """Of a column: CSV knows no difference between an empty text and none."""
    if type is not str:
        return f'"{name}"'
    return f'CAST("{name}" AS {_MOMENTS[name]})' if name in _MOMENTS else f"coalesce(\"{name}\", '')"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
