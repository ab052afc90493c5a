"""The vulnerability database as programs use it: made of feeds, looked at, imported."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.errors import DatabaseError
from leadline.model.unread import Unread
from leadline.model.vulnerability import DatabaseState
from leadline.outputs.text.plain import count, plain
from leadline.scans.images.checked_database import open_database, state_of
from leadline.scans.options import Say, silent
from leadline.sources.feeds.documents import documents
from leadline.sources.proxies import proxies_of
from leadline.sources.registry.http import UnreachableError
from leadline.sources.registry.options import RegistryOptions, Trust
from leadline.sources.vulnerability_db import (
    Index,
    Installed,
    Place,
    Trusted,
    origin_of,
    publish,
    read_public_keys,
    update,
)
from leadline.sources.vulnerability_db.web_folder import FETCHED_ELSEWHERE
from leadline.vulnerabilities.database_builder import Built, build
from leadline.vulnerabilities.feed import Document, Feed

_FEW = 10
_MOST_GIVEN = 20
_NO_DERIVATIVES = re.compile(r"\bN[CD]\b")


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


def built_lines(built: Built, target: Path) -> Iterator[str]:
    """What each of the given became, and what was not read."""
    for given in built.given[:_MOST_GIVEN]:
        feeds = ", ".join(f"{title} ({number:,})" for title, number in given.feeds)
        yield f"{plain(given.name, 4096)}: {feeds or 'no feed'}"
    if len(built.given) > _MOST_GIVEN:
        yield f"and {len(built.given) - _MOST_GIVEN:,} more of what was named"
    for feed in built.feeds:
        note = f", {count(feed.unusable, 'version')} cannot be ordered" if feed.unusable else ""
        taken = f"{count(feed.documents, 'document')} taken for {feed.title}"
        yield f"{taken}: {count(feed.records, 'record')}, of {feed.date[:10] or 'no date'}{note}"
    for one in built.unusable:
        yield f"left out: {plain(one.where, 4096)}: {plain(one.why)}"
    for one in built.unread[:_FEW]:
        yield f"not read: {plain(one.where, 4096)}: {plain(one.why)}"
    more = max(0, len(built.unread) - _FEW) + built.more_unread
    if more:
        yield f"not read: {more:,} more"
    yield f"written: {plain(str(target), 4096)}, {built.size_bytes / 1e6:,.1f} MB"


def licence_lines(state: DatabaseState) -> Iterator[str]:
    """Feeds that may be used and not handed on, as their licences have it."""
    forbidding = [feed for feed in state.feeds if _NO_DERIVATIVES.search(feed.licence)]
    for feed in forbidding:
        yield f"licence: {plain(feed.title)} is under {plain(feed.licence)}: do not publish what is made of it to others"
    if state.source:
        yield (
            "licence: records come under their publishers' licences, Ubuntu's CC-BY-SA-4.0, and Wolfi's and Chainguard's "
            "CC-BY-NC-ND-4.0, which forbids publishing them to others"
        )


def _said(found: Iterator[Document | Unread], say: Say, target: str) -> Iterator[Document | Unread]:
    for number, one in enumerate(found, 1):
        if isinstance(one, Document):
            say(f"{number:,} documents read, {one.path}")
        yield one
    say(f"writing {target}")


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


class Publisher(Struct, frozen=True):
    """Who may have published a database, and how its place is reached."""

    keys: bytes = b""
    """Public keys, PEM; empty for none."""
    keys_file: str = ""
    """What messages call them."""
    allow_unsigned: bool = False
    ca_file: str = ""


def update_database(
    target: Path, address: str, publisher: Publisher, environ: Mapping[str, str], now: datetime
) -> Installed:
    """Installs the database that is published at ``address`` (a URL, or ``oci://REGISTRY/REPOSITORY:TAG``).

    Raises:
        UsageError: ``address`` is none.
        SourceError: it cannot be fetched, or not be trusted.
        DatabaseError: it cannot be used, or the disk is full. The old one is as it was.
    """
    keys = read_public_keys(publisher.keys, publisher.keys_file) if publisher.keys else ()
    options = RegistryOptions(Trust(ca_file=publisher.ca_file, proxies=proxies_of(environ)), environ=environ)
    try:
        trusted = Trusted(keys, publisher.allow_unsigned)
        return update(Place(target), origin_of(address, options), trusted, now, _prove)
    except UnreachableError as error:
        error.hint = error.hint or FETCHED_ELSEWHERE
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
        return state_of(database)
