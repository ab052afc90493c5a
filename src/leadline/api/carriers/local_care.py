"""What keeps the local store small and safe: history, dictionaries, space, backups, checks."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import zstandard

from leadline.api.carriers import local_rows
from leadline.api.carriers.local_schema import MARGIN, refusal, start_anew, version_of
from leadline.api.carriers.packing import ENOUGH_SAMPLES, LARGEST_SAMPLE, SAMPLES, Packer
from leadline.api.protocol import EMPTY
from leadline.errors import StoreError

ROWS_PER_STEP = 500
_PAGES_PER_STEP = 500
_LEAST_FREE_PAGES = 100
_FREE_SHARE = 10
"""Space is given back once a tenth of the file is free."""
_GROWTH = 20
"""A dictionary is trained again once a kind has this many times the objects it was trained on."""


def first_to_keep(database: sqlite3.Connection, revision: int, history: int, surplus_bytes: int) -> int:
    """The revision up to which the past can go: by number, and further where bodies exceed their bound."""
    cut = revision - history
    for dead, size in database.execute(
        "SELECT dead, length(body) FROM version WHERE dead IS NOT NULL ORDER BY dead"
    ):
        if surplus_bytes <= 0:
            break
        cut = max(cut, dead)
        surplus_bytes -= size
    return cut


def forget(database: sqlite3.Connection, cut: int, revision: int) -> tuple[int, int]:
    """Deletes one step's worth of what was replaced up to ``cut``: how many versions, and the bytes of their bodies."""
    rows = database.execute(
        "SELECT revision, length(body) FROM version WHERE dead<=? ORDER BY dead LIMIT ?", (cut, ROWS_PER_STEP)
    ).fetchall()
    if rows:
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE state SET kept_from=max(kept_from, ?), last=max(last, ?)", (cut, revision))
        database.executemany("DELETE FROM version WHERE revision=?", [(row[0],) for row in rows])
        database.execute("COMMIT")
    return len(rows), sum(int(row[1]) for row in rows)


def give_back_space(database: sqlite3.Connection) -> bool:
    """One step; whether there is more to give back."""
    free = int(database.execute("PRAGMA freelist_count").fetchone()[0])
    pages = int(database.execute("PRAGMA page_count").fetchone()[0])
    if free * _FREE_SHARE < pages or free < _LEAST_FREE_PAGES:
        return False
    database.execute(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
    return True


def kinds_to_train(database: sqlite3.Connection) -> list[str]:
    """Those with enough objects and no dictionary, or one that was trained on few."""
    trained = dict(
        database.execute("SELECT plural, max(trained_on) FROM dictionary GROUP BY plural").fetchall()
    )
    counts = database.execute(
        "SELECT plural, count(*) FROM version WHERE dead IS NULL GROUP BY plural"
    ).fetchall()
    return [p for p, n in counts if n >= ENOUGH_SAMPLES and (p not in trained or n >= _GROWTH * trained[p])]


def samples(database: sqlite3.Connection, plural: str) -> list[bytes]:
    packer = Packer(lambda number: local_rows.dictionary(database, number))
    rows = database.execute(
        "SELECT dictionary, body FROM version WHERE plural=? AND dead IS NULL AND size<=? ORDER BY revision DESC LIMIT ?",
        (plural, LARGEST_SAMPLE, SAMPLES),
    )
    return [packer.unpack(body, dictionary) for dictionary, body in rows]


def keep_dictionary(database: sqlite3.Connection, plural: str, content: bytes) -> int:
    """Its number; an empty one is kept too, so that training is not tried again at once."""
    count = database.execute(
        "SELECT count(*) FROM version WHERE plural=? AND dead IS NULL", (plural,)
    ).fetchone()[0]
    made = database.execute(
        "INSERT INTO dictionary(plural, trained_on, content) VALUES(?,?,?)", (plural, count, content)
    )
    return int(made.lastrowid or 0)


def check_free(target: Path) -> None:
    """Raises: ``StoreError`` where no backup can be made at ``target``."""
    if target.exists():
        raise StoreError(f"{target} exists", hint="choose another name for the backup")
    if not target.absolute().parent.is_dir():
        raise StoreError(f"the folder {target.parent} does not exist", hint="make it first")


def back_up(path: Path, target: Path) -> None:
    """A consistent copy while the store is in use, compact; ``target`` must not exist, and does not where this fails.

    Raises: ``StoreError``.
    """
    check_free(target)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as source:
            _check_store(source, path)
            source.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise refusal(error, path) from error


def restore(backup: Path, path: Path) -> None:
    """Makes ``path`` from a backup. Revisions continue above all that the lost store can have given, so that no client's

    cache agrees with the past by accident; every watch starts again. An existing ``path`` is left alone.

    Raises: ``StoreError``.
    """
    if path.exists():
        raise StoreError(f"{path} exists", hint="move it away first")
    if problems := next(check(backup), ""):
        raise StoreError(f"the backup {backup} is damaged: {problems}")
    unfinished = path.with_name(f"{path.name}.restoring")
    unfinished.unlink(missing_ok=True)
    back_up(backup, unfinished)
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as database:
            _, last = local_rows.state(database)
            start_anew(database, max(time.time_ns() // 1000, last + MARGIN))
    except sqlite3.Error as error:
        raise refusal(error, unfinished) from error
    unfinished.rename(path)


def check(path: Path) -> Iterator[str]:
    """Every problem of the file, one line each; none where all is well. Reads all of it. Raises: ``StoreError`` where it is not a store."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        ) as database:
            _check_store(database, path)
            for (line,) in database.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield str(line)
            packer = Packer(lambda number: local_rows.dictionary(database, number))
            columns = {row[1] for row in database.execute("PRAGMA table_info(version)")}
            checksum = "checksum" if "checksum" in columns else "NULL"  # a backup of before there was one
            for *place, size, dictionary, body, checksum_kept, metadata, shown, before in database.execute(
                "SELECT plural, namespace, name, revision, size, dictionary, body,"  # noqa: S608 ours
                f" {checksum}, metadata, columns, before FROM version"
            ):
                called = "/".join(map(str, place))
                if not _is_sound(packer, body, dictionary, size):
                    yield f"the body of {called} cannot be read"
                if checksum_kept not in (None, local_rows.checksum_of(metadata, shown, before)):
                    yield f"what stands beside the body of {called} cannot be read"
    except sqlite3.Error as error:
        yield str(error)


def _check_store(database: sqlite3.Connection, path: Path) -> None:
    """To SQLite a file that was cut to nothing is an empty database, and all is well with it."""
    if not version_of(database, path):
        raise StoreError(f"{path} is empty, and not a store of results")


def _is_sound(packer: Packer, body: bytes, dictionary: int, size: int) -> bool:
    try:
        return len(packer.unpack(body, dictionary) if body else EMPTY) == size
    except zstandard.ZstdError:
        return False
