"""Takes a message: into the log of its source first, then into the tables; the receipt is given when both have it."""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leadline.api.provider.wire import (
    LOG_IS_SHORTER,
    Changes,
    FoundFinding,
    GoneFinding,
    ImageContent,
    LogHead,
    Receipt,
    WholeReport,
    digest_of,
    encoded,
)
from leadline.errors import SourceError, StoreError
from leadline.foreign_errors import in_words
from leadline.model.unread import AccessRule, PassedOver, UnlistedKinds
from leadline.programs.provider.log import Entry, Keys, SourceLog
from leadline.programs.provider.source_row import Source
from leadline.programs.provider.tables import DAMAGED_LOG, OTHER_SCOPE, Done, Known, Standing, Tables, Token
from leadline.programs.provider.watchman import STATES, suspicions, usual_after
from leadline.untyped import MALFORMED

log = logging.getLogger(__name__)


MOST_BYTES_A_DAY = 1 << 30
"""That one source may have kept, decompressed, which is about what the tables take: who has its token can fill no disk."""
MOST_OPEN = 1_000_000
"""Findings of one source: the difference to a report is made in memory."""


_DAMAGED = "its log does not fit its checkpoint or its tables, and takes nothing more; the output of leadline provider serve says why"
"""For readers, who learn no path of this machine."""


MOST_OPEN_LOGS = 300
"""Each takes two descriptors, and 64 bytes of memory for an entry."""


NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""In JSON. No text of PostgreSQL holds it."""


class Refused(Exception):  # noqa: N818 an answer, not a fault
    """``status`` as HTTP has it."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        expected: int = 0,
        type: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.expected = expected
        self.type = type
        self.headers = tuple(headers)


