"""The folder of a provider: its key, its tables and the logs of its sources."""

import fcntl
import os
import re
import secrets
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
from leadline.programs.provider.app import TOKEN_PREFIX, token_digest
from leadline.programs.provider.ingest import Ingest, utc_now
from leadline.programs.provider.log import Keys
from leadline.programs.provider.tables import Role, Tables, Token

TENANT = "default"
_KEY, _NAME, _PUBLIC, _TABLES, _LOCK = "key.pem", "name", "key.txt", "provider.db", "lock"
_TOKEN_BYTES = 32
_NAMES = re.compile(r"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?")


def check_name(name: str, what: str) -> str:
    """Raises: ``UsageError``: it becomes the name of a folder, and of a log."""
    if not _NAMES.fullmatch(name) or ".." in name:
        raise UsageError(
            f"{what} {name[:60]!r} is not a name",
            hint="use small letters, digits, dots, hyphens and underscores",
        )
    return name


class Place:
    """An open folder. ``close`` is to be called."""

    def __init__(self, folder: Path) -> None:
        """Raises: ``StoreError``, ``UsageError`` where the folder holds none."""
        self.folder = folder
        try:
            self.keys = _keys(folder)
        except OSError as error:
            raise StoreError(f"cannot use {folder}: {(error.strerror or str(error)).lower()}") from error
        self.tables = Tables(folder / _TABLES)

    def ingest(self) -> Ingest:
        return Ingest(self.folder, self.tables, self.keys)

    def add_source(self, name: str, kind: str, every: int) -> str:
        """The token that may write it, shown once. Raises: ``UsageError``."""
        self.tables.add_source(TENANT, check_name(name, "source"), kind, every, _now())
        return self.add_token(name, "write", name)

    def add_token(self, name: str, role: Role, source: str = "") -> str:
        """Raises: ``UsageError``."""
        own = self.tables.source(TENANT, source) if source else None
        if source and own is None:
            raise UsageError(f"unknown source {source[:100]}")
        token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        known = Token(check_name(name, "token"), TENANT, own.id if own else None, role)
        self.tables.add_token(known, token_digest(token), _now())
        return token

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While the logs are written. Raises: ``StoreError`` where another process does."""
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise StoreError(f"{self.folder} is in use by another provider") from error
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
            raise UsageError(f"there is a provider in {folder} already")
        _make_keys(folder, name)
        return _keys(folder)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from error


def _keys(folder: Path) -> Keys:
    """Raises: ``OSError``, ``StoreError``, ``UsageError``."""
    path = folder / _KEY
    if not path.exists():
        raise UsageError(
            f"{folder} does not hold a provider", hint=f"leadline provider init --data {folder} makes one"
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


def _now() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
