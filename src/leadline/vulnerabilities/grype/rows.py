"""The rows of Grype's database, schema 6, in the order of its advisories.

``vulnerability_handles`` has a row for each advisory of a provider; the packages that it speaks of have one each in
``affected_package_handles``, ``unaffected_package_handles`` and ``affected_cpe_handles``; what these say is JSON in
``blobs`` (https://github.com/anchore/grype, ``grype/db/v6``). All are read side by side by the number of the advisory, so memory
does not grow with the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from msgspec import MsgspecError, Struct

from leadline.errors import DatabaseError
from leadline.foreign_errors import in_words
from leadline.vulnerabilities.grype.names import System

MODEL = 6
_MAGIC = b"SQLite format 3\0"
_LONGEST_VALUE = 32 << 20
"""Of one blob; the largest that were seen have some hundred kilobytes."""
_CACHE_KIB = 16_000
_WANTED = (
    "db_metadata",
    "providers",
    "vulnerability_handles",
    "affected_package_handles",
    "affected_cpe_handles",
    "packages",
    "operating_systems",
    "cpes",
    "blobs",
)
_OPTIONAL = ("unaffected_package_handles", "known_exploited_vulnerability_handles", "epss_handles")
"""Came with later additions to the schema."""
_ADVISORIES = """
SELECT v.id, v.name, v.status, v.published_date, v.modified_date, v.withdrawn_date, v.provider_id, b.value
FROM vulnerability_handles v JOIN blobs b ON b.id = v.blob_id ORDER BY v.id
"""
_SYSTEMS = "SELECT id, name, major_version, minor_version, label_version, {channel} FROM operating_systems"
_PACKAGES = """
SELECT h.vulnerability_id, p.ecosystem, p.name, h.operating_system_id, b.value
FROM {table} h JOIN packages p ON p.id = h.package_id JOIN blobs b ON b.id = h.blob_id ORDER BY h.vulnerability_id
"""
_CPES = """
SELECT h.vulnerability_id, c.part, c.vendor, c.product, c.edition, c.language, c.software_edition, c.target_software,
    c.target_hardware, c.other, b.value
FROM affected_cpe_handles h JOIN cpes c ON c.id = h.cpe_id JOIN blobs b ON b.id = h.blob_id ORDER BY h.vulnerability_id
"""
Row = tuple[Any, ...]
"""SQLite's columns have no static types."""


class PackageRow(Struct, frozen=True):
    """What an advisory says about a package."""

    type: str
    name: str
    system: System | None
    """``None`` for a language package."""
    blob: bytes | str


class CpeRow(Struct, frozen=True):
    """What an advisory says about a product."""

    fields: tuple[str, ...]
    """Part, vendor, product; then edition, language, edition, target and architecture of the software, and other."""
    blob: bytes | str


class AdvisoryRow(Struct, frozen=True):
    """One advisory with all that belongs to it."""

    name: str
    status: str
    published: str
    modified: str
    withdrawn: str
    provider: str
    blob: bytes | str
    affected: tuple[PackageRow, ...]
    unaffected: tuple[PackageRow, ...]
    products: tuple[CpeRow, ...]


