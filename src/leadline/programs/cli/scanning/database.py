"""The vulnerability database of a scan: the one that is there, refreshed or fetched where its user agreed to that."""

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from leadline.errors import DatabaseError, LeadlineError, UsageError
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.options.table import Request
from leadline.programs.cli.output.terminal import progress
from leadline.programs.cli.scanning.requests import database_file, database_of
from leadline.scans.images.vulnerabilities import age_days

OLDEST_DAYS = 5
"""Of a database that was fetched, where a gate is closed and no age is named."""
_OFF = "off"
_ANSWER_FILE = "vulnerabilities.source"
_MOST_TRIES = 3
_QUESTION = """\
No vulnerability database yet. Fetch the public one of the Grype project?
grype.anchore.io, about 90 MB, then some two minutes of work; asked for again at most daily.
[Y]es, [n]ot now, n[e]ver: """


def with_database(request: Request) -> Request:
    """``request`` with the file of its database, which is fetched or refreshed before where that is wanted.

    Raises:
        DatabaseError: others could have changed the file.
        UsageError: the source makes no sense.
    """
    target = database_file(os.environ)
    # LEADLINE_DB names the usual place, and fills the flag as well.
    is_named = bool(request.db) and request.db != target
    source = _source(request, is_named=is_named)
    if is_named:
        return _with_age(request)
    path = database_of(request) if Path(target).is_file() else ""
    if target and not request.offline:
        if not path and not source and _may_ask(request):
            source = _asked(Path(target))
        wanted = source or ("grype" if request.fetch_db else "")
        if wanted not in ("", _OFF):
            _kept_current(request, Path(target), wanted, is_there=bool(path))
            path = database_of(request) if Path(target).is_file() else ""
    return _with_age(replace(request, db=path or request.db))


def _with_age(request: Request) -> Request:
    """A gate over old data would pass for the wrong reason; of a database of the user's own making its user knows the age."""
    if not request.severity_threshold or request.oldest_database_days is not None or not request.db:
        return request
    from leadline.scans.images.database_fetch import is_of_grype  # gates alone ask

    return replace(request, oldest_database_days=OLDEST_DAYS) if is_of_grype(Path(request.db)) else request


def _source(request: Request, *, is_named: bool) -> str:
    """The one that is set, else what was answered once; empty for none."""
    source = request.db_source.strip()
    if source not in ("", "grype", "feeds", _OFF) and not source.startswith(
        ("https://", "http://", "oci://")
    ):
        raise UsageError(
            f"unknown source of a database: {source[:200]}",
            hint="set LEADLINE_DB_SOURCE to grype, feeds, off, https://… or oci://…",
        )
    if request.fetch_db and (request.offline or is_named):
        raise UsageError(f"--fetch-db and --{'db' if is_named else 'offline'} exclude each other")
    target = database_file(os.environ)
    return source or (_answer(Path(target)) if target else "")


def _kept_current(request: Request, target: Path, source: str, *, is_there: bool) -> None:
    """A failure costs the scan nothing but what the old database does not know, and is said."""
    # Fetching needs HTTP, TLS and the converter.
    from leadline.scans.images.checked_database import database_state
    from leadline.scans.images.database import Publisher
    from leadline.scans.images.database_fetch import Fetched, fetch_database, is_of, note_asked, wants_refresh

    now = datetime.now(UTC)
    built = ""
    if is_there:
        with suppress(DatabaseError):
            state = database_state(target)
            built = state.date
            if not is_of(target, source) or not wants_refresh(target, state, now):
                return
    try:
        key = Path(request.db_key).read_bytes() if request.db_key else b""
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with progress("asking for a vulnerability database", is_wanted=not request.quiet) as display:
            publisher = Publisher(key, request.db_key)
            if source == "feeds":
                from leadline.scans.images.feed_fetch import fetch_feeds, read_feed_table

                moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
                made = fetch_feeds(read_feed_table(), (), target, publisher, os.environ, moment, display.say)
                note_asked(target, now)
                fetched = Fetched(made.built is not None, moment, "the publishers' own feeds")
            else:
                fetched = fetch_database(target, source, publisher, os.environ, now, display.say)
    except (LeadlineError, OSError) as error:
        hint = f"; {error.hint}" if isinstance(error, LeadlineError) and error.hint else ""
        age = age_days(built, now.strftime("%Y-%m-%d"))
        old = "there is none" if age is None else f"it is of {built[:10]}, {count(age, 'day')} old"
        text = error.args[0] if isinstance(error, LeadlineError) else error
        _say(request, f"leadline: vulnerability database not fetched ({old}): {text}{hint}")
        return
    if fetched.is_new:
        _say(request, f"fetched: vulnerability database, built {fetched.built[:10]}. {fetched.source}")


def _may_ask(request: Request) -> bool:
    """Whether a person is there who can answer."""
    takes_input = "-" in request.targets or request.password_stdin
    is_ci = os.environ.get("CI", "") not in ("", "0", "false")
    return not (request.quiet or takes_input or is_ci) and os.isatty(0) and os.isatty(2)


def _asked(target: Path) -> str:
    """What a person answers: the source, ``off``, or nothing for this time. Yes and never are remembered."""
    for _ in range(_MOST_TRIES):
        sys.stderr.write(_QUESTION)
        sys.stderr.flush()
        line = sys.stdin.readline(100)
        answer = line.strip().lower()
        if not line:
            return ""
        if answer in ("", "y", "yes"):
            return _remembered(target, "grype")
        if answer in ("n", "no", "not now"):
            return ""
        if answer in ("e", "never"):
            return _remembered(target, _OFF)
    return ""


def _remembered(target: Path, answer: str) -> str:
    with suppress(OSError):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.with_name(_ANSWER_FILE).write_text(f"{answer}\n")
    return answer


def _answer(target: Path) -> str:
    """What was answered in an earlier run."""
    with suppress(OSError, UnicodeDecodeError), target.with_name(_ANSWER_FILE).open(encoding="ascii") as file:
        found = file.read(100).strip()
        return found if found in ("grype", _OFF) else ""
    return ""


def _say(request: Request, text: str) -> None:
    if not request.quiet:
        sys.stderr.write(f"{plain(text, 4096)}\n")
