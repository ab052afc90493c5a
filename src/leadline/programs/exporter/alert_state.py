"""Which alerts there are, and who has been sent what of them: kept in a file, so that a restart neither repeats nor loses."""

import fcntl
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from leadline.errors import StoreError
from leadline.outputs.alerts.protocol import Alert, Labels
from leadline.whole_file import write_whole

log = logging.getLogger(__name__)
VERSION = 1
MOST_ENDED = 1_000
"""Alerts that are over and that some receiver has not taken yet; of more, the oldest are dropped."""
KEPT_S = 86_400.0
"""After its end, an alert that some receiver does not take is dropped."""
FIRING = "firing"
OVER = "over"


class Kept(Struct):
    """An alert with what each receiver was sent last: ``firing`` or ``over``."""

    labels: Labels
    annotations: dict[str, str]
    started_s: float
    ended_s: float | None = None
    sent: dict[str, str] = {}

    @property
    def alert(self) -> Alert:
        return Alert(self.labels, self.annotations, self.started_s, self.ended_s)

    def wants(self, receiver: str) -> bool:
        return self.sent.get(receiver) != (FIRING if self.ended_s is None else OVER)


class _File(Struct):
    version: int = VERSION
    alerts: list[Kept] = []
    known: list[str] | None = None


class AlertState:
    """Of one process: the file is locked. Raises: ``StoreError`` where another process has it, or it cannot be made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.dropped = 0
        """Alerts that some receiver was never sent, since the start."""
        self.alerts: list[Kept] = []
        self.known: frozenset[str] | None = None
        """Critical vulnerabilities that were there at the first start; ``None`` before it."""
        self._lock = _locked(path)
        try:
            self._read()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._lock.close()

    @property
    def firing(self) -> dict[Labels, Kept]:
        return {kept.labels: kept for kept in self.alerts if kept.ended_s is None}

    def become(self, wanted: Mapping[Labels, Mapping[str, str]], now_s: float) -> bool:
        """Begins and ends alerts so that those of ``wanted`` are firing; whether that changed any."""
        firing = self.firing
        for labels, kept in firing.items():
            if labels in wanted:
                kept.annotations = dict(wanted[labels])
            else:
                kept.ended_s = now_s
        new = [Kept(labels, dict(texts), now_s) for labels, texts in wanted.items() if labels not in firing]
        self.alerts += new
        return bool(new) or any(labels not in wanted for labels in firing)

    def forget(self, receivers: Iterable[str], now_s: float) -> None:
        """Drops what is over and known to all ``receivers``, and what has waited too long."""
        names = tuple(receivers)
        waiting = [k for k in self.alerts if k.ended_s is not None and any(k.wants(name) for name in names)]
        young = [kept for kept in waiting if now_s - (kept.ended_s or 0) <= KEPT_S][-MOST_ENDED:]
        self.dropped += len(waiting) - len(young)
        kept_on = {id(kept) for kept in young}
        self.alerts = [kept for kept in self.alerts if kept.ended_s is None or id(kept) in kept_on]

    def save(self) -> None:
        """Raises: ``StoreError``."""
        written = _File(alerts=self.alerts, known=None if self.known is None else sorted(self.known))
        try:
            write_whole(self._path, msgspec.json.encode(written), is_lasting=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StoreError(f"the state of alerts cannot be written to {self._path}: {reason}") from error

    def _read(self) -> None:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # Alerts that are sent twice are better than none.
            log.error("%s is damaged, alerts are sent again: %s", self._path, error)
            with suppress(OSError):
                self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            return
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StoreError(f"cannot read {self._path}: {reason}") from error
        if found.version > VERSION:
            raise StoreError(f"{self._path} was written by a later version", hint="use that version")
        self.alerts = found.alerts
        self.known = None if found.known is None else frozenset(found.known)


def _locked(path: Path) -> BinaryIO:
    """Held until it is closed. Two processes with one state would send everything twice."""
    try:
        file = path.with_name(f"{path.name}.lock").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise StoreError(f"the state of alerts {path} is in use by another process") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(
            f"cannot write {path}: {reason}", hint="name a file in a folder that can be written"
        ) from error
    return file