class Message(Struct, frozen=True):
    """As it came in."""

    body: bytes
    """Decompressed."""
    content: WholeReport | Changes | ImageContent
    key: str
    """Idempotency key."""
    known_size: int = 0
    """Of the log, by the last checkpoint that the sender has kept."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ingest:
    """The logs of all sources, and the tables beside them."""

    def __init__(
        self, folder: Path, tables: Tables, keys: Keys, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._folder = folder
        self._tables = tables
        self._keys = keys
        self._now = now
        self._logs: dict[int, SourceLog] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._opening = threading.Lock()

    @property
    def keys(self) -> Keys:
        return self._keys

    def catch_up(self) -> int:
        """Brings the tables up to the logs, as after a crash or a restored backup; the entries that were missing.

        A source whose log is damaged takes nothing more, and is an alert; the others go on.
        """
        count = 0
        for source in self._tables.sources():
            try:
                count += self._replayed(source, alerting=True)
            except (StoreError, SourceError) as error:
                log.error("%s takes nothing: %s", source.name, error)
                self._tables.alert(source, DAMAGED_LOG, _DAMAGED, self._stamp())
        return count

    def rebuilt(self, source: Source) -> tuple[int, bool]:
        """Rebuilds the tables of ``source`` from its log; how many entries it has, and whether its rows are what they were.

        Raises: ``StoreError``, ``SourceError`` where its log is damaged; its tables are left as they were.
        """
        for _ in self._log(source).entries():
            pass
        before = self._tables.view(source)
        self._tables.forget_view(source)
        entries = self._replayed(replace(source, entries=0), alerting=False)
        return entries, before == self._tables.view(source)

    def take(self, token: Token, source: Source, message: Message) -> Receipt:
        """Raises: ``Refused``; ``OSError`` where nothing can be written, and then nothing has changed."""
        with self._locked(source.id):
            standing = self._standing(source, message.key)
            history = self._log(standing.source)
            if standing.source.entries != history.size:
                # The log was written, and the tables were not: a full disk, a fault.
                self._replayed(standing.source, alerting=True)
                standing = self._standing(source, message.key)
            fresh, done = standing.source, standing.done
            if message.known_size > history.size:
                # The provider lost entries, or the sender keeps the checkpoint of another log.
                raise Refused(
                    409,
                    "The log is shorter than your checkpoint says",
                    f"it holds {history.size} entries, and you know of {message.known_size}",
                    expected=fresh.sequence + 1,
                    type=LOG_IS_SHORTER,
                )
            sent = digest_of(message.body)
            if done is not None:
                if done.sent != sent:
                    self._tables.alert(
                        fresh, "key-reused", "one idempotency key came with two messages", self._stamp()
                    )
                    raise Refused(409, "This idempotency key belongs to another message")
                entry = next(history.entries(done.entry))
                return _receipt(history, message, done, entry.head, standing.open, fresh.sequence + 1)
            content = message.content
            changes = None if isinstance(content, ImageContent) else self._changes(fresh, content)
            record = encoded(changes) if isinstance(content, WholeReport) and changes else message.body
            if b"\\u0000" in record and NUL.search(record):
                raise Refused(400, "NUL is part of no name")
            self._check_growth(fresh, len(record))
            if changes:
                _check_open(standing.open, changes)
            head = LogHead(
                origin=history.origin,
                index=history.size,
                received=self._stamp(),
                sender=token.name,
                key=message.key,
                kind=_kind(content),
                sent=sent,
                record=digest_of(record),
            )
            noticed = tuple(suspicions(fresh, standing.open, changes)) if changes else ()
            entry = Entry(encoded(head), record)
            history.append(entry)
            if changes is None:
                image = msgspec.json.decode(record, type=ImageContent)
                done = self._tables.apply_image(fresh, head, image, len(record))
            else:
                done = self._applied(fresh, head, changes, noticed, len(record))
            sequence = changes.sequence if changes else fresh.sequence
            now_open = standing.open + done.opened - done.gone
            return _receipt(history, message, done, entry.head, now_open, sequence + 1)

    def _standing(self, source: Source, key: str) -> Standing:
        """Raises: ``Refused``."""
        found = self._tables.standing(source.tenant, source.name, key)
        if found is None:
            raise Refused(404, "Unknown source")
        return found

    def state(self, source: Source) -> str:
        """The checkpoint of its log."""
        with self._locked(source.id):
            return self._log(source).checkpoint

    def consistency(self, source: Source, old: int) -> tuple[str, ...]:
        """Raises: ``Refused`` where the log is shorter."""
        with self._locked(source.id):
            history = self._log(source)
            if old > history.size:
                raise Refused(404, "The log is shorter", f"it holds {history.size} entries")
            return tuple(one.hex() for one in history.consistency(old))

    def close(self) -> None:
        while self._logs:
            self._logs.popitem()[1].close()

    def _changes(self, source: Source, content: WholeReport | Changes) -> Changes:
        """Raises: ``Refused`` for one that does not follow the message before."""
        kind = _kind(content)
        if source.mode not in ("", kind):
            raise Refused(409, f"This source sends {source.mode}", "one source has one way of reporting")
        if isinstance(content, WholeReport):
            self._check_scope(source, content.measured.scope)
            known = self._tables.open_findings(source)
            return difference(known, content, source.sequence + 1, source.previous)
        if (content.sequence, content.previous) != (source.sequence + 1, source.previous):
            if content.sequence <= source.sequence + 1:
                # Another holder of the token, or a sender that was restored, continues from another past.
                self._tables.alert(
                    source,
                    "fork",
                    f"message {content.sequence} came a second time with other content",
                    self._stamp(),
                )
            raise Refused(
                409,
                "This message does not follow the last one",
                f"message {source.sequence + 1} is expected",
                expected=source.sequence + 1,
            )
        return content

    def _check_scope(self, source: Source, scope: str) -> None:
        """Raises: ``Refused``: all that it did not look at would be gone."""
        if source.scope in ("", scope):
            return
        text = f"the report is about {scope or 'something unnamed'}, those before were about {source.scope}"
        self._tables.alert(source, OTHER_SCOPE, text, self._stamp())
        raise Refused(
            409,
            "This report is about something else than those before",
            f"{text}; use a source of its own, or run leadline provider settle {source.name} there",
        )

    def _check_growth(self, source: Source, size: int) -> None:
        """Raises: ``Refused``."""
        taken = source.taken if source.received[:10] == self._stamp()[:10] else 0
        if taken + size > MOST_BYTES_A_DAY:
            retry = ((b"retry-after", b"3600"),)
            raise Refused(429, "This source has sent too much today", "it may go on tomorrow", headers=retry)

    def _applied(
        self, source: Source, head: LogHead, changes: Changes, noticed: Sequence[tuple[str, str]], size: int
    ) -> Done:
        kinds = {kind for kind, _ in noticed}
        over = [kind for kind in STATES if kind not in kinds]
        usual = usual_after(source, changes, kinds)
        return self._tables.apply(source, head, changes, size, noticed, over, usual)

    def _replayed(self, source: Source, *, alerting: bool) -> int:
        history = self._log(source)
        if source.entries > history.size:
            raise StoreError(
                f"{source.name}: the tables know {source.entries} entries, and its log holds {history.size}",
                hint="restore the log as well",
            )
        count = 0
        try:
            for entry in history.entries(source.entries):
                head = msgspec.json.decode(entry.head, type=LogHead)
                count += 1
                # A log of before may hold some.
                record = NUL.sub(rb"\1\\ufffd", entry.record)
                if head.kind == "image":
                    image = msgspec.json.decode(record, type=ImageContent)
                    self._tables.apply_image(source, head, image, len(entry.record))
                    continue
                changes = msgspec.json.decode(record, type=Changes)
                fresh = self._tables.source(source.tenant, source.name) or source
                if alerting:
                    noticed = tuple(suspicions(fresh, self._tables.open_count(source), changes))
                    self._applied(fresh, head, changes, noticed, len(entry.record))
                else:
                    self._tables.apply(source, head, changes, len(entry.record))
        except MALFORMED as error:
            raise SourceError(
                f"{source.name}: entry {source.entries + count - 1} is not what a sender sends: {in_words(error)}"
            ) from error
        return count

    def _log(self, source: Source) -> SourceLog:
        """Raises: ``StoreError`` where it is not what its checkpoint says."""
        with self._opening:
            found = self._logs.pop(source.id, None)
            if found is not None:
                # The last of all, as the one that was used last.
                self._logs[source.id] = found
                return found
        found = SourceLog(log_folder(self._folder, source), origin_of(self._keys.name, source), self._keys)
        with self._opening:
            self._logs[source.id] = found
            self._close_idle()
        return found

    def _close_idle(self) -> None:
        """Those that were not used for longest, beyond so many."""
        for number in list(self._logs)[: max(0, len(self._logs) - MOST_OPEN_LOGS)]:
            lock = self._locks.setdefault(number, threading.Lock())
            if lock.acquire(blocking=False):
                self._logs.pop(number).close()
                lock.release()

    def _locked(self, source: int) -> threading.Lock:
        with self._opening:
            return self._locks.setdefault(source, threading.Lock())

    def _stamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _receipt(
    history: SourceLog, message: Message, done: Done, head: bytes, now_open: int, expected_sequence: int
) -> Receipt:
    return Receipt(
        head=head.decode(),
        checkpoint=history.checkpoint,
        inclusion=tuple(one.hex() for one in history.inclusion(done.entry)),
        consistency=tuple(one.hex() for one in history.consistency(message.known_size)),
        opened=done.opened,
        gone=done.gone,
        open=now_open,
        expected_sequence=expected_sequence,
    )


def _check_open(before: int, changes: Changes) -> None:
    """Raises: ``Refused``."""
    if before + len(changes.opened) - len(changes.gone) > MOST_OPEN:
        raise Refused(413, "Too many open findings", f"a source has at most {MOST_OPEN:,}")


def _kind(content: WholeReport | Changes | ImageContent) -> Literal["report", "changes", "image"]:
    if isinstance(content, ImageContent):
        return "image"
    return "changes" if isinstance(content, Changes) else "report"


def log_folder(folder: Path, source: Source) -> Path:
    return folder / "logs" / source.tenant / source.name


def origin_of(provider: str, source: Source) -> str:
    return f"{provider}/{source.tenant}/{source.name}"


def difference(
    known: dict[tuple[str, int], Known], report: WholeReport, sequence: int, previous: str
) -> Changes:
    """What a whole report changes. What it did not look at, or could not read, stays as it was."""
    judged, undecided = set(report.controls), set(report.undecided)
    passed_over = PassedOver((*report.unread, *report.left_out))
    unlisted = UnlistedKinds(AccessRule(one.plural, one.group, one.namespace) for one in report.unlisted)

    def is_looked_at(mark: str, one: Known) -> bool:
        if (
            one.control not in judged
            or mark in undecided
            or (not one.file and unlisted.covers(one.group, one.kind, one.namespace))
        ):
            return False
        # Without a file nothing says that it does not come from what is unread.
        return not passed_over.covers(one.file) if one.file else not report.unread

    now = {(one.fingerprint, one.ordinal): one for one in report.findings}
    opened: list[FoundFinding] = []
    for mark, one in now.items():
        was = known.get(mark)
        if was is None or (was.severity, was.accepted, was.file) != (one.severity, one.accepted, one.file):
            opened.append(one)
    gone = tuple(
        GoneFinding(*mark) for mark, one in known.items() if mark not in now and is_looked_at(mark[0], one)
    )
    return Changes(sequence, previous, report.measured, tuple(opened), gone)
