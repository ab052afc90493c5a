"""``leadline scan --submit``: the report goes to a provider, once it is written everywhere else."""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import click
from msgspec import Struct

from leadline.api.provider.wire import WholeReport
from leadline.errors import UsageError
from leadline.foreign_errors import in_words
from leadline.outputs.format_registry import Asked
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.table import Request
from leadline.programs.cli.output.terminal import progress
from leadline.programs.cli.scanning.requests import home_file
from leadline.programs.serving.provider_client import Patient, provider_client, submit_token
from leadline.scans.submitting.compat import compat_calls, send_calls, write_calls
from leadline.scans.submitting.sending import (
    Channel,
    Destination,
    DoubtError,
    Exchange,
    Message,
    NotDeliveredError,
    destination,
    parcel_of,
    send_once,
    write_request,
)


def check_submission(request: Request) -> Destination | None:
    """Before anything is scanned. Raises: ``UsageError``, ``SourceError``."""
    if not request.submit:
        if request.submit_ca or request.submit_account:
            flag = "--submit-ca" if request.submit_ca else "--submit-account"
            raise UsageError(f"{flag} belongs to --submit")
        if request.submit_dry_run:
            raise UsageError("--submit-dry-run belongs to --submit", hint="--submit https://HOST/SOURCE")
        return None
    if request.encrypt:
        raise UsageError(
            "--submit and --encrypt exclude each other", hint="--redact sends pseudonyms in place of names"
        )
    if request.watch or request.fix:
        raise UsageError("--submit sends the report of one scan", hint="leave out --watch and --fix")
    if request.form == "workload":
        raise UsageError(
            "--submit sends a report about all of a source", hint="scan without the name of a workload"
        )
    place = _account(request) if request.submit_account else destination(request.submit)
    if not request.submit_dry_run:
        submit_token(os.environ)
        if request.submit_ca:
            provider_client(request.submit_ca).close()
    return place


def _account(request: Request) -> Destination:
    try:
        account = str(uuid.UUID(request.submit_account))
    except ValueError:
        raise UsageError(
            "--submit-account is not a UUID",
            hint="6a3f7f0e-2d0b-4a3d-9a43-0d1a4a2e9c11, as the provider gave it",
        ) from None
    return destination(f"{request.submit.rstrip('/')}/{account}")


def narrowed(request: Request, asked: Asked) -> str:
    """To which part of the target the scan was narrowed, in words; empty for none. ``asked``: as it may be shown."""
    words = []
    if request.from_store:
        words.append("as stored")
    if asked.include_namespaces:
        words.append(f"namespaces {' '.join(sorted(asked.include_namespaces))}")
    if asked.exclude_namespaces:
        words.append(f"without namespaces {' '.join(sorted(asked.exclude_namespaces))}")
    return ", ".join(words)


def delivered(request: Request, place: Destination, messages: Sequence[Message], code: int) -> int:
    """Sends; the exit code of the scan, ``code``. A gate that failed counts more than a report that did not arrive.

    Raises: ``NotDeliveredError`` where the scan passed: the report is kept then, and named.
    """
    if not messages:
        # Said with --quiet as well: the provider goes on showing what it has.
        click.echo(f"nothing was judged, so nothing was submitted to {place.host}", err=True)
    try:
        for message in messages:
            _submit(request, place, message, is_one=len(messages) == 1)
    except NotDeliveredError as error:
        if code == 0:
            raise
        click.echo(f"leadline: {plain(str(error), 4096)}", err=True)
    return code


class _Delivery(Struct, frozen=True):
    """A message as a provider takes it."""

    write: Callable[[Path], None]
    """Into a folder, without the token."""
    send: Callable[[str, Exchange], tuple[str, str]]
    """With the token; what is said of it, and what went wrong all the same."""
    part: str = ""
    """Its name among several."""


