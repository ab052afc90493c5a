"""Builds the vulnerability database from the documents of feeds.

The same documents give the same file, byte by byte. It is written beside its place and moved there when it is whole,
so that scans read the old one until then, and of two builders at once the last to finish wins.
"""

import os
import re
import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import DatabaseError
from leadline.foreign_errors import in_words
from leadline.model.unread import Unread
from leadline.model.vulnerability import (
    Advisory,
    Affected,
    ExploitChance,
    Exploited,
    Fact,
    FeedDate,
    FeedState,
    ReleaseEnd,
    VersionRange,
)
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.database import (
    APPLICATION,
    CHECKSUM,
    FOREVER,
    INDEXES,
    PACKAGE_INDEX,
    SCHEMA,
    TABLES,
    Detail,
    Extra,
    Record,
)
from leadline.vulnerabilities.database_seal import UNSEALED, seal
from leadline.vulnerabilities.ecosystems import normal_name, orderings
from leadline.vulnerabilities.feed import Document, Feed
from leadline.vulnerabilities.ordering import Ordering, Unorderable
from leadline.vulnerabilities.problem_groups import ProblemGroups
from leadline.vulnerabilities.problem_summary import summed_up
from leadline.vulnerabilities.scoring import rating_of, scored

_PRAGMAS = """
PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-32000;
PRAGMA scratch.journal_mode=OFF; PRAGMA scratch.synchronous=OFF; PRAGMA scratch.cache_size=-16000; PRAGMA temp_store=FILE;
"""
_SCRATCH = """
CREATE TABLE scratch.seen(feed INT, name TEXT, number INT, modified TEXT, PRIMARY KEY(feed, name)) WITHOUT ROWID;
CREATE TABLE scratch.superseded(advisory INTEGER PRIMARY KEY);
CREATE TABLE scratch.summed(problem INTEGER PRIMARY KEY, summary BLOB);
"""
"""What the builder has to look up while it reads: in a database that SQLite keeps on the disk and removes, not in memory."""
_ENTRIES = 200_000
"""Keys of versions that are kept; a version is named by many advisories."""
_PACKAGES = 100_000
"""Packages whose numbers are kept; the others are looked up."""
_AT_A_TIME = 2_000
_PLACES = ", ".join("?" * 8)
_ROWS = 10_000
"""Rows about packages that are written together; each has some 150 bytes."""
MOST_UNREAD = 1000
"""Documents named in a report; the rest is a number."""
_MOST_UNUSABLE = 5
_PAGE = re.compile(rb"[\s\xef\xbb\xbf]*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_FALLBACK = "CPE"
"""Whose ordering serves ecosystems that have none of their own."""
_OF_SEVERAL = """
SELECT concerns.problem, advisory.id, advisory.feed, advisory.name, advisory.detail FROM concerns
CROSS JOIN advisory ON advisory.id = concerns.advisory
WHERE concerns.problem IN (SELECT problem FROM concerns GROUP BY problem HAVING count(*) > 1)
ORDER BY concerns.problem, advisory.id
"""
_encode = msgspec.msgpack.Encoder().encode
_detail = msgspec.msgpack.Decoder(Detail).decode
_names = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Given(Struct, frozen=True):
    """One of the files and folders that were named, and the feeds that its documents are of."""

    name: str
    feeds: tuple[tuple[str, int], ...]
    """Title and number of documents; none where nothing in it could be read."""


class Built(Struct, frozen=True):
    """What was taken from the documents, and what was not."""

    feeds: tuple[FeedState, ...]
    unread: tuple[Unread, ...]
    more_unread: int = 0
    size_bytes: int = 0
    given: tuple[Given, ...] = ()
    """In their order."""
    unusable: tuple[Unread, ...] = ()
    """Some of the ranges and versions that were left out."""


def build(
    documents: Iterable[Document | Unread], feeds: Sequence[Feed], target: Path, *, built: str
) -> Built:
    """Writes the database to ``target`` and says what it holds.

    ``documents`` in the order in which they count: of two states of a record without dates the later is added to the
    earlier. ``built``: the moment as RFC 3339, which is stored.

    Raises:
        DatabaseError: where it cannot be written, or nothing in the documents could be used.
    """

    def fill(builder: _Builder) -> Mapping[str, str]:
        builder.read(documents)
        return {}

    return _written(target, feeds, built, fill)


def build_of_facts(
    facts: Iterable[tuple[Feed, Fact]], target: Path, *, built: str, about: Callable[[], Mapping[str, str]]
) -> Built:
    """As ``build``, of facts that something else has read already. ``about`` says more of the file, when all is read.

    Raises:
        DatabaseError: where it cannot be written, or no facts were given.
    """

    def fill(builder: _Builder) -> Mapping[str, str]:
        builder.take(facts)
        return about()

    return _written(target, (), built, fill)


def _written(
    target: Path, feeds: Sequence[Feed], built: str, fill: "Callable[[_Builder], Mapping[str, str]]"
) -> Built:
    """Beside its place, and moved there when it is whole."""
    if target.is_dir():
        raise DatabaseError(f"{target}: is a folder", hint="name a file in it")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error.strerror or error})") from error
    os.close(handle)
    part = Path(name)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            builder = _Builder(connection, feeds, built)
            about = fill(builder)
            report = builder.finish(built, about)
        seal(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)
        report = replace(report, size_bytes=part.stat().st_size)
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseError(
            f"{target}: cannot be written ({in_words(error)})", hint="is there room on the disk?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return report


class _Count:
    """Running figures of a feed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.documents = 0
        self.records = 0
        self.unusable = 0
        self.newest = ""
        self.date = ""


class _Builder:
    def __init__(self, connection: sqlite3.Connection, feeds: Sequence[Feed], built: str) -> None:
        self._connection = connection
        self._today = built[:10]
        """What is dated later is a mistake of its feed, and does not say how new that is."""
        self._feeds = tuple(feeds)
        self._counts: dict[Feed, _Count] = {}
        self._streams: dict[tuple[str, str, str], int] = {}
        self._stream_feeds: dict[int, set[str]] = {}
        self._packages: OrderedDict[tuple[int, str, bool], int] = OrderedDict()
        self._last_package = 0
        self._last_advisory = 0
        self._has_superseded = False
        self._unread: list[Unread] = []
        self._more_unread = 0
        self._unusable: list[Unread] = []
        self._given: dict[str, dict[str, int]] = {}
        self._keys: dict[Ordering, Callable[[str], bytes]] = {}
        self._affected: list[tuple[int, bytes, bytes, int, bytes]] = []
        """Rows that are not written yet."""
        self._advisories: list[tuple[int, int, str, bytes]] = []
        """Neither are these."""
        connection.execute("ATTACH '' AS scratch")
        connection.executescript(_PRAGMAS + TABLES + PACKAGE_INDEX + _SCRATCH)
        self._groups = ProblemGroups(connection)
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute(f"PRAGMA user_version={SCHEMA}")

    def read(self, documents: Iterable[Document | Unread]) -> None:
        self._connection.execute("BEGIN")
        latest: Feed | None = None
        for document in documents:
            given = self._given.setdefault(_given_name(document), {})
            if isinstance(document, Unread):
                self._skip(document)
                continue
            feed = self._feed_of(document, latest)
            if feed is None:
                self._skip(Unread(document.path, _why_no_feed(document), "unsupported"))
                continue
            latest = feed
            given[feed.title] = given.get(feed.title, 0) + 1
            count = self._count_of(feed)
            count.documents += 1
            try:
                for fact in feed.read(document):
                    self._add(fact, feed, count)
            except Unreadable as error:
                self._skip(Unread(document.path, f"{feed.name}: {error}", "malformed"))

    def take(self, facts: Iterable[tuple[Feed, Fact]]) -> None:
        self._connection.execute("BEGIN")
        for feed, fact in facts:
            self._add(fact, feed, self._count_of(feed))

    def _count_of(self, feed: Feed) -> _Count:
        count = self._counts.get(feed)
        if count is None:
            count = self._counts[feed] = _Count(len(self._counts) + 1)
        return count

    def _feed_of(self, document: Document, latest: Feed | None) -> Feed | None:
        if latest is not None and latest.recognises(document):
            return latest
        return next((feed for feed in self._feeds if feed.recognises(document)), None)

    def _skip(self, unread: Unread) -> None:
        if len(self._unread) < MOST_UNREAD:
            self._unread.append(unread)
        else:
            self._more_unread += 1

    def _add(self, fact: Fact, feed: Feed, count: _Count) -> None:
        match fact:
            case Advisory():
                if fact.kind != "bug fix":
                    self._add_advisory(fact, feed, count)
                    dates = (date for date in (fact.modified, fact.published) if date[:10] <= self._today)
                    count.newest = max(count.newest, *dates, "")
            case Exploited():
                self._put("exploited", fact.id, _encode(fact))
            case ExploitChance():
                self._put("chance", fact.id, fact.chance, fact.percentile)
            case ReleaseEnd():
                self._put("release_end", fact.product, fact.release, _encode(fact))
            case FeedDate():
                count.date = max(count.date, fact.date if fact.date[:10] <= self._today else "")
                return
        count.records += 1

    def _put(self, table: str, *values: object) -> None:
        self._connection.execute(
            f"INSERT OR REPLACE INTO {table} VALUES({_PLACES[: 3 * len(values) - 2]})", values
        )

    def _add_advisory(self, advisory: Advisory, feed: Feed, count: _Count) -> None:
        number = self._number(advisory, count)
        if number is None or advisory.withdrawn:
            return
        for affected in advisory.affected:
            self._add_affected(affected, number, feed, count)

    def _number(self, advisory: Advisory, count: _Count) -> int | None:
        """The advisory's number; ``None`` where a newer state of it is there already."""
        key = count.number, advisory.id
        run = self._connection.execute
        number = self._last_advisory + 1
        # One statement instead of two for what is seen the first time, as nearly all is.
        note = (*key, number, advisory.modified)
        if run("INSERT OR IGNORE INTO scratch.seen VALUES(?, ?, ?, ?)", note).rowcount == 0:
            found = run("SELECT number, modified FROM scratch.seen WHERE feed = ? AND name = ?", key)
            known = found.fetchone()
            number, modified = int(known[0]), str(known[1])
            if advisory.modified == modified:
                return number
            if advisory.modified < modified:
                return None
            run("INSERT OR IGNORE INTO scratch.superseded VALUES(?)", (number,))
            self._has_superseded = True
            number = self._last_advisory + 1
            self._put("scratch.seen", *key, number, advisory.modified)
        self._last_advisory = number
        detail = Detail(
            severity=rating_of(advisory),
            kind=advisory.kind,
            cvss=tuple(map(scored, advisory.cvss)),
            summary=advisory.summary,
            published=advisory.published,
            modified=advisory.modified,
            withdrawn=advisory.withdrawn,
            references=advisory.references,
            weaknesses=advisory.weaknesses,
        )
        self._advisories.append((number, count.number, advisory.id, _encode(detail)))
        if len(self._advisories) >= _AT_A_TIME:
            self._write_advisories()
        self._groups.add(number, advisory)
        return number

    def _write_advisories(self) -> None:
        self._connection.executemany("INSERT INTO advisory VALUES(?, ?, ?, ?)", self._advisories)
        self._advisories.clear()

    def _add_affected(self, affected: Affected, advisory: int, feed: Feed, count: _Count) -> None:
        stream = self._stream(affected, feed)
        package = self._package(stream, normal_name(affected.ecosystem, affected.package), affected.is_source)
        ordering = orderings().get(affected.ecosystem) or orderings()[_FALLBACK]
        rows: list[tuple[bytes, bytes, Extra]] = []
        ranges = affected.ranges or (() if affected.versions else (VersionRange(),))
        for each in ranges:
            try:
                low, high = self._span(each, ordering)
            except Unorderable as error:
                self._leave_out(count, affected, advisory, f"{str(error)[:60]!r} cannot be ordered")
                continue
            if low >= high:
                self._leave_out(count, affected, advisory, "a range that ends before it begins")
                continue
            rows.append((low, high, _extra(affected, each)))
        spans = [(low, high) for low, high, _ in rows]
        rows = _with_last_fixes(rows)
        for version in affected.versions:
            try:
                low = self._key(ordering, version)
            except Unorderable:
                self._leave_out(count, affected, advisory, f"{version[:60]!r} cannot be ordered")
                continue
            if not any(start <= low < end for start, end in spans):
                exact = VersionRange(introduced=version, last_affected=version)
                rows.append((low, low + b"\0", _extra(affected, exact)))
        self._affected += [(package, high, low, advisory, _encode(says)) for low, high, says in rows]
        if len(self._affected) >= _ROWS:
            self._write_affected()

    def _write_affected(self) -> None:
        """In the order of their pages, of which each is then touched once."""
        self._affected.sort()
        self._connection.executemany("INSERT OR IGNORE INTO affected VALUES(?, ?, ?, ?, ?)", self._affected)
        self._affected.clear()

    def _leave_out(self, count: _Count, affected: Affected, advisory: int, why: str) -> None:
        count.unusable += 1
        if len(self._unusable) < _MOST_UNUSABLE:
            self._write_advisories()
            (name,) = self._connection.execute(
                "SELECT name FROM advisory WHERE id = ?", (advisory,)
            ).fetchone()
            self._unusable.append(
                Unread(f"{name}, {affected.ecosystem} {affected.package}", why, "malformed")
            )

    def _span(self, each: VersionRange, ordering: Ordering) -> tuple[bytes, bytes]:
        low = self._key(ordering, each.introduced) if each.introduced not in ("", "0") else b""
        if low and each.after:
            low += b"\0"
        if each.fixed:
            return low, self._key(ordering, each.fixed)
        if each.last_affected:
            return low, self._key(ordering, each.last_affected) + b"\0"
        return low, FOREVER

    def _key(self, ordering: Ordering, version: str) -> bytes:
        key = self._keys.get(ordering)
        if key is None:
            key = self._keys[ordering] = lru_cache(_ENTRIES)(ordering.key)
        return key(version)

    def _stream(self, affected: Affected, feed: Feed) -> int:
        key = affected.ecosystem, affected.release, affected.channel
        number = self._streams.get(key)
        if number is None:
            number = self._streams[key] = len(self._streams) + 1
        self._stream_feeds.setdefault(number, set()).add(feed.name)
        return number

    def _package(self, stream: int, name: str, is_source: bool) -> int:
        key = stream, name, is_source
        number = self._packages.get(key)
        if number is not None:
            return number
        number = self._last_package + 1
        run = self._connection.execute
        if run("INSERT OR IGNORE INTO package VALUES(?, ?, ?, ?)", (number, *key)).rowcount == 1:
            self._last_package = number
        else:
            found = run("SELECT id FROM package WHERE stream = ? AND name = ? AND is_source = ?", key)
            number = int(found.fetchone()[0])
        self._packages[key] = number
        if len(self._packages) > _PACKAGES:
            self._packages.popitem(last=False)
        return number

    def finish(self, built: str, about: Mapping[str, str]) -> Built:
        """Writes what is known only when all is read."""
        if not any(count.records for count in self._counts.values()):
            raise DatabaseError(f"no advisories in what was given{self._first_reason()}")
        write = self._connection.executemany
        self._write_advisories()
        self._write_affected()
        if self._has_superseded:
            self._drop_superseded()
        write(
            "INSERT INTO stream VALUES(?, ?, ?, ?, ?)",
            [
                (number, *key, _encode(sorted(self._stream_feeds[number])))
                for key, number in self._streams.items()
            ],
        )
        self._write_problems()
        self._connection.execute(
            "INSERT INTO speaks_of SELECT DISTINCT advisory, package FROM affected ORDER BY advisory, package"
        )
        states = tuple(self._state(feed, count) for feed, count in self._counts.items())
        write(
            "INSERT INTO feed VALUES(?, ?)",
            [
                (count.number, _encode(state))
                for count, state in zip(self._counts.values(), states, strict=True)
            ],
        )
        facts = {**about, "built": built, CHECKSUM: UNSEALED, "complete": "yes"}
        write("INSERT INTO about VALUES(?, ?)", facts.items())
        self._connection.execute("COMMIT")
        self._connection.executescript(INDEXES)
        return Built(
            states,
            tuple(self._unread),
            self._more_unread,
            given=tuple(Given(name, tuple(feeds.items())) for name, feeds in self._given.items()),
            unusable=tuple(self._unusable),
        )

    def _first_reason(self) -> str:
        if not self._unread:
            return ": there was nothing"
        return f": {self._unread[0].where}: {self._unread[0].why}"

    def _drop_superseded(self) -> None:
        drop = self._connection.execute
        drop("DELETE FROM affected WHERE advisory IN (SELECT advisory FROM scratch.superseded)")
        drop("DELETE FROM advisory WHERE id IN (SELECT advisory FROM scratch.superseded)")

    def _write_problems(self) -> None:
        write = self._connection.executemany
        problems = self._groups.grouped()
        while together := list(islice(problems, _AT_A_TIME)):
            write(
                "INSERT INTO problem VALUES(?, ?, ?, NULL)",
                [(problem, names[0], _encode(names[1:])) for problem, names in together],
            )
            write(
                "INSERT OR IGNORE INTO known_as VALUES(?, ?)",
                [(name, problem) for problem, names in together for name in names],
            )
        # Written only when all are read: SQLite would go on reading what it is given meanwhile.
        summaries = self._summaries()
        while some := list(islice(summaries, _AT_A_TIME)):
            write("INSERT INTO scratch.summed VALUES(?, ?)", some)
        self._connection.execute(
            "UPDATE problem SET summary = summed.summary FROM scratch.summed WHERE summed.problem = problem.id"
        )

    def _summaries(self) -> Iterator[tuple[int, bytes]]:
        """For problems with several advisories: the number, and what these say together."""
        feeds = {count.number: feed.name for feed, count in self._counts.items()}
        rows = self._connection.execute(_OF_SEVERAL)
        for problem, of_problem in groupby(rows, key=itemgetter(0)):
            records = [
                Record(number, feeds[feed], name, _detail(packed))
                for _, number, feed, name, packed in of_problem
            ]
            best, others = self._connection.execute(
                "SELECT name, aliases FROM problem WHERE id = ?", (problem,)
            ).fetchone()
            yield problem, _encode(summed_up(records, (best, *_names(others))))

    def _state(self, feed: Feed, count: _Count) -> FeedState:
        return FeedState(
            name=feed.name,
            title=feed.title,
            date=count.date or count.newest,
            licence=feed.licence,
            documents=count.documents,
            records=count.records,
            unusable=count.unusable,
        )


def _given_name(document: Document | Unread) -> str:
    """The first part of the path, without a line: what the user named."""
    path = document.path if isinstance(document, Document) else document.where
    return path.partition("/")[0].partition("#")[0]


def _why_no_feed(document: Document) -> str:
    if not document.data.strip():
        return "empty"
    return "a web page, no feed" if _PAGE.match(document.head) else "no feed has this format"


def _with_last_fixes(rows: list[tuple[bytes, bytes, Extra]]) -> list[tuple[bytes, bytes, Extra]]:
    """What ends one range is no fix where the next begins: the fix is what ends the last range of such a row."""
    if len(rows) < 2:
        return rows
    rows = sorted(rows, key=itemgetter(0, 1))
    linked: list[list[tuple[bytes, bytes, Extra]]] = []
    end = b""
    for row in rows:
        if linked and row[0] <= end:
            linked[-1].append(row)
            end = max(end, row[1])
        else:
            linked.append([row])
            end = row[1]
    return [
        row if row[1] == last[1] or not row[2].fixed else (*row[:2], _with_fix(row[2], last[2].fixed))
        for group in linked
        for last in (max(group, key=itemgetter(1)),)
        for row in group
    ]


def _with_fix(says: Extra, fixed: str) -> Extra:
    return replace(says, fixed=fixed, before=says.fixed)


def _extra(affected: Affected, each: VersionRange) -> Extra:
    return Extra(
        state=affected.state,
        severity=affected.severity,
        module=affected.module,
        arches=affected.arches,
        cpe=affected.cpe,
        reason=affected.reason,
        imports=affected.imports,
        introduced="" if each.introduced == "0" else each.introduced,
        fixed=each.fixed if each.is_fix else "",
        before="" if each.is_fix else each.fixed,
        last_affected=each.last_affected,
        is_after=each.after,
    )
