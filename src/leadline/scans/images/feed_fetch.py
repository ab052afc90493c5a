"""A database of the publishers' own feeds, fetched from the addresses in a table."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from msgspec import Struct, ValidationError, convert, json

from leadline.errors import DatabaseError, SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.scans.images.database import Publisher, build_database
from leadline.scans.options import Say, silent
from leadline.sources.proxies import proxies_of
from leadline.sources.registry.options import Trust
from leadline.sources.vulnerability_db.feed_files import FeedFile, fetch_feed
from leadline.untyped import MALFORMED
from leadline.vulnerabilities.database import CHECKSUM, Database
from leadline.vulnerabilities.database_builder import Built
from leadline.whole_file import write_whole

_LARGEST_TABLE = 1 << 20
_NOTE = ".made"
"""Beside the feeds: what the database was made of."""


class FeedTable(Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Addresses by name."""

    feeds: dict[str, str]
    on_demand: dict[str, str] = {}
    """Fetched only where they are asked for by name."""


class _Made(Struct, frozen=True):
    names: tuple[str, ...]
    """Of the files."""
    checksum: str
    """Of the database."""


class FetchedFeeds(Struct, frozen=True):
    """What became of the feeds."""

    built: Built | None
    """``None`` where no feed was newer, so that the database is as it was."""
    files: tuple[FeedFile, ...]
    lost: tuple[str, ...]
    """Of those that could not be fetched and are not there from earlier: name and reason."""


def read_feed_table(file: str = "") -> FeedTable:
    """The table that comes with the program, or that in ``file``.

    Raises: ``UsageError`` where it cannot be read, or an address is none.
    """
    if not file:
        content = files("leadline.vulnerabilities").joinpath("feeds.toml").read_bytes()
    else:
        try:
            with Path(file).open("rb") as opened:
                content = opened.read(_LARGEST_TABLE)
        except OSError as error:
            raise UsageError(f"{file}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    try:
        table = convert(tomllib.loads(content.decode()), FeedTable)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise UsageError(
            f"{file}: not a table of feeds: {in_words(error)}", hint='write [feeds] and NAME = "https://…"'
        ) from error
    for name, address in (table.feeds | table.on_demand).items():
        if not address.startswith(("https://", "http://")) or not urlsplit(address).hostname:
            raise UsageError(
                f"{file}: {name}: invalid address {address[:100]!r}", hint="use https://HOST/PATH"
            )
    return table


def fetch_feeds(
    table: FeedTable,
    only: Sequence[str],
    target: Path,
    publisher: Publisher,
    environ: Mapping[str, str],
    moment: str,
    say: Say = silent,
) -> FetchedFeeds:
    """Fetches the feeds into a folder beside ``target``, and makes ``target`` of them where any is newer.

    ``only``: names, or beginnings of names before a dash; empty for all but those on demand.

    Raises:
        UsageError: a name is not in the table.
        SourceError: nothing could be fetched.
        DatabaseError: nothing in them could be used, or it does not fit. The old one is as it was.
    """
    wanted = _wanted(table, only)
    folder = target.with_name(f"{target.name}.feeds")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"{folder}: cannot be written ({error.strerror or error})") from error
    trust = Trust(ca_file=publisher.ca_file, proxies=proxies_of(environ))
    found: list[FeedFile] = []
    lost: list[str] = []
    for number, (name, address) in enumerate(wanted.items(), 1):
        say(f"fetching {name}, {number:,} of {len(wanted):,}")
        try:
            found.append(fetch_feed(name, address, folder, trust))
        except SourceError as error:
            lost.append(str(error.args[0]))
    if not found:
        raise SourceError(f"no feed could be fetched, the first {lost[0]}")
    names = tuple(sorted(path.name for one in found for path in one.paths))
    note = folder / _NOTE
    built = None
    if any(one.is_new for one in found) or not _is_made_of(target, note, names):
        built = build_database([path for one in found for path in one.paths], target, moment, say)
        with suppress(OSError, DatabaseError):  # it is then made again
            write_whole(note, json.encode(_Made(names, _checksum(target))))
    return FetchedFeeds(built, tuple(found), tuple(lost))


def _is_made_of(target: Path, note: Path, names: tuple[str, ...]) -> bool:
    """Whether the database there is the one that was made of these files, and of no others: it may be another's by now."""
    try:
        made = json.decode(note.read_bytes(), type=_Made)
        return made == _Made(names, _checksum(target))
    except (OSError, DatabaseError, *MALFORMED):
        return False


def _checksum(database: Path) -> str:
    """As it says of itself. Raises: ``DatabaseError``."""
    with Database(database) as opened:
        return opened.about.get(CHECKSUM, "")


@contextmanager
def fetched_addresses(
    given: Sequence[str], target: Path, environ: Mapping[str, str], say: Say = silent
) -> Iterator[list[Path]]:
    """``given`` with a file in place of each address, which is there until the block is left.

    Raises: ``SourceError`` where one cannot be fetched.
    """
    addresses = [word for word in given if word.startswith(("https://", "http://"))]
    if not addresses:
        yield [Path(word) for word in given]
        return
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        trust = Trust(proxies=proxies_of(environ))
        paths = []
        for number, word in enumerate(given):
            if word not in addresses:
                paths.append(Path(word))
                continue
            say(f"fetching {word}")
            folder = Path(name) / str(number)
            folder.mkdir()
            last = urlsplit(word).path.rpartition("/")[2].partition(".")[0] or "feed"
            paths.append(fetch_feed(last, word, folder, trust).path)
        yield paths


def _wanted(table: FeedTable, only: Sequence[str]) -> dict[str, str]:
    if not only:
        return table.feeds
    every = table.feeds | table.on_demand
    found: dict[str, str] = {}
    for word in only:
        named = {
            name: address for name, address in every.items() if name == word or name.startswith(f"{word}-")
        }
        if not named:
            raise UsageError(f"unknown feed: {word[:100]}", hint=f"known are {', '.join(sorted(every))}")
        found |= named
    return found