def _submit(request: Request, place: Destination, message: Message, *, is_one: bool) -> None:
    if request.submit_account and isinstance(message, WholeReport):
        delivery = _for_account(place, message)
    else:
        delivery = _for_source(place, message)
    if request.submit_dry_run:
        folder = Path(request.submit_dry_run)
        delivery.write(folder if is_one else folder / delivery.part)
        _say(request, f"written: {folder}, what --submit would send to {place.host}; nothing was sent")
        return
    # Said with --quiet as well: nothing leaves this machine unnoticed.
    click.echo(f"submitting {_what(message)} to {place.host} as {place.source}", err=True)
    token = submit_token(os.environ)
    try:
        with (
            provider_client(request.submit_ca) as client,
            progress(f"submitting to {place.host}", is_wanted=not request.quiet),
        ):
            line, warning = delivery.send(token, Patient(client, "--submit-ca"))
    except NotDeliveredError as error:
        raise _with_kept(error, place, delivery) from error
    if warning:
        click.echo(warning, err=True)
    _say(request, line)


def _for_source(place: Destination, message: Message) -> _Delivery:
    parcel = parcel_of(message, str(uuid.uuid4()))
    memory = _memory(place, os.environ)

    def write(folder: Path) -> None:
        bodies = {"body.zst": parcel.packed, "body.json": parcel.plain}
        write_request(folder, parcel.request(place, ""), bodies)

    def send(token: str, exchange: Exchange) -> tuple[str, str]:
        receipt, why = send_once(Channel(place, token, exchange), parcel, memory)
        warning = f"delivered, and its checkpoint cannot be kept in {memory}: {why}" if why else ""
        if not isinstance(message, WholeReport):
            return f"submitted: {plain(message.name, 300)}", warning
        sums = f"{receipt.opened:,} new, {receipt.gone:,} gone, {receipt.open:,} open"
        return f"submitted: {sums} at {place.host}", warning

    return _Delivery(
        write, send, "" if isinstance(message, WholeReport) else message.digest.rpartition(":")[2][:16]
    )


def _for_account(place: Destination, report: WholeReport) -> _Delivery:
    calls = partial(compat_calls, place, report, str(uuid.uuid4()))

    def send(token: str, exchange: Exchange) -> tuple[str, str]:
        said = send_calls(place, calls(token), exchange)
        return f"submitted: {plain(said, 300)}" if said else f"submitted to {place.host}", ""

    return _Delivery(lambda folder: write_calls(folder, calls("")), send)


def _with_kept(error: NotDeliveredError, place: Destination, delivery: _Delivery) -> NotDeliveredError:
    """``error``, and where the report is now."""
    folder = _state(os.environ)
    name = "-".join(word for word in (place.source, _mark(place), delivery.part) if word)
    kept = folder / "undelivered" / name if folder else None
    where = f"the report is kept in {kept}" if kept else "the report is not kept, since HOME is not set"
    try:
        if kept:
            delivery.write(kept)
    except OSError as fault:
        where = f"the report cannot be kept in {kept}: {in_words(fault)}"
    said = str(error.args[0]) if isinstance(error, DoubtError) else f"not delivered: {error.args[0]}"
    return NotDeliveredError(said, hint=f"{error.hint}; {where}" if error.hint else where)


def _what(message: Message) -> str:
    if isinstance(message, WholeReport):
        return f"{len(message.findings):,} findings"
    found = f" and {len(message.vulnerabilities):,} vulnerabilities" if message.database else ""
    return f"{len(message.packages):,} packages{found} of {plain(message.name, 300)}"


def _memory(place: Destination, environ: Mapping[str, str]) -> Path | None:
    """Where the last checkpoint of that source is kept."""
    folder = _state(environ)
    return folder / f"{_mark(place)}.json" if folder else None


def _mark(place: Destination) -> str:
    return sha256(f"{place.base}/{place.source}".encode()).hexdigest()[:16]


def _state(environ: Mapping[str, str]) -> Path | None:
    """``None`` without a home folder."""
    folder = home_file(environ, "XDG_STATE_HOME", ".local/state", "submit")
    return Path(folder) if folder else None


def _say(request: Request, line: str) -> None:
    if not request.quiet:
        click.echo(line, err=True)
