"""Requests out of audit logs: files of ``--audit-log-path``, plain or compressed, and lists that a webhook received.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/. Decisions are annotations of the authoriser;
names of objects that no rule names count as one, so that memory follows from the number of sorts of requests.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import IO

import msgspec
from msgspec import Struct

from leadline.errors import SourceError
from leadline.kube.access_question import user_or_group
from leadline.model.access import OTHER_NAME, AuditRecord, Observed, RecordedRequest
from leadline.model.unread import Unread
from leadline.sources.regular_file import open_regular
from leadline.untyped import MALFORMED


class AuditLimits(Struct, frozen=True):
    line_bytes: int = 16 << 20
    """Of one event; the API server sends no larger request on."""
    total_bytes: int = 64 << 30
    """Of all logs, decompressed."""
    requests: int = 500_000
    """Sorts of requests: who asked for what."""


_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
_DECISION = "authorization.k8s.io/decision"
_CHUNK = 1 << 20


class _User(Struct, frozen=True):
    username: str = ""
    groups: tuple[str, ...] = ()


class _Reference(Struct, rename="camel", frozen=True):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    subresource: str = ""


class _Status(Struct, frozen=True):
    code: int = 0


class _Event(Struct, rename="camel", frozen=True):
    kind: str = ""
    stage: str = ""
    request_uri: str = msgspec.field(name="requestURI", default="")
    verb: str = ""
    user: _User = _User()
    impersonated_user: _User | None = None
    object_ref: _Reference | None = None
    response_status: _Status | None = None
    request_received_timestamp: str = ""
    annotations: dict[str, str] | None = None
    items: "list[_Event] | None" = None
    """Of an ``EventList``."""


_decoder = msgspec.json.Decoder(_Event)


def read_audit_logs(
    paths: Iterable[str],
    names: frozenset[str] = frozenset(),
    limits: AuditLimits = AuditLimits(),  # noqa: B008
) -> AuditRecord:
    """Every allowed request of the logs, counted; ``names`` are those that rules name.

    Raises: ``SourceError`` where a log cannot be opened, none of its lines is an event, or there are no events at all.
    """
    reading = _Reading(names, limits)
    paths = tuple(paths)
    for path in paths:
        reading.read(path)
    if not reading.events:
        raise SourceError(f"no audit events in {', '.join(paths)}", hint="name files of --audit-log-path")
    return reading.record()


class _Reading:
    def __init__(self, names: frozenset[str], limits: AuditLimits) -> None:
        self.events = 0
        self._names = names
        self._limits = limits
        self._requests: Counter[RecordedRequest] = Counter()
        self._first = self._last = ""
        self._refused = self._bytes = self._dropped = 0
        self._unread: list[Unread] = []

    def record(self) -> AuditRecord:
        if self._dropped:
            why = (
                f"{self._dropped:,} requests beyond {self._limits.requests:,} sorts of requests were not kept"
            )
            self._unread.append(Unread("audit logs", why, "too large", hint="read fewer logs at once"))
        observed = Observed(self._first, self._last, self.events, self._refused)
        return AuditRecord(dict(self._requests), observed, tuple(self._unread))

    def read(self, path: str) -> None:
        before, bad, first_bad, end = self.events, 0, 0, ""
        try:
            with open_regular(path) as file:
                is_compressed = file.read(2) == b"\x1f\x8b"
                file.seek(0)
                log = gzip.GzipFile(fileobj=file) if is_compressed else file
                for number, line in enumerate(self._lines(log), 1):
                    if line.strip() and not self._take_line(line):
                        bad += 1
                        first_bad = first_bad or number
        except (OSError, EOFError, zlib.error) as error:
            end = (getattr(error, "strerror", "") or str(error)).lower()
        if self.events == before and end and not bad:
            raise SourceError(f"cannot read {path}: {end}")
        if self.events == before and bad:
            raise SourceError(f"{path} is not an audit log", hint="name files of --audit-log-path")
        if end:
            self._unread.append(Unread(path, f"the log ends early: {end}", "malformed"))
        if self._bytes > self._limits.total_bytes:
            why = f"the logs are larger than {self._limits.total_bytes >> 30} GiB; the rest was not read"
            self._unread.append(Unread(path, why, "too large"))
        if bad:
            why = "1 line is not an audit event" if bad == 1 else f"{bad:,} lines are not audit events"
            self._unread.append(Unread(path, why, "malformed", first_bad))

    def _lines(self, log: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
        """Each line until enough was read; of one that is too long, a piece without a line end that is as well."""
        most, is_rest = self._limits.line_bytes + 1, False
        while self._bytes <= self._limits.total_bytes and (line := log.readline(_CHUNK if is_rest else most)):
            self._bytes += len(line)
            if not is_rest:
                yield line
            is_rest = not line.endswith(b"\n")

    def _take_line(self, line: bytes) -> bool:
        """Whether it is an event, or a list of them."""
        if not line.endswith(b"\n") and len(line) > self._limits.line_bytes:
            return False
        try:
            event = _decoder.decode(line)
        except MALFORMED:
            return False
        events = {"Event": (event,), "EventList": event.items or ()}.get(event.kind)
        for one in events or ():
            self._take(one)
        return events is not None

    def _take(self, event: _Event) -> None:
        self.events += 1
        if event.stage == "RequestReceived":
            return  # not decided yet; the same request comes again
        moment = event.request_received_timestamp
        if not self._first <= moment <= self._last and _is_moment(moment):
            self._first, self._last = min(self._first or moment, moment), max(self._last, moment)
        if not _is_allowed(event):
            self._refused += 1
            return
        for request in _requests_of(event, self._names):
            if request in self._requests or len(self._requests) < self._limits.requests:
                self._requests[request] += 1
            else:
                self._dropped += 1


def _is_moment(text: str) -> bool:
    try:
        return bool(_MOMENT.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _is_allowed(event: _Event) -> bool:
    decision = (event.annotations or {}).get(_DECISION)
    if decision is not None:
        return decision == "allow"
    return event.response_status is None or event.response_status.code not in (401, 403)


def _requests_of(event: _Event, names: frozenset[str]) -> Iterator[RecordedRequest]:
    """The request, asked as the one that was impersonated; and the impersonation itself."""

    def request(user: _User, verb: str, name: str, **asked: str) -> RecordedRequest:
        kept = name if not name or name in names else OTHER_NAME
        subject = user_or_group("User", user.username)
        return RecordedRequest(subject, _groups(user.groups), verb, name=kept, **asked)

    user = event.user
    if (other := event.impersonated_user) is not None:
        account = user_or_group("User", other.username)
        plural = "serviceaccounts" if account.kind == "ServiceAccount" else "users"
        yield request(user, "impersonate", account.name, resource=plural, namespace=account.namespace)
        yield from (request(user, "impersonate", group, resource="groups") for group in other.groups)
        user = other
    of = event.object_ref
    if of is None or not of.resource:
        yield request(user, event.verb, "", path=event.request_uri.partition("?")[0][:_LONGEST_PATH])
        return
    # The log names what was created; the authoriser did not know it yet.
    name = "" if event.verb == "create" and not of.subresource else of.name
    resource = f"{of.resource}/{of.subresource}" if of.subresource else of.resource
    yield request(user, event.verb, name, group=of.api_group, resource=resource, namespace=of.namespace)


_LONGEST_PATH = 512


@lru_cache(maxsize=4096)
def _groups(groups: tuple[str, ...]) -> tuple[str, ...]:
    """The same tuple for the same groups: most requests come from few sorts of users."""
    return tuple(sorted(set(groups)))
