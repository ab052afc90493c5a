"""``leadline provider push``: what a provider knows goes to another product, at least once, in order, and only there."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec
from msgspec import Struct

from leadline.api.provider.wire import FindingRow, ImageRow, PackageRow
from leadline.errors import SourceError, StoreError
from leadline.foreign_errors import in_words
from leadline.programs.provider.flags import read_from
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.provider_client import (
    PUSH_SECRET,
    Patient,
    ProviderReader,
    provider_client,
    secret_of,
)
from leadline.scans.provider_reading import read_findings, read_images, read_packages, read_sources
from leadline.scans.pushing.defectdojo import reimport_call
from leadline.scans.pushing.dependency_track import bom_call
from leadline.scans.pushing.ocsf import Event, What, signing_key, webhook_call
from leadline.scans.submitting.sending import Call, address_parts, hint_of
from leadline.whole_file import write_whole

log = logging.getLogger(__name__)
_OVERLAP_S = 300
"""Asked for again each time: what a provider was about to write when it was asked last."""
_MOST_STATE = 64 << 20
_MANY = 10_000
_WRITE_EVERY_S = 1.0
_WRITING_SHARE = 20
"""Writing takes at most one part in so many of the time."""

Ask = ProviderReader
Send = Callable[[Call], None]
"""Raises: ``SourceError`` where it is not taken."""


class State(Struct, frozen=True):
    """What was sent already."""

    since: str = ""
    """The newest moment of an event."""
    done: dict[str, str] = {}
    """Ids of late events, or marks of what was sent whole; and when, or as what."""


@click.command()
@click.argument("product", type=click.Choice(("webhook", "defectdojo", "dependency-track")))
@click.argument("url")
@read_from
@click.option("--ca", default="", metavar="FILE", help="Certificates to trust at URL, PEM.")
@click.option(
    "--state",
    "state_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of what was sent.",
)
@click.option(
    "--every", "every_s", default=60.0, show_default=True, type=click.FloatRange(1, 86_400), help="Seconds."
)
@click.option("--once", is_flag=True, help="Send what is new, and end.")
def push(
    product: str,
    url: str,
    provider: str,
    provider_ca: str,
    ca: str,
    state_file: Path,
    every_s: float,
    *,
    once: bool,
) -> None:
    """Send what is new to a webhook (OCSF in CloudEvents), DefectDojo or Dependency-Track.

    LEADLINE_PROVIDER_TOKEN holds a token that may read, LEADLINE_PUSH_SECRET the webhook's secret or the product's token.
    """
    log_to_stderr()
    address_parts(url, product, "use https://HOST/PATH", "findings")
    secret = secret_of(os.environ, PUSH_SECRET, f"a secret for {product} is missing")
    key = signing_key(secret) if product == "webhook" else b""
    kept = StateFile(state_file)
    ask = ProviderReader(provider, os.environ, provider_ca)
    with closing(ask), provider_client(ca) as client:
        receiver = _Receiver(Patient(client, "--ca"), url)
        click.echo(f"pushing what {ask.host} knows to {receiver.host}", err=True)
        while True:
            try:
                kept.follow(_step(product, url.rstrip("/"), ask, receiver, (secret, key), kept.state))
            except SourceError as error:
                if once:
                    raise
                log.error("%s", error)
            if once:
                click.echo(f"messages delivered to {receiver.host}: {receiver.taken:,}", err=True)
                return
            time.sleep(every_s)


def _step(
    product: str, url: str, ask: Ask, send: Send, secrets: tuple[str, bytes], state: State
) -> Iterator[State]:
    """The state after each request that was taken. Raises: ``SourceError``."""
    secret, key = secrets
    if product == "webhook":
        yield from push_events(
            ask, lambda event: send(webhook_call(url, key, event, ask.host, int(time.time()))), state
        )
    elif product == "defectdojo":
        yield from push_sources(
            ask, lambda source, rows: send(reimport_call(url, secret, source, rows)), state
        )
    else:
        yield from push_images(
            ask, lambda image, packages: send(bom_call(url, secret, image, packages)), state
        )


def push_events(ask: Any, send: Callable[[Event], None], state: State) -> Iterator[State]:
    """Each finding that came or went since, in the order in which the provider received it. Raises: ``SourceError``."""
    since = _earlier(state.since, _OVERLAP_S) if state.since else ""
    events: dict[str, Event] = {}
    kinds: tuple[tuple[str, What], ...] = (("open", "opened"), ("accepted", "opened"), ("gone", "gone"))
    for found, what in kinds:
        for row in read_findings(ask, {"state": found, "since": since}):
            came = Event("opened", row)
            if came.at >= since:
                events[came.id] = came
            if what == "gone":
                went = Event("gone", row)
                events[went.id] = went
    done = dict(state.done)
    newest = state.since
    many = max(_MANY, 2 * len(done))
    for event in sorted(events.values(), key=lambda one: (one.at, one.what == "gone", one.id)):
        if event.id in done:
            continue
        send(event)
        done[event.id] = event.at
        newest = max(newest, event.at)
        if len(done) > many:
            oldest = _earlier(newest, 2 * _OVERLAP_S)
            done = {id: at for id, at in done.items() if at >= oldest}
            many = max(_MANY, 2 * len(done))
        yield State(newest, done)
    oldest = _earlier(newest, 2 * _OVERLAP_S) if newest else ""
    yield State(newest, {id: at for id, at in done.items() if at >= oldest})


def push_sources(ask: Any, send: Callable[[str, list[FindingRow]], None], state: State) -> Iterator[State]:
    """All findings of each source that reported since. Raises: ``SourceError``."""
    done = dict(state.done)
    for source in read_sources(ask):
        if not source.last_received or done.get(source.name) == source.last_received:
            continue
        rows = [
            row
            for kind in ("open", "accepted")
            for row in read_findings(ask, {"state": kind, "source": source.name})
        ]
        send(source.name, rows)
        done[source.name] = source.last_received
        yield State(state.since, done)


def push_images(
    ask: Any, send: Callable[[ImageRow, list[PackageRow]], None], state: State
) -> Iterator[State]:
    """The packages of each image that is new or another. Raises: ``SourceError``."""
    done = dict(state.done)
    for image in read_images(ask):
        key = f"{image.source} {image.digest}"
        if done.get(key) == image.received:
            continue
        send(image, list(read_packages(ask, image)))
        done[key] = image.received
        yield State(state.since, done)


class _Receiver:
    """A product at its address."""

    def __init__(self, exchange: Patient, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.taken = 0
        self._exchange = exchange

    def __call__(self, call: Call) -> None:
        """Raises: ``SourceError`` where it is not taken."""
        try:
            answer = self._exchange(call)
        except OSError as error:
            raise SourceError(f"{self.host} cannot be reached: {error}", hint=hint_of(error)) from error
        if not 200 <= answer.status < 300:
            raise SourceError(f"{self.host} answers HTTP {answer.status}")
        self.taken += 1


def _earlier(moment: str, by_s: int) -> str:
    at = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (at - timedelta(seconds=by_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


class StateFile:
    """What was sent, in a file. It is written whole, so not for each event: what was taken since is sent again after a crash."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises: ``StoreError``."""
        self._path = path
        self._clock = clock
        self.state = self._written = _read(path)
        self._next = clock()

    def follow(self, states: Iterator[State]) -> None:
        """Keeps each of ``states``; the last one is in the file at the end, whatever ends it. Raises: ``StoreError``, and as ``states``."""
        try:
            for self.state in states:
                if self._clock() >= self._next:
                    self._write()
        finally:
            if self.state is not self._written:
                self._write()

    def _write(self) -> None:
        begin = self._clock()
        try:
            write_whole(self._path, msgspec.json.encode(self.state), 0o600, is_lasting=True)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {in_words(error)}") from error
        self._written = self.state
        end = self._clock()
        self._next = end + max(_WRITE_EVERY_S, _WRITING_SHARE * (end - begin))


def _read(path: Path) -> State:
    """Raises: ``StoreError``: without it everything would be sent again."""
    try:
        if path.stat().st_size > _MOST_STATE:
            raise StoreError(f"{path} is too large", hint="name another file, and everything is sent again")
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(
            f"cannot read {path}: {in_words(error)}", hint="name another file, and everything is sent again"
        ) from error
