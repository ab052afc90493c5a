"""The folder of a provider: its key, its tables and the logs of its sources."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from leadline.errors import StoreError, UsageError
from leadline.foreign_errors import in_words
from leadline.programs.provider.adding import add_tenant, check_name
from leadline.programs.provider.database import Database
from leadline.programs.provider.doors import DEFAULT_TENANT
from leadline.programs.provider.ingest import Ingest
from leadline.programs.provider.log import Keys
from leadline.programs.provider.sqlite_database import SqliteDatabase
from leadline.programs.provider.tables import Tables

_KEY, _NAME, _PUBLIC, _TABLES, _LOCK = "key.pem", "name", "key.txt", "provider.db", "lock"


class Place:
    """An open folder. ``close`` is to be called."""

    def __init__(self, folder: Path, database: str = "") -> None:
        """``database``: address of PostgreSQL; empty for a file in the folder.

        Raises: ``StoreError``, ``UsageError`` where the folder holds none.
        """
        self.folder = folder
        try:
            self.keys = _keys(folder)
        except OSError as error:
            raise StoreError(f"cannot read {error.filename or folder}: {in_words(error)}") from error
        self.tables = Tables(_database(folder, database))
        if not self.tables.tenants():
            add_tenant(self.tables, DEFAULT_TENANT)

    def ingest(self) -> Ingest:
        return Ingest(self.folder, self.tables, self.keys)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While the logs are written. Raises: ``StoreError`` where another process does."""
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise StoreError(
                f"another process uses {self.folder}", hint="stop leadline provider serve first"
            ) from error
        finally:
            os.close(descriptor)

    def close(self) -> None:
        self.tables.close()


def make_provider(folder: Path, name: str) -> Keys:
    """``name``: as its checkpoints say it. Raises: ``StoreError``, ``UsageError`` where there is one already."""
    check_name(name, "provider")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / _KEY).exists():
            raise UsageError(f"{folder} already holds a provider", hint="name another folder with --data")
        _make_keys(folder, name)
        return _keys(folder)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {in_words(error)}") from error


def _database(folder: Path, address: str) -> Database:
    """Raises: ``StoreError``, ``UsageError``."""
    if not address:
        return SqliteDatabase(folder / _TABLES)
    if not address.startswith("postgresql://"):
        raise UsageError("invalid --database", hint="use postgresql://USER@HOST/NAME")
    try:
        from leadline.programs.provider.postgres_database import PostgresDatabase
    except ImportError as error:
        raise UsageError("PostgreSQL needs asyncpg", hint="pip install 'leadline[provider]'") from error
    return PostgresDatabase(address)


def _keys(folder: Path) -> Keys:
    """Raises: ``OSError``, ``StoreError``, ``UsageError``."""
    path = folder / _KEY
    if not path.exists():
        raise UsageError(
            f"{folder} does not hold a provider",
            hint=f"leadline provider init --data {folder} --name HOST makes one",
        )
    named = (folder / _NAME).read_text("utf-8").strip()
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StoreError(f"{path} is not a private key in PEM") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise StoreError(f"{path} is not an Ed25519 key")
    return Keys(named, private)


def _make_keys(folder: Path, name: str) -> None:
    """Raises: ``OSError``."""
    private = Ed25519PrivateKey.generate()
    (folder / _NAME).write_text(f"{name}\n", "utf-8")
    (folder / _PUBLIC).write_text(f"{Keys(name, private).verifier.line}\n", "utf-8")
    # The last of the three: without it the next start begins anew.
    descriptor = os.open(folder / _KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        stream.flush()
        os.fsync(stream.fileno())
