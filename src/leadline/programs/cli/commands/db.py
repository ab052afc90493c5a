"""``leadline db``: the database of vulnerabilities that images are matched with."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from leadline.errors import UsageError
from leadline.outputs.text.plain import count, padded, plain
from leadline.programs.cli.options.table import takes
from leadline.programs.cli.output.showing import remark, show
from leadline.programs.cli.output.terminal import progress
from leadline.programs.cli.scanning.requests import created, database_file, split_commas
from leadline.scans.images.checked_database import database_state
from leadline.scans.images.database import (
    Publisher,
    build_database,
    built_lines,
    import_database,
    licence_lines,
    publish_database,
    update_database,
)
from leadline.scans.images.database_fetch import (
    Fetched,
    download_archive,
    fetch_database,
    fetched_of,
    import_grype,
)
from leadline.scans.images.feed_fetch import fetch_feeds, fetched_addresses, read_feed_table
from leadline.scans.images.vulnerabilities import age_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadline.model.vulnerability import DatabaseState

EPILOG = """
\b
  leadline db fetch
      the one of the Grype project: 90 MB, two minutes
  leadline db fetch --download-only grype.tar.zst
      for a machine without a network, for db import
  leadline db fetch --from feeds
      of the publishers' own feeds
  leadline db build osv/all.zip debian.json epss.csv.gz
      from feeds as their publishers write them
  leadline db build feeds/ -o vulnerabilities.db
      a folder of them, into a file of your own
  leadline db status
      which feeds there are, and how old
  leadline db import vulnerabilities.db
      one that was made elsewhere, for an air gap
  leadline db update https://example.org/db/ --key pub.pem
      one that is published, if it is newer
  leadline db publish public/ --key private.pem
      for others to update from

