"""The vulnerability database as programs use it: made of feeds, looked at, imported."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import leadline.image.feeds
from leadline.discover import discover
from leadline.errors import DatabaseError
from leadline.image.database import Database
from leadline.image.database_builder import Built, build
from leadline.image.feed import Feed
from leadline.model.vulnerability import DatabaseState
from leadline.sources.feeds.documents import documents


def build_database(paths: Sequence[Path], target: Path, moment: str) -> Built:
    """Makes ``target`` of the feeds in ``paths``; ``moment`` is when, RFC 3339 in UTC.

    Raises:
        UsageError: a path does not exist.
        DatabaseError: nothing in them could be used, or the file cannot be written.
    """
    return build(documents(paths), discover(leadline.image.feeds, Feed), target, built=moment)


def database_state(path: Path) -> DatabaseState:
    """Raises ``DatabaseError`` where it cannot be read."""
    with Database(path) as database:
        return _state(database)


def import_database(source: Path, target: Path) -> DatabaseState:
    """Copies ``source`` to ``target``, which is replaced only when the copy has proven whole.

    Raises:
        DatabaseError: it is damaged, of another version, or cannot be copied.
    """
    with Database(source):
        pass
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error.strerror or error})") from error
    os.close(handle)
    part = Path(name)
    try:
        shutil.copyfile(source, part)
        with Database(part) as database:
            database.verify()
            state = _state(database)
        part.chmod(0o644)
        part.replace(target)
    except OSError as error:
        raise DatabaseError(
            f"{target}: cannot be written ({error.strerror or error})", hint="is there room on the disk?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return state


def _state(database: Database) -> DatabaseState:
    return DatabaseState(database.about.get("built", ""), database.feeds)
