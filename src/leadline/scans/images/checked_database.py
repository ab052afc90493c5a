"""The vulnerability database, opened only when it is whole; that a file is, is remembered."""

from pathlib import Path

from leadline.errors import DatabaseError
from leadline.model.vulnerability import DatabaseState
from leadline.sbom.image import Cache
from leadline.sources.images.cache import LayerCache
from leadline.vulnerabilities.database import CHECKSUM, Database

_WHOLE = b"whole"


def open_database(path: Path, cache_folder: str = "") -> Database:
    """Opens it; its checksum is compared once for each file, as long as the cache in the folder keeps that.

    Raises:
        DatabaseError: there is none, it is damaged or made for another version.
    """
    database = Database(path)
    try:
        _check(database, _cache(cache_folder))
    except BaseException:
        database.close()
        raise
    return database


def database_state(path: Path) -> DatabaseState:
    """Raises ``DatabaseError`` where it cannot be read, or is not whole."""
    with open_database(path) as database:
        return state_of(database)


def state_of(database: Database) -> DatabaseState:
    about = database.about
    return DatabaseState(about.get("built", ""), database.feeds, source=about.get("source", ""))


def _check(database: Database, cache: Cache | None) -> None:
    checksum = database.about.get(CHECKSUM, "")
    key = f"database {_identity(database.path)} {checksum}"
    if cache is not None and cache.get(key) == _WHOLE:
        return
    from leadline.vulnerabilities.database_seal import check_sealed  # most files are known to be whole

    check_sealed(database.path, checksum)
    if cache is not None:
        cache.put(key, _WHOLE)


def _identity(path: Path) -> str:
    """The file as it lies there now: another one, or one that was written to, has another."""
    try:
        found = path.stat()
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be read ({error.strerror or error})") from error
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _cache(folder: str) -> LayerCache | None:
    """``None`` where there is none that can be believed."""
    cache = LayerCache(folder) if folder else None
    return cache if cache is not None and not cache.why_unusable() else None