Without -o and --db it is LEADLINE_DB, else leadline/vulnerabilities.db among your data (XDG_DATA_HOME).
Nothing is fetched but by fetch and update, and by scans where LEADLINE_DB_SOURCE or your answer says so.
"""
_OLD_DAYS = 30
_MOST_REASONS = 8
_LARGEST_KEY = 1 << 20
_key = click.option("--key", default="", metavar="FILE", help="The publisher's public keys (Ed25519, PEM).")
_allow_unsigned = click.option(
    "--allow-unsigned", is_flag=True, help="Take one whose publisher cannot be checked."
)
_ca_file = click.option("--ca-file", default="", metavar="FILE", help="Certificates to trust, PEM.")
_output = click.option(
    "-o", "--output", default="", metavar="FILE", help="Put it there instead of the usual place."
)


@click.group("db", epilog=EPILOG)
def command() -> None:
    """Makes, shows and imports the database of vulnerabilities that images are matched with."""


@command.command("build", epilog=EPILOG, short_help="Makes a database of feeds.")
@click.argument("feeds", metavar="FEED...", nargs=-1, required=True)
@click.option("-o", "--output", default="", metavar="FILE", help="Write there.")
@takes("quiet")
def build(feeds: tuple[str, ...], output: str, quiet: bool) -> int:
    """Makes a database of FEEDs: files, folders, archives and addresses, of whatever publishers, in whatever mix.

    The old database serves until the new one is whole.
    """
    target = _new_target(output)
    moment = created(os.environ)
    with (
        progress("reading feeds", is_wanted=not quiet) as display,
        fetched_addresses(feeds, target, os.environ, display.say) as paths,
    ):
        built = build_database(paths, target, moment, display.say)
    remark(*built_lines(built, target), quiet=quiet)
    return 0


@command.command("fetch", epilog=EPILOG, short_help="Gets a public one, ready to use.")
@click.option(
    "--from",
    "source",
    default="grype",
    show_default=True,
    metavar="SOURCE",
    help="grype; feeds, the publishers' own, or a FILE.toml with their addresses; or https://… or oci://…, of a mirror of "
    "Grype's or of what publish wrote.",
)
@click.option(
    "--only", multiple=True, metavar="NAMES", help="Of feeds, these alone: debian,osv-pypi,osv-npm."
)
@_key
@_allow_unsigned
@_ca_file
@click.option(
    "--download-only", default="", metavar="FILE", help="Fetch it into FILE, for db import elsewhere."
)
@_output
@takes("quiet")
def fetch(
    source: str,
    only: tuple[str, ...],
    *,
    key: str,
    allow_unsigned: bool,
    ca_file: str,
    download_only: str,
    output: str,
    quiet: bool,
) -> int:
    """Fetches the database that the Grype project publishes every day, checks it and converts it.

    It covers the common distributions and languages, with EPSS and KEV. It is not signed: the checksum comes from
    the same host, over TLS. The old database serves until the new one is whole.
    """
    publisher = Publisher(_content(key), key, allow_unsigned, ca_file)
    if source == "feeds" or source.endswith(".toml"):
        if download_only:
            raise UsageError(
                "--download-only fetches Grype's database alone", hint="fetched feeds can be copied"
            )
        return _fetch_feeds("" if source == "feeds" else source, only, publisher, output, quiet=quiet)
    if only:
        raise UsageError("--only chooses among feeds", hint="use it with --from feeds")
    with progress(f"asking {source}", is_wanted=not quiet) as display:
        if download_only:
            built = download_archive(Path(download_only), source, publisher, os.environ, display.say)
            lines = [
                f"fetched: {plain(download_only, 4096)}, built {built[:10]}; not converted yet, see db import"
            ]
        else:
            target = _new_target(output)
            now = datetime.now(UTC)
            fetched = fetch_database(target, source, publisher, os.environ, now, display.say)
            lines = list(_fetched_lines(fetched, target, now))
    remark(*lines, quiet=quiet)
    return 0


def _fetch_feeds(table: str, only: tuple[str, ...], publisher: Publisher, output: str, *, quiet: bool) -> int:
    target = _new_target(output)
    moment = created(os.environ)
    with progress("fetching feeds", is_wanted=not quiet) as display:
        done = fetch_feeds(
            read_feed_table(table), split_commas(only), target, publisher, os.environ, moment, display.say
        )
    lines = [
        f"not fetched: {plain(one.name)}: {plain(one.why_old)}; an earlier state serves"
        for one in done.files
        if one.why_old
    ]
    lines += [f"not fetched: {plain(one)}" for one in done.lost]
    if done.built is None:
        lines.append(f"current already: {plain(str(target), 4096)}, {count(len(done.files), 'feed')} asked")
    else:
        lines = [*built_lines(done.built, target), *lines]
    remark(*lines, quiet=quiet)
    return 0


@command.command("status", epilog=EPILOG, short_help="Which feeds it has, and how old they are.")
@click.option("--db", default="", metavar="FILE", help="Another database than the usual one.")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(db: str, format: str) -> int:
    """Lists the feeds of the database with their age and licence."""
    path = _target(db)
    state = database_state(path)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    facts = {"path": str(path), "sizeBytes": path.stat().st_size, **to_builtins(state)}
    show(format, lambda: facts, lambda: _status(state, path, today))
    return 0


@command.command("import", epilog=EPILOG, short_help="Takes one that was made elsewhere.")
@click.argument("file")
@_output
@takes("quiet")
def import_(file: str, output: str, quiet: bool) -> int:
    """Checks the database in FILE, every page of it, and puts it in the place of the usual one.

    FILE may be the archive of the Grype project too, as 'db fetch --download-only' brings it; it is converted.
    """
    target = _new_target(output)
    with progress(f"importing {file}", is_wanted=not quiet) as display:
        if not Path(file).is_file():
            raise UsageError(f"{file}: file not found")
        fetched = import_grype(Path(file), target, display.say)
        state = database_state(target) if fetched else import_database(Path(file), target)
    remark(f"imported: {plain(str(target), 4096)}, {count(len(state.feeds), 'feed')}", quiet=quiet)
    remark(*(_source_lines(fetched) if fetched else ()), quiet=quiet)
    return 0


@command.command("update", epilog=EPILOG, short_help="Installs one that is published.")
@click.argument("address")
@_key
@_allow_unsigned
@_ca_file
@_output
@takes("quiet")
def update(address: str, *, key: str, allow_unsigned: bool, ca_file: str, output: str, quiet: bool) -> int:
    """Installs the database published at ADDRESS, a URL or oci://REGISTRY/REPOSITORY:TAG, if it is newer.

    The old one serves until the new one is whole, signed by a key that you trust, and proven. What was fetched
    before a connection broke is not fetched again.
    """
    publisher = Publisher(_content(key), key, allow_unsigned, ca_file)
    target = _target(output)
    with progress(f"asking {address}", is_wanted=not quiet):
        done = update_database(target, address, publisher, os.environ, datetime.now(UTC))
    what = "installed" if done.is_new else "current already"
    signed = "" if done.is_signed else ", not signed"
    remark(f"{what}: {plain(str(target), 4096)}, built {plain(done.index.built)}{signed}", quiet=quiet)
    return 0


@command.command("publish", epilog=EPILOG, short_help="Makes what update fetches.")
@click.argument("folder")
@click.option("--db", default="", metavar="FILE", help="Another database than the usual one.")
@click.option("--key", default="", metavar="FILE", help="Sign with this private key (Ed25519, PEM).")
@click.option("--expires", default="", metavar="TIME", help="Refused from then on (2026-07-01T00:00:00Z).")
@takes("quiet")
def publish(folder: str, db: str, key: str, expires: str, quiet: bool) -> int:
    """Writes the database into FOLDER, packed, with an index and its signature, for a web server to serve."""
    with progress(f"packing into {folder}", is_wanted=not quiet):
        index = publish_database(_target(db), Path(folder), _content(key), expires)
    signed = "signed" if key else "not signed"
    remark(*licence_lines(database_state(_target(db))), quiet=quiet)
    name = plain(str(Path(folder) / index.name), 4096)
    remark(f"published: {name}, {index.size / 1e6:,.1f} MB, {signed}", quiet=quiet)
    return 0


def _content(path: str) -> bytes:
    if not path:
        return b""
    try:
        with Path(path).open("rb") as file:
            return file.read(_LARGEST_KEY)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read {plain(path, 4096)}: {why}") from error


def _new_target(named: str) -> Path:
    target = _target(named)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target


def _target(named: str) -> Path:
    path = named or database_file(os.environ)
    if not path:
        raise UsageError(
            "no usual place for the database is known", hint="name a file, or set LEADLINE_DB or HOME"
        )
    return Path(path)


def _fetched_lines(fetched: Fetched, target: Path, now: datetime) -> Iterator[str]:
    age = age_days(fetched.built, now.strftime("%Y-%m-%d"))
    old = "" if age is None else f", {count(age, 'day')} old"
    what = "fetched" if fetched.is_new else "current already"
    size = f", {fetched.size_bytes / 1e6:,.1f} MB" if fetched.size_bytes else ""
    yield f"{what}: {plain(str(target), 4096)}{size}, built {plain(fetched.built[:10])}{old}"
    yield from _source_lines(fetched)


def _source_lines(fetched: Fetched) -> Iterator[str]:
    """Whose it is, and what of it could not be kept."""
    yield f"source: {plain(fetched.source, 4096)}"
    for why, number in list(fetched.left_out.items())[:_MOST_REASONS]:
        yield f"left out: {number:,}, {plain(why)}"
    if more := sum(list(fetched.left_out.values())[_MOST_REASONS:]):
        yield f"left out: {more:,}, for other reasons"


def _status(state: DatabaseState, path: Path, today: str) -> Iterator[str]:

    yield f"{plain(str(path), 4096)}   {path.stat().st_size / 1e6:,.1f} MB, built {state.built[:10] or 'at no known time'}"
    yield ""
    width = max(len(feed.name) for feed in state.feeds)
    for feed in state.feeds:
        age = age_days(feed.date, today)
        age_text = "no date" if age is None else f"{feed.date[:10]}, {count(age, 'day')} old"
        old = "  old" if age is not None and age > _OLD_DAYS else ""
        yield f"{padded(feed.name, width)}  {feed.records:>9,}  {age_text}{old}  {plain(feed.licence, 60)}".rstrip()
    yield ""
    if state.source:
        yield from _source_lines(fetched_of(path))
    yield f"{count(len(state.feeds), 'feed')}, {sum(feed.records for feed in state.feeds):,} records"