def is_grype_database(path: Path) -> bool:
    """Whether the file is SQLite with the tables of Grype's database, of whatever version."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        with _opened(path) as connection:
            return {"db_metadata", "vulnerability_handles"} <= _tables(connection)
    except (OSError, DatabaseError):
        return False


class GrypeRows:
    """A database that is open to read. Every method raises ``DatabaseError`` where the file is damaged."""

    def __init__(self, path: Path, connection: sqlite3.Connection, tables: frozenset[str]) -> None:
        self._path = path
        self._connection = connection
        self._has = tables
        self.built, self.schema = self._metadata()
        self._systems = {
            row[0]: System(*map(_word, row[1:]))
            for row in self._rows(_SYSTEMS.format(channel="channel" if self._has_channels() else "''"))
        }

    def providers(self) -> list[tuple[str, str]]:
        """Name, and when its publisher's data was captured; empty where that is not known."""
        rows = self._rows("SELECT id, date_captured FROM providers ORDER BY id")
        return [(_word(name), _word(date)) for name, date in rows]

    def advisories(self) -> Iterator[AdvisoryRow]:
        affected = _Step(self._rows(_PACKAGES.format(table="affected_package_handles")))
        unaffected = _Step(
            self._rows(_PACKAGES.format(table="unaffected_package_handles"))
            if "unaffected_package_handles" in self._has
            else iter(())
        )
        products = _Step(self._rows(_CPES))
        for number, name, status, published, modified, withdrawn, provider, blob in self._rows(_ADVISORIES):
            yield AdvisoryRow(
                _word(name),
                _word(status),
                _word(published),
                _word(modified),
                _word(withdrawn),
                _word(provider),
                blob,
                tuple(map(self._package, affected.of(number))),
                tuple(map(self._package, unaffected.of(number))),
                tuple(CpeRow(tuple(map(_word, row[1:-1])), row[-1]) for row in products.of(number)),
            )

    def exploited(self) -> Iterator[bytes | str]:
        """JSON of each entry in the catalogue of known exploited vulnerabilities."""
        if "known_exploited_vulnerability_handles" in self._has:
            for (blob,) in self._rows(
                "SELECT b.value FROM known_exploited_vulnerability_handles h JOIN blobs b ON b.id = h.blob_id ORDER BY h.id"
            ):
                yield blob

    def chances(self) -> Iterator[tuple[str, float, float]]:
        """CVE, chance and percentile of EPSS."""
        if "epss_handles" in self._has:
            for cve, chance, percentile in self._rows(
                "SELECT cve, epss, percentile FROM epss_handles ORDER BY id"
            ):
                yield _word(cve), _share(chance), _share(percentile)

    def ends(self) -> Iterator[tuple[System, str]]:
        """Distributions, and when support for them ends."""
        columns = {row[1] for row in self._rows("PRAGMA table_info(operating_systems)")}
        if "eol_date" in columns:
            for number, end in self._rows(
                "SELECT id, eol_date FROM operating_systems WHERE eol_date IS NOT NULL ORDER BY id"
            ):
                yield self._systems[number], _word(end)

    def _metadata(self) -> tuple[str, str]:
        rows = list(self._rows("SELECT build_timestamp, model, revision, addition FROM db_metadata LIMIT 1"))
        if not rows:
            raise DatabaseError(f"{self._path}: its building was not finished")
        built, *version = map(_word, rows[0])
        schema = ".".join(version)
        if version[0] != str(MODEL):
            raise DatabaseError(
                f"{self._path}: has schema {schema} of Grype; this version reads {MODEL}",
                hint="update leadline"
                if version[0].isdigit() and int(version[0]) > MODEL
                else "fetch a newer one",
            )
        return built, schema

    def _has_channels(self) -> bool:
        return any(row[1] == "channel" for row in self._rows("PRAGMA table_info(operating_systems)"))

    def _package(self, row: Row) -> PackageRow:
        _, type, name, system, blob = row
        return PackageRow(
            _word(type), _word(name), None if system is None else self._systems.get(system, System("")), blob
        )

    def _rows(self, question: str) -> Iterator[Row]:
        with _translated(self._path):
            yield from self._connection.execute(question)


@contextmanager
def grype_rows(path: Path) -> Iterator[GrypeRows]:
    """Opens the file, of which nothing is believed: no view, virtual table or function of it is used.

    Raises:
        DatabaseError: it is damaged, or of another version.
    """
    with _opened(path) as connection:
        tables = _tables(connection)
        missing = [name for name in _WANTED if name not in tables]
        if missing:
            raise DatabaseError(
                f"{path}: not a database of Grype that can be read: it has no table {missing[0]}"
            )
        with _translated(path):
            yield GrypeRows(path, connection, tables & frozenset((*_WANTED, *_OPTIONAL)))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with _translated(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    with closing(connection):
        with _translated(path):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            for pragma in (
                "trusted_schema=OFF",
                "query_only=ON",
                "cell_size_check=ON",
                f"cache_size=-{_CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}")
        yield connection


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    """Real ones: a view would run what the file says."""
    with _translated(None):
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return frozenset(
        str(name) for name, sql in rows if sql and not str(sql).upper().lstrip().startswith("CREATE VIRTUAL")
    )


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, MsgspecError, UnicodeDecodeError, OverflowError) as error:
        where = f"{path}: " if path else ""
        raise DatabaseError(f"{where}damaged, or not a database of Grype ({in_words(error)})") from error


class _Step:
    """Rows in the order of a number, taken in step with the numbers that are asked for."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, number: int) -> Iterator[Row]:
        while self._next is not None and self._next[0] < number:
            self._next = next(self._groups, None)
        if self._next is not None and self._next[0] == number:
            yield from self._next[1]
            self._next = next(self._groups, None)


def _word(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _share(value: object) -> float:
    """0 to 1."""
    return min(1.0, max(0.0, value)) if isinstance(value, float | int) else 0.0
