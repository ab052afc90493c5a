"""A first vulnerability database without looking for feeds: the one that the Grype project publishes, converted.

The converted file says whose data it holds, under ``ORIGIN`` and the keys beside it in its table ``about``.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct, ValidationError, json

from leadline.errors import DatabaseError, SourceError, StoreError, UsageError
from leadline.model.vulnerability import DatabaseState, Fact
from leadline.scans.images.database import Publisher, update_database
from leadline.scans.options import Say, silent
from leadline.sources.proxies import is_loopback, proxies_of
from leadline.sources.registry.options import Trust
from leadline.sources.vulnerability_db import Place, grype, locked, room_wanted
from leadline.sources.vulnerability_db.index import LARGEST_INDEX
from leadline.sources.vulnerability_db.web_folder import WebFolder
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.database_builder import Built, build_of_facts
from leadline.vulnerabilities.feed import Feed
from leadline.vulnerabilities.feed_formats.values import date
from leadline.vulnerabilities.grype.facts import GrypeFacts
from leadline.vulnerabilities.grype.rows import grype_rows, is_grype_database

ORIGIN: Final = "origin"
CHECKSUM: Final = "origin_checksum"
SOURCE: Final = "source"
LEFT_OUT: Final = "left_out"
GRYPE: Final = "grype"
REFRESH_AFTER = timedelta(hours=24)
ASKED_EVERY = timedelta(hours=2)
_SAID_EVERY = 5_000


class Fetched(Struct, frozen=True):
    """What fetching did."""

    is_new: bool
    """False where the database was current already."""
    built: str
    source: str
    left_out: Mapping[str, int] = {}
    """Rows of the source that could not be kept, by why."""
    size_bytes: int = 0


def fetch_database(
    target: Path,
    source: str,
    publisher: Publisher,
    environ: Mapping[str, str],
    now: datetime,
    say: Say = silent,
) -> Fetched:
    """Installs at ``target`` what ``source`` offers: ``grype``, or an address of a database in its form or in ours.

    Raises:
        UsageError: ``source`` is none.
        SourceError: it cannot be fetched, or not be trusted.
        DatabaseError: it cannot be used, or does not fit on the disk. The old one is as it was.
    """
    trust = _trust(publisher, environ)
    folder = _grype_folder(source, trust)
    if folder is None:
        done = update_database(target, source, publisher, environ, now)
        signed = "signed by a key of yours" if done.is_signed else "not signed"
        note_asked(target, now)
        return Fetched(done.is_new, done.index.built, f"{source.rpartition('@')[2]}, {signed}")
    _refuse_open_wire(source, folder, publisher)
    place = Place(target)
    with locked(place):
        latest = grype.ask(folder)
        state = _about(target)
        if state.get(CHECKSUM) == latest.checksum:
            note_asked(target, now)
            return Fetched(False, latest.built, state.get(SOURCE, ""))
        with room_wanted(place):
            archive = place.partial(latest.sha256)
            place.forget_partials(archive)
            grype.fetch(folder, latest, archive, say)
            try:
                fetched = _converted(archive, place, _source(folder.host), latest.checksum, say)
            finally:
                archive.unlink(missing_ok=True)
        note_asked(target, now)
    return fetched


def download_archive(
    file: Path, source: str, publisher: Publisher, environ: Mapping[str, str], say: Say = silent
) -> str:
    """Writes Grype's archive to ``file``, for a machine without a network; when it was built.

    Raises:
        UsageError: ``source`` is not a database in Grype's form.
        SourceError: it cannot be fetched.
        StoreError: it cannot be written.
    """
    folder = _grype_folder(source, _trust(publisher, environ))
    if folder is None:
        raise UsageError(
            "only a database in Grype's form is fetched without being converted",
            hint="what 'leadline db publish' wrote can be copied as it is",
        )
    _refuse_open_wire(source, folder, publisher)
    latest = grype.ask(folder)
    partial = file.with_name(f"{file.name}.{latest.sha256[:16]}.partial")
    try:
        grype.fetch(folder, latest, partial, say)
        partial.replace(file)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written ({error.strerror or error})") from error
    return latest.built


def import_grype(source: Path, target: Path, say: Say = silent) -> Fetched | None:
    """Converts ``source``, Grype's archive or the database out of it; ``None`` where it is neither.

    Raises:
        DatabaseError: it is damaged, or cannot be converted. The old one is as it was.
    """
    is_database = is_grype_database(source)
    if not is_database and not _is_archive(source):
        return None
    place = Place(target)
    with locked(place), room_wanted(place):
        said = (
            f"Grype project, from the file {source.name}; its checksum was not compared, and it is not signed"
        )
        if is_database:
            return _made(source, target, said, "", say)
        return _converted(source, place, said, "", say)


def is_of_grype(path: Path) -> bool:
    """Whether the file is a database that was converted from Grype's."""
    return _about(path).get(ORIGIN) == GRYPE


