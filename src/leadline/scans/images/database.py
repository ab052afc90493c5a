"""The vulnerability database as programs use it: made of feeds, looked at, imported."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.errors import DatabaseError
from leadline.model.unread import Unread
from leadline.model.vulnerability import DatabaseState
from leadline.scans.images.checked_database import open_database
from leadline.scans.options import Say, silent
from leadline.sources.feeds.documents import documents
from leadline.sources.registry.http import UnreachableError
from leadline.sources.registry.options import RegistryOptions
from leadline.sources.vulnerability_db import Index, Installed, Place, Trusted, origin_of, publish, update
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.database_builder import Built, build
from leadline.vulnerabilities.feed import Document, Feed


def build_database(paths: Sequence[Path], target: Path, moment: str, say: Say = silent) -> Built:
    """Makes ``target`` of the feeds in ``paths``; ``moment`` is when, RFC 3339 in UTC. ``say`` is given what is read.

    Raises:
        UsageError: a path does not exist.
        DatabaseError: nothing in them could be used, or the file cannot be written.
    """
    return build(
        _said(documents(paths), say, target.name),
        discover(leadline.vulnerabilities.feeds, Feed),
        target,
        built=moment,
    )


def _said(found: Iterator[Document | Unread], say: Say, target: str) -> Iterator[Document | Unread]:
    for number, one in enumerate(found, 1):
        if isinstance(one, Document):
            say(f"{number:,} documents read, {one.path}")
        yield one
    say(f"writing {target}")


def database_state(path: Path) -> DatabaseState:
    """Raises ``DatabaseError`` where it cannot be read, or is not whole."""
    with open_database(path) as database:
        return _state(database)


def import_database(source: Path, target: Path) -> DatabaseState:
    """Copies ``source`` to ``target``, which is replaced only when the copy has proven whole.

    Raises:
        DatabaseError: it is damaged, of another version, or cannot be copied.
    """
    open_database(source).close()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error.strerror or error})") from error
    os.close(handle)
    part = Path(name)
    try:
        shutil.copyfile(source, part)
        state = _prove(part)
        part.chmod(0o644)
        part.replace(target)
    except OSError as error:
        raise DatabaseError(
            f"{target}: cannot be written ({error.strerror or error})", hint="is there room on the disk?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return state


def update_database(
    target: Path, address: str, trusted: Trusted, options: RegistryOptions, now: datetime
) -> Installed:
    """Installs the database that is published at ``address`` (a URL, or ``oci://REGISTRY/REPOSITORY:TAG``).

    Raises:
        UsageError: ``address`` is none.
        SourceError: it cannot be fetched, or not be trusted.
        DatabaseError: it cannot be used, or there is no room for it. The old one is as it was.
    """
    try:
        return update(Place(target), origin_of(address, options), trusted, now, _prove)
    except UnreachableError as error:
        error.hint = error.hint or "leadline db import takes a file that was brought here"
        raise


def publish_database(database: Path, folder: Path, private_key: bytes, expires: str) -> Index:
    """Writes into ``folder`` what ``db update`` fetches; signed where there is a key.

    Raises:
        UsageError: the key cannot be used.
        DatabaseError: ``database`` is damaged.
        StoreError: it cannot be written.
    """
    return publish(database, folder, _prove(database).built, expires, private_key)


def _prove(path: Path) -> DatabaseState:
    """Reads every page. Raises ``DatabaseError``."""
    with open_database(path) as database:
        database.verify()
        return _state(database)


def _state(database: Database) -> DatabaseState:
    return DatabaseState(database.about.get("built", ""), database.feeds)
