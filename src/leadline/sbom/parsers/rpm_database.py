"""The headers in an rpm database, which is one of three files: SQLite, ndb or Berkeley DB. Which one shows in its first bytes."""

from collections.abc import Iterator

from leadline.packages.file import Unreadable
from leadline.sbom.parsers.rpm_bdb import BdbError, bdb_blobs, is_bdb_hash
from leadline.sbom.parsers.rpm_ndb import MAGIC as NDB_MAGIC
from leadline.sbom.parsers.rpm_ndb import NdbError, ndb_blobs
from leadline.sbom.parsers.rpm_sqlite import MAGIC as SQLITE_MAGIC
from leadline.sbom.parsers.rpm_sqlite import SqliteError, sqlite_blobs

RPM_ERRORS = (SqliteError, NdbError, BdbError, Unreadable)
"""Raised at the point where a database stops making sense."""


def rpm_blobs(content: bytes, log: bytes) -> Iterator[bytes]:
    """Every header; ``log`` is SQLite's write-ahead log. Raises: ``RPM_ERRORS``."""
    if content.startswith(SQLITE_MAGIC):
        return sqlite_blobs(content, log)
    if content.startswith(NDB_MAGIC):
        return ndb_blobs(content)
    if is_bdb_hash(content):
        return bdb_blobs(content)
    raise Unreadable("no rpm database of a known form (SQLite, ndb, Berkeley DB)")