def is_of(path: Path, source: str) -> bool:
    """Whether the file came from the source; what a user made or brought is not replaced by a scan."""
    if source == "feeds":
        return path.with_name(f"{path.name}.feeds").is_dir()
    return is_of_grype(path) or (source != GRYPE and Place(path).index.is_file())


def fetched_of(path: Path) -> Fetched:
    """What a converted database says of itself. Raises ``DatabaseError``."""
    with Database(path) as database:
        about = database.about
    left_out: dict[str, int] = {}
    with suppress(DecodeError, ValidationError):
        left_out = json.decode(about.get(LEFT_OUT, "{}"), type=dict[str, int])
    return Fetched(False, about.get("built", ""), about.get(SOURCE, ""), left_out)


def wants_refresh(target: Path, state: DatabaseState, now: datetime) -> bool:
    """Whether the database is a day old, and its source was not asked within two hours."""
    return _since(state.built, now) >= REFRESH_AFTER and _since(_asked(target), now) >= ASKED_EVERY


def note_asked(target: Path, now: datetime) -> None:
    """Keeps beside the database when its source was asked; that it cannot be kept costs one more question."""
    with suppress(OSError):
        _asked_file(target).write_text(now.astimezone(UTC).isoformat(timespec="seconds"))


def _asked(target: Path) -> str:
    try:
        with _asked_file(target).open(encoding="ascii") as file:
            return file.read(100)
    except (OSError, UnicodeDecodeError):
        return ""


def _asked_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.asked")


def _since(written: str, now: datetime) -> timedelta:
    """Very long where the moment is not known, or lies ahead."""
    try:
        then = datetime.fromisoformat(written)
    except ValueError:
        return timedelta.max
    passed = now - (then if then.tzinfo else then.replace(tzinfo=UTC))
    return passed if passed >= timedelta(0) else timedelta.max


def _trust(publisher: Publisher, environ: Mapping[str, str]) -> Trust:
    return Trust(ca_file=publisher.ca_file, proxies=proxies_of(environ))


def _grype_folder(source: str, trust: Trust) -> WebFolder | None:
    """``None`` where the source is a database in our own form."""
    if source == GRYPE:
        return WebFolder(grype.ADDRESS, "latest.json", trust)
    if not source.startswith(("https://", "http://")):
        if not source.startswith("oci://"):
            raise UsageError(
                f"unknown source of a database: {source[:200]}", hint="use grype, feeds, https://… or oci://…"
            )
        return None
    folder = WebFolder(source, "latest.json", trust)
    content = folder.small(folder.first, LARGEST_INDEX)
    if content is None:
        raise SourceError(f"no database found at {folder.place}")
    return folder if grype.is_latest(content) else None


def _refuse_open_wire(source: str, folder: WebFolder, publisher: Publisher) -> None:
    """Raises ``SourceError``: it is not signed, so that nothing but TLS says who wrote it."""
    if source.startswith("http://") and not is_loopback(folder.host) and not publisher.allow_unsigned:
        raise SourceError(
            f"{folder.place} is neither signed nor protected by TLS",
            hint="use https://, or allow unsigned databases",
        )


def _source(host: str) -> str:
    return f"Grype project, from {host}; checksum of the same host, not signed"


def _converted(archive: Path, place: Place, source: str, checksum: str, say: Say) -> Fetched:
    try:
        say("unpacking")
        grype.unpack(archive, place.unproven)
        return _made(place.unproven, place.database, source, checksum, say)
    finally:
        place.unproven.unlink(missing_ok=True)


def _made(database: Path, target: Path, source: str, checksum: str, say: Say) -> Fetched:
    with grype_rows(database) as rows:
        read = GrypeFacts(rows)
        built = date(rows.built)

        def about() -> dict[str, str]:
            left_out = json.encode(dict(read.left_out.most_common())).decode()
            return {ORIGIN: GRYPE, CHECKSUM: checksum, SOURCE: source, LEFT_OUT: left_out}

        made: Built = build_of_facts(_said(read.facts(), say), target, built=built, about=about)
    # An index beside it is that of another database.
    Place(target).index.unlink(missing_ok=True)
    return Fetched(True, built, source, dict(read.left_out.most_common()), made.size_bytes)


def _said(facts: Iterator[tuple[Feed, Fact]], say: Say) -> Iterator[tuple[Feed, Fact]]:
    for number, each in enumerate(facts):
        if number % _SAID_EVERY == 0:
            say(f"converting, {number:,} records")
        yield each
    say("writing the database")


def _about(path: Path) -> dict[str, str]:
    """Nothing where there is none, or it cannot be used."""
    try:
        with Database(path) as database:
            return database.about
    except DatabaseError:
        return {}


def _is_archive(path: Path) -> bool:
    """By the first bytes: a tar, however packed."""
    try:
        with path.open("rb") as file:
            return grype.is_tar(file)
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
