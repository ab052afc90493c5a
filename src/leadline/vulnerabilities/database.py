"""The vulnerability database: one SQLite file, opened read-only, asked by name and version.

A range of versions is a range of byte strings (``ordering.py``): from ``low`` to before ``high``. What includes its
last version ends with that key and a zero byte behind it, the very next byte string; what has no end has ``FOREVER``.
So one comparison of each kind answers whether a version is within, and the index does it.
"""

import sqlite3
from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, cached_property
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar, cast

import msgspec
from msgspec import Struct

from leadline.errors import DatabaseError
from leadline.foreign_errors import in_words
from leadline.model.vulnerability import (
    Cvss,
    ExploitChance,
    Exploited,
    FeedState,
    Import,
    Kind,
    Rating,
    ReleaseEnd,
    State,
)

APPLICATION = 0x4C454144
"""SQLite's application id, "LEAD": distinguishes our file from any other database."""
SCHEMA = 3
"""SQLite's user version; raised with every change of a table or of a key in ``versions``."""
CHECKSUM = "checksum"
"""Under which name the table ``about`` holds that of the file (``database_seal.py``)."""
FOREVER = b"\xff" * 9
"""After every key: a number of 255 digits and more has its length behind the first such byte, with zeros."""

TABLES = """
CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE feed(id INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE stream(id INTEGER PRIMARY KEY, ecosystem TEXT, release TEXT, channel TEXT, feeds BLOB);
CREATE TABLE package(id INTEGER PRIMARY KEY, stream INT, name TEXT, is_source INT);
CREATE TABLE advisory(id INTEGER PRIMARY KEY, feed INT, name TEXT, detail BLOB);
CREATE TABLE affected(package INT, high BLOB, low BLOB, advisory INT, extra BLOB,
    PRIMARY KEY(package, high, low, advisory, extra)) WITHOUT ROWID;
CREATE TABLE problem(id INTEGER PRIMARY KEY, name TEXT, aliases BLOB, summary BLOB);
CREATE TABLE known_as(name TEXT COLLATE NOCASE PRIMARY KEY, problem INT) WITHOUT ROWID;
CREATE TABLE concerns(advisory INT, problem INT, PRIMARY KEY(advisory, problem)) WITHOUT ROWID;
CREATE TABLE speaks_of(advisory INT, package INT, PRIMARY KEY(advisory, package)) WITHOUT ROWID;
CREATE TABLE exploited(name TEXT PRIMARY KEY, fact BLOB) WITHOUT ROWID;
CREATE TABLE chance(name TEXT PRIMARY KEY, chance REAL, percentile REAL) WITHOUT ROWID;
CREATE TABLE release_end(product TEXT, release TEXT, fact BLOB, PRIMARY KEY(product, release)) WITHOUT ROWID;
"""
PACKAGE_INDEX = "CREATE UNIQUE INDEX package_by_name ON package(stream, name, is_source);"
"""Used while the database is built, too."""
INDEXES = """
CREATE INDEX concerns_by_problem ON concerns(problem);
"""

Row = tuple[Any, ...]
"""SQLite's columns have no static types."""
T = TypeVar("T")

_WANTED = "CREATE TEMP TABLE wanted(place INT, package INT, key BLOB)"
_FIND = """
SELECT wanted.place, affected.advisory, affected.extra FROM wanted
CROSS JOIN affected ON affected.package = wanted.package AND affected.high > wanted.key AND affected.low <= wanted.key
"""
_KNOWN = (
    "SELECT id, name, is_source FROM package WHERE stream = ? AND name IN (SELECT value FROM json_each(?))"
)
_HEADER_BYTES = 100
_HINT = "get one with 'leadline db fetch', or make one with 'leadline db build'"


