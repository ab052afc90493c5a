"""``leadline scan --submit``: the report goes to a provider, once it is written everywhere else."""

import os
import ssl
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import click
import httpx2

from leadline.api.provider.wire import WholeReport
from leadline.backoff import backoff_s
from leadline.errors import SourceError, UsageError
from leadline.programs.cli.options.table import Request
from leadline.programs.cli.output.progress import progress
from leadline.scans.submitting.sending import (
    Answer,
    Call,
    Destination,
    DoubtError,
    NotDeliveredError,
    Sender,
    call_of,
    destination,
    write_request,
)
from leadline.sources.regular_file import read_given

_TOKEN, _TOKEN_FILE = "LEADLINE_SUBMIT_TOKEN", "LEADLINE_SUBMIT_TOKEN_FILE"
_LARGEST_TOKEN = 4_096
_LARGEST_ANSWER = 4 << 20
_TIMEOUT_S = 30.0
_TRIES = 3
_FIRST_S, _LONGEST_S = 1.0, 4.0
_AGAIN = frozenset((408, 429, 500, 502, 503, 504))


def check_submission(request: Request) -> Destination | None:
    """Before anything is scanned. Raises: ``UsageError``."""
    if not request.submit:
        if request.submit_ca:
            raise UsageError("--submit-ca belongs to --submit")
        if request.submit_dry_run:
            raise UsageError("--submit-dry-run belongs to --submit", hint="--submit https://HOST/SOURCE")
        return None
    if request.encrypt:
        raise UsageError(
            "--submit sends what a provider can read", hint="leave --encrypt away; --redact gives pseudonyms"
        )
    if request.watch or request.fix:
        raise UsageError("--submit sends the report of one scan", hint="leave --watch and --fix away")
    place = destination(request.submit)
    if not request.submit_dry_run:
        _token(os.environ)
    return place


def submit(request: Request, place: Destination, message: WholeReport) -> None:
    """Raises: ``NotDeliveredError``: the report is kept then, and named."""
    key = str(uuid.uuid4())
    if request.submit_dry_run:
        write_request(Path(request.submit_dry_run), *call_of(place, message, "", key, 0))
        _say(
            request,
            f"written: {request.submit_dry_run}, what --submit would send to {place.host}; nothing was sent",
        )
        return
    # Said with --quiet as well: nothing leaves this machine unnoticed.
    click.echo(f"submitting {len(message.findings):,} findings to {place.host} as {place.source}", err=True)
    token = _token(os.environ)
    try:
        with (
            _client(request) as client,
            progress(f"submitting to {place.host}", is_wanted=not request.quiet),
        ):
            receipt = Sender(place, token, _Patient(client), _memory(place, os.environ)).send(message, key)
    except NotDeliveredError as error:
        kept = _kept(place, os.environ)
        if kept is None or isinstance(error, DoubtError):
            raise
        write_request(kept, *call_of(place, message, "", key, 0))
        raise type(error)(
            f"not delivered: {error.args[0]}", hint=error.hint or f"the report is kept in {kept}"
        ) from error
    _say(
        request,
        f"submitted: {receipt.opened:,} new, {receipt.gone:,} gone, {receipt.open:,} open at {place.host}",
    )


class _Patient:
    """Tries again where that can help. No redirect is followed: it would carry the token elsewhere."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def __call__(self, call: Call) -> Answer:
        """Raises: ``OSError``."""
        for tried in range(1, _TRIES):
            with suppress(OSError):
                answer = self._once(call)
                if answer.status not in _AGAIN:
                    return answer
            time.sleep(backoff_s(tried, _FIRST_S, _LONGEST_S))
        return self._once(call)

    def _once(self, call: Call) -> Answer:
        try:
            with self._client.stream(
                call.method,
                call.url,
                content=call.body or None,
                headers=dict(call.headers),
                follow_redirects=False,
            ) as answer:
                content = bytearray()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > _LARGEST_ANSWER:
                        raise OSError("its answer is too large")
                return Answer(answer.status_code, bytes(content))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise OSError(str(error)[:300] or type(error).__name__) from error


def _client(request: Request) -> httpx2.Client:
    """Raises: ``UsageError``, ``SourceError``."""
    if not request.submit_ca:
        return httpx2.Client(timeout=_TIMEOUT_S, trust_env=True)
    try:
        context = ssl.create_default_context(cafile=request.submit_ca)
    except ssl.SSLError as error:
        raise UsageError(f"--submit-ca: {request.submit_ca} holds no certificate in PEM") from error
    except OSError as error:
        raise SourceError(
            f"cannot read {request.submit_ca}: {(error.strerror or str(error)).lower()}"
        ) from error
    return httpx2.Client(timeout=_TIMEOUT_S, trust_env=True, verify=context)


def _token(environ: Mapping[str, str]) -> str:
    """Raises: ``UsageError``, ``SourceError``."""
    if file := environ.get(_TOKEN_FILE, ""):
        token = read_given(file, _LARGEST_TOKEN).decode("utf-8", "replace").strip()
    else:
        token = environ.get(_TOKEN, "").strip()
    if not token:
        raise UsageError(
            "--submit needs a token", hint=f"set {_TOKEN}, or {_TOKEN_FILE} to a file that holds it"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError("the token of --submit holds characters that no token has")
    return token


def _memory(place: Destination, environ: Mapping[str, str]) -> Path | None:
    """Where the last checkpoint of that source is kept."""
    folder = _state(environ)
    return folder / f"{_mark(place)}.json" if folder else None


def _kept(place: Destination, environ: Mapping[str, str]) -> Path | None:
    folder = _state(environ)
    return folder / "undelivered" / f"{place.source}-{_mark(place)}" if folder else None


def _mark(place: Destination) -> str:
    return sha256(f"{place.base}/{place.source}".encode()).hexdigest()[:16]


def _state(environ: Mapping[str, str]) -> Path | None:
    """Below the home folder; ``None`` without one."""
    named, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    if named.startswith("/"):
        return Path(named) / "leadline" / "submit"
    return Path(home) / ".local" / "state" / "leadline" / "submit" if home.startswith("/") else None


def _say(request: Request, line: str) -> None:
    if not request.quiet:
        click.echo(line, err=True)
