"""The vulnerabilities of an SBOM's packages, out of the database that the options name."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import DatabaseError, UsageError
from leadline.model.package import Sbom
from leadline.model.vulnerability import Coverage, DatabaseState, Match, Matched, VexStatement
from leadline.scans.options import ImageOptions

NO_DATABASE = "vulnerabilities: not matched, no database found (leadline db fetch)"
OF_EXAMPLE = "vulnerabilities: matched with a sample made for this example image alone (leadline db fetch)"
EXAMPLE_IMAGE = "sha256:f3abc534a4e3f8c2e300b95fa629baa2416f2a055b7dce4edbadfb39fa3abc4f"
"""Digest of the configuration of ``examples/image/web.tar``."""
EXAMPLE_DATABASE = "fb28b25c5c1de1fb16902b68a70d7d9b4c6a3a48baf7520dad4f1c59938a9705"
"""SHA-256 of ``web.db`` beside it."""
LARGEST_VEX = 64 << 20
LARGEST_EXAMPLE = 1 << 20
_DATE = 10
"""Characters of a date at the beginning of a moment."""


class Vulnerabilities(Struct, frozen=True):
    """What was found, in which database; without one nothing was looked for."""

    matched: Matched = Matched()
    database: DatabaseState | None = None
    gaps: tuple[str, ...] = (NO_DATABASE,)
    """What was not matched, each as a sentence without a full stop."""


def vulnerabilities_of(
    sbom: Sbom, options: ImageOptions, today: str, attested: tuple[bytes, ...] = ()
) -> Vulnerabilities:
    """Every match, after the options. ``today`` as ``2027-01-31``; ``attested``: VEX documents that came with the image.

    Raises:
        DatabaseError: the database cannot be read, or is older than wanted.
        UsageError: a VEX document cannot be read.
    """
    if options.database:
        return _found(sbom, Path(options.database), options, today, attested)
    example = Path(sbom.image.name).with_suffix(".db") if sbom.image.id == EXAMPLE_IMAGE else None
    if example is None or not _is_of_example(example):
        return Vulnerabilities()
    found = _found(sbom, example, options, today, attested)
    return replace(found, gaps=(OF_EXAMPLE, *found.gaps))


def _is_of_example(path: Path) -> bool:
    """Whether the file is the database that comes with the example image, to the last bit."""
    with suppress(OSError), path.open("rb") as file:
        return sha256(file.read(LARGEST_EXAMPLE)).hexdigest() == EXAMPLE_DATABASE
    return False


def _found(
    sbom: Sbom, path: Path, options: ImageOptions, today: str, attested: tuple[bytes, ...]
) -> Vulnerabilities:
    from leadline.scans.images.checked_database import open_database
    from leadline.vulnerabilities.match import match

    with open_database(path, options.cache_folder or options.checked_folder) as database:
        state = DatabaseState(
            database.about.get("built", ""), database.feeds, source=database.about.get("source", "")
        )
        check_age(state, options.oldest_database_days, today)
        matched = match(sbom.packages, sbom.distro, database)
    gaps = [f"how old the feed {name} is, is not known" for name in _undated(state)]
    if options.vex or attested:
        matched = _with_vex(matched, sbom, options, _attested(attested, gaps))
    wanted, left_out = _wanted(matched.matches, options)
    matched = Matched(wanted, matched.suppressed, matched.coverage)
    return Vulnerabilities(matched, state, (*_gaps(matched.coverage), *gaps, *left_out))


def _wanted(matches: tuple[Match, ...], options: ImageOptions) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """Those that the options ask for; and how many they leave out."""
    fixable = tuple(one for one in matches if one.fixed_in) if options.only_fixable else matches
    kept = tuple(one for one in fixable if not options.severities or one.severity in options.severities)
    gaps = []
    if len(fixable) < len(matches):
        gaps.append(f"{_vulnerabilities(len(matches) - len(fixable))} without a fix left out")
    if len(kept) < len(fixable):
        gaps.append(f"{_vulnerabilities(len(fixable) - len(kept))} of other severities left out")
    return kept, tuple(gaps)


def _vulnerabilities(number: int) -> str:
    return "1 vulnerability" if number == 1 else f"{number:,} vulnerabilities"


def _attested(documents: tuple[bytes, ...], gaps: list[str]) -> list[VexStatement]:
    """What attestations state. One that cannot be read is a gap, and no mistake of the user's."""
    from leadline.vulnerabilities.vex_documents import read_vex

    found: list[VexStatement] = []
    for document in documents:
        try:
            found += read_vex("VEX attestation", document)
        except UsageError as error:
            gaps.append(str(error.args[0]))
    return found


def _with_vex(matched: Matched, sbom: Sbom, options: ImageOptions, attested: list[VexStatement]) -> Matched:
    """After the statements of all files together; a file about something else is mentioned."""
    from leadline.vulnerabilities.vex import apply_vex, is_about
    from leadline.vulnerabilities.vex_documents import read_vex

    statements = attested
    for name in options.vex:
        found = read_vex(name, _content(name))
        if not any(is_about(one, match, sbom) for one in found for match in matched.matches):
            options.note(f"{name}: no statement is about a vulnerability of this image")
        statements += found
    return apply_vex(matched, statements, sbom)


def _content(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_VEX + 1)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    if len(content) > LARGEST_VEX:
        raise UsageError(f"{name}: larger than {LARGEST_VEX >> 20} MiB")
    return content


def check_age(state: DatabaseState, oldest_days: int | None, today: str) -> None:
    """Raises ``DatabaseError`` where the oldest feed is older than so many days, or one has no date at all."""
    if oldest_days is None:
        return
    if undated := _undated(state):
        raise DatabaseError(
            f"how old the feed {undated[0]} is, is not known; at most {oldest_days} days are allowed",
            hint="ask for no age, or build the database without that feed",
        )
    age = age_days(state.date, today)
    if age is None or age > oldest_days:
        age_text = f"of {state.date[:_DATE]}, {age} days old" if age is not None else "of an unknown date"
        oldest = next((feed.name for feed in state.feeds if state.date_of(feed) == state.date), "")
        named = f" (the feed {oldest})" if oldest else ""
        raise DatabaseError(
            f"the vulnerability database is {age_text}{named}; at most {oldest_days} are allowed",
            hint="fetch or build a newer one, or allow an older one",
        )


def _undated(state: DatabaseState) -> tuple[str, ...]:
    """Names of the feeds that say nothing of their dates."""
    return tuple(feed.name for feed in state.feeds if not state.date_of(feed))


def age_days(date: str, today: str) -> int | None:
    """Days from ``date`` (a date or a moment) until ``today``; ``None`` where it is not a date, or in the future."""
    try:
        then = datetime.strptime(date[:_DATE], "%Y-%m-%d").replace(tzinfo=UTC)
        now = datetime.strptime(today[:_DATE], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    days = (now - then).days
    # Clocks and zones differ by a day; what is further ahead is a mistake, and proves nothing.
    return None if days < -1 else max(0, days)


def _gaps(coverage: tuple[Coverage, ...]) -> Iterator[str]:
    """One for each reason, the most packages first."""
    for one in sorted(coverage, key=lambda one: -one.packages):
        if one.why and one.counts:
            packages = "1 package" if one.packages == 1 else f"{one.packages:,} packages"
            yield f"{packages} of {one.ecosystem} not matched: {one.why}"