class Extra(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a row says beside its range."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    before: str = ""
    """Ends the range where ``fixed`` does not: a version that is not known to be a release, or begins the next range."""
    state: State = "affected"
    severity: Rating = "unknown"
    module: str = ""
    arches: tuple[str, ...] = ()
    cpe: str = ""
    reason: str = ""
    is_after: bool = False
    imports: tuple[Import, ...] = ()


class Detail(Struct, frozen=True, array_like=True):
    """What an advisory says beside its ranges."""

    severity: Rating
    kind: Kind
    cvss: tuple[Cvss, ...]
    summary: str
    published: str
    modified: str
    withdrawn: str
    references: tuple[str, ...]
    weaknesses: tuple[str, ...]


class Stream(Struct, frozen=True):
    """An ecosystem, a release of a distribution, or a further channel of one."""

    id: int
    ecosystem: str
    release: str
    channel: str
    feeds: tuple[str, ...]

    @property
    def name(self) -> str:
        """``Ubuntu:22.04:esm-infra``."""
        if not self.release and not self.channel:
            return self.ecosystem
        return ":".join(filter(None, (self.ecosystem, self.release, self.channel)))


class Wanted(NamedTuple):
    """A package of the database to look up, for the version with this key."""

    place: int
    """The asker's number for it."""
    stream: Stream
    name: str
    is_source: bool
    package: int
    """As ``known`` gives it."""
    key: bytes


class Hit(NamedTuple):
    """A range that holds the version."""

    place: int
    stream: Stream
    name: str
    is_source: bool
    advisory: int
    extra: Extra


class Record(NamedTuple):
    """An advisory as it is stored."""

    id: int
    feed: str
    name: str
    detail: Detail


class Problem(NamedTuple):
    """What all advisories of a group speak of."""

    id: int
    name: str
    """The CVE where there is one."""
    aliases: tuple[str, ...]
    summary: Detail | None = None
    """What its advisories say together; ``None`` where one says it all."""


class Database:
    """A vulnerability database, open to read. One thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opens it; ``DatabaseError`` where there is none, or it is damaged or made for another version."""
        self.path = path
        if not path.is_file():
            raise DatabaseError(f"{path}: vulnerability database not found", hint=_HINT)
        _check_header(path)
        with _translated(path):
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        try:
            self._check()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def _check(self) -> None:
        """Whether its building was finished; and makes it ready."""
        if self.about.get("complete") != "yes":
            raise DatabaseError(f"{self.path}: its building was not finished", hint=_HINT)
        with _translated(self.path):
            self._connection.execute("PRAGMA mmap_size=1073741824")
            self._connection.execute("PRAGMA temp_store=MEMORY")
            self._connection.execute(_WANTED)

    def verify(self) -> None:
        """Reads every page. Raises ``DatabaseError`` where one is damaged; takes seconds."""
        for (answer,) in self._rows("PRAGMA quick_check(1)"):
            if answer != "ok":
                raise DatabaseError(f"{self.path}: damaged ({answer})", hint=_HINT)

    @cached_property
    def about(self) -> dict[str, str]:
        """``built``: when, as the builder was given it."""
        return {str(name): str(value) for name, value in self._rows("SELECT name, value FROM about")}

    @cached_property
    def feeds(self) -> tuple[FeedState, ...]:
        """By name."""
        states = [
            _decoded(state, FeedState) for _, state in self._rows("SELECT id, state FROM feed ORDER BY id")
        ]
        return tuple(sorted(states, key=lambda state: state.name))

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        rows = self._rows("SELECT id, ecosystem, release, channel, feeds FROM stream ORDER BY id")
        return tuple(
            Stream(number, ecosystem, release, channel, _decoded(feeds, tuple[str, ...]))
            for number, ecosystem, release, channel, feeds in rows
        )

    def find(self, wanted: Sequence[Wanted]) -> list[Hit]:
        """Every range that holds a wanted version, in the order of their places."""
        rows_wanted = [(number, each.package, each.key) for number, each in enumerate(wanted)]
        with _translated(self.path), closing(self._connection.cursor()) as cursor:
            cursor.execute("DELETE FROM temp.wanted")
            cursor.executemany("INSERT INTO temp.wanted VALUES(?, ?, ?)", rows_wanted)
            rows = cursor.execute(_FIND).fetchall()
        extras = {packed: _decoded(packed, Extra) for packed in {row[2] for row in rows}}
        hits = []
        for number, advisory, packed in rows:
            place, stream, name, is_source, _, _ = wanted[number]
            hits.append(Hit(place, stream, name, is_source, advisory, extras[packed]))
        hits.sort(key=itemgetter(0))
        return hits

    def known(self, stream: int, names: Iterable[str]) -> dict[tuple[str, bool], int]:
        """Those of the names of which any advisory of the stream speaks: by name, and whether it is a source package."""
        rows = self._rows(_KNOWN, (stream, _listed(names)))
        return {(name, bool(is_source)): number for number, name, is_source in rows}

    def problems(self, advisories: Iterable[int]) -> dict[int, tuple[Problem, ...]]:
        """What each advisory concerns; several where it is an update for several."""
        found: dict[int, tuple[Problem, ...]] = {}
        question = """SELECT concerns.advisory, concerns.problem, problem.name, problem.aliases, problem.summary
            FROM concerns LEFT JOIN problem ON problem.id = concerns.problem
            WHERE concerns.advisory IN (SELECT value FROM json_each(?))"""
        made: dict[int, Problem] = {}
        asked = frozenset(advisories)
        for advisory, number, name, aliases, summary in self._rows(question, (_listed(asked),)):
            problem = made.get(number)
            if problem is None:
                self._check_all((number,), () if name is None else (number,))
                others = _decoded(aliases, tuple[str, ...])
                said = None if summary is None else _decoded(summary, Detail)
                problem = made[number] = Problem(number, name, others, said)
            before = found.get(advisory)
            found[advisory] = (problem,) if before is None else (*before, problem)
        self._check_all(asked, found)
        return {
            advisory: tuple(sorted(each, key=itemgetter(0))) if len(each) > 1 else each
            for advisory, each in found.items()
        }

    def advisories(self, numbers: Iterable[int]) -> dict[int, Record]:
        """By number."""
        question = "SELECT id, feed, name, detail FROM advisory WHERE id IN (SELECT value FROM json_each(?))"
        asked = frozenset(numbers)
        rows = self._rows(question, (_listed(asked),))
        self._check_all(asked, {row[0] for row in rows})
        self._check_all({row[1] for row in rows}, self._feed_names)
        return {
            number: Record(number, self._feed_names[feed], name, _decoded(detail, Detail))
            for number, feed, name, detail in rows
        }

    def named(self, name: str) -> Problem | None:
        """The problem that goes by this id, in whatever case it is written."""
        question = """SELECT problem.id, problem.name, problem.aliases FROM known_as
            CROSS JOIN problem ON problem.id = known_as.problem WHERE known_as.name = ?"""
        for number, found, aliases in self._rows(question, (name,)):
            return Problem(number, found, _decoded(aliases, tuple[str, ...]))
        return None

    def records(self, problem: int) -> tuple[Record, ...]:
        """All that feeds say about a problem, in the order in which they were read."""
        question = "SELECT advisory FROM concerns WHERE problem = ?"
        found = self.advisories(number for (number,) in self._rows(question, (problem,)))
        return tuple(found[number] for number in sorted(found))

    def ranges(self, advisories: Iterable[int]) -> list[tuple[int, Stream, str, Extra]]:
        """Every package and range of the advisories, for a person to read."""
        question = """SELECT affected.advisory, package.stream, package.name, affected.extra FROM speaks_of
            CROSS JOIN package ON package.id = speaks_of.package
            CROSS JOIN affected ON affected.package = package.id AND affected.advisory = speaks_of.advisory
            WHERE speaks_of.advisory IN (SELECT value FROM json_each(?))"""
        streams = {stream.id: stream for stream in self.streams}
        return [
            (advisory, streams[stream], name, _decoded(extra, Extra))
            for advisory, stream, name, extra in self._rows(question, (_listed(advisories),))
        ]

    def rows_of(self, stream: int, name: str, *, is_source: bool) -> list[tuple[int, Extra]]:
        """Every range of a package, with its advisory."""
        question = """SELECT affected.advisory, affected.extra FROM package CROSS JOIN affected
            ON affected.package = package.id WHERE package.stream = ? AND package.name = ? AND package.is_source = ?"""
        rows = self._rows(question, (stream, name, int(is_source)))
        return [(advisory, _decoded(extra, Extra)) for advisory, extra in rows]

    def exploited(self, names: Iterable[str]) -> dict[str, Exploited]:
        question = "SELECT name, fact FROM exploited WHERE name IN (SELECT value FROM json_each(?))"
        return {name: _decoded(fact, Exploited) for name, fact in self._rows(question, (_listed(names),))}

    def chances(self, names: Iterable[str]) -> dict[str, ExploitChance]:
        question = (
            "SELECT name, chance, percentile FROM chance WHERE name IN (SELECT value FROM json_each(?))"
        )
        return {row[0]: ExploitChance(*row) for row in self._rows(question, (_listed(names),))}

    def release_end(self, product: str, release: str) -> ReleaseEnd | None:
        question = "SELECT fact FROM release_end WHERE product = ? AND release = ?"
        for (fact,) in self._rows(question, (product, release)):
            return _decoded(fact, ReleaseEnd)
        return None

    @cached_property
    def _feed_names(self) -> dict[int, str]:
        rows = self._rows("SELECT id, state FROM feed")
        return {number: _decoded(state, FeedState).name for number, state in rows}

    def _check_all(self, asked: Collection[int], found: Container[int]) -> None:
        """What one table names the other has. Raises ``DatabaseError`` where it has not: nothing may be lost silently."""
        for number in asked:
            if number not in found:
                raise DatabaseError(f"{self.path}: damaged (nothing is kept of number {number})", hint=_HINT)

    def _rows(self, question: str, values: Sequence[object] = ()) -> list[Row]:
        with _translated(self.path):
            return self._connection.execute(question, values).fetchall()


def _check_header(path: Path) -> None:
    """By SQLite's own header (https://www.sqlite.org/fileformat.html#the_database_header), before it is trusted."""
    with _translated(path), path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    version = int.from_bytes(header[60:64], "big")
    if not header.startswith(b"SQLite format 3\0") or int.from_bytes(header[68:72], "big") != APPLICATION:
        raise DatabaseError(f"{path}: not a vulnerability database of ours", hint=_HINT)
    if version != SCHEMA:
        age = "an older" if version < SCHEMA else "a newer"
        raise DatabaseError(
            f"{path}: made by {age} version (format {version}, this one reads {SCHEMA})",
            hint=_HINT if version < SCHEMA else "install that version, or make one with 'leadline db build'",
        )
    if path.stat().st_size < int.from_bytes(header[16:18], "big") * int.from_bytes(header[28:32], "big"):
        raise DatabaseError(f"{path}: cut short", hint="copy it again whole")


def _listed(values: Iterable[int] | Iterable[str]) -> str:
    """As one parameter for ``json_each``: SQLite bounds how many there may be, and takes each apart again."""
    listed = tuple(values)
    try:
        return msgspec.json.encode(listed).decode()
    except UnicodeEncodeError:
        import json  # for a name that holds half a character; the module takes a while to import

        return json.dumps(listed)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's and the decoder's errors as ours."""
    try:
        yield
    except (sqlite3.DatabaseError, msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise DatabaseError(
            f"{path}: the vulnerability database cannot be read ({in_words(error)})", hint=_HINT
        ) from error


@cache
def _decoder(kind: Hashable) -> msgspec.msgpack.Decoder[Any]:
    """Made once for each of a few types: it takes longer than decoding does."""
    return msgspec.msgpack.Decoder(kind)


def _decoded(packed: bytes, kind: type[T]) -> T:
    try:
        found: T = _decoder(cast("Hashable", kind)).decode(packed)
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError) as error:
        raise DatabaseError(
            f"the vulnerability database is damaged ({in_words(error)})", hint=_HINT
        ) from error
    return found
