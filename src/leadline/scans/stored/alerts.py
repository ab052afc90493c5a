"""Stored alerts of the node agent: written with their count, read newest first, and forgotten after a month."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import orjson
from msgspec import UNSET
from msgspec.structs import replace

from leadline.api.kinds.alerts import (
    KEPT_DAYS,
    AlertAcceptance,
    AlertContainer,
    AlertProcess,
    RaisedAlert,
    RuntimeAlert,
)
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Readable, Store
from leadline.api.selection import Key
from leadline.api.stored import Reader
from leadline.fair_share import fairly
from leadline.model.alert import MOST_MESSAGES, SILENT_S, Alert, Process
from leadline.model.control import SEVERITIES
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.scans.explaining.alert import explained_alert, place_of
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import all_of

ALERTS = "runtimealerts"
HOME = "leadline"
"""The namespace of alerts about containers without one."""
MOST_KEPT = 5_000
"""Of the namespaces, workloads and rules that have most, those whose last event is oldest go first."""
FOLLOW_S = 2.0
_NOT_OF_LABELS = re.compile(r"[^A-Za-z0-9_.-]+")
_ATTEMPTS = 5
_alert_of = Reader(RuntimeAlert)


def _workload_of(entry: Entry) -> tuple[str, ...]:
    one = _alert_of(entry).spec.container
    return entry.key.namespace, one.workload_kind, one.workload or one.id


_OWNERS: tuple[Callable[[Entry], Hashable], ...] = (
    lambda entry: entry.key.namespace,
    _workload_of,
    lambda entry: (_workload_of(entry), _alert_of(entry).spec.rule),
)


def alert_put(alert: Alert, node: str = "") -> Put:
    namespace = alert.container.namespace or HOME
    # Rules of users are called as they like; the id keeps apart what is the same then.
    rule = _NOT_OF_LABELS.sub("-", alert.rule)[:63].strip("-_.") or "rule"
    name = f"{rule.replace('_', '-')}-{alert.id}".lower()
    labels = {"leadline.dev/rule": rule, "leadline.dev/severity": alert.severity}
    metadata = orjson.dumps({"name": name, "namespace": namespace, "labels": labels})
    body = msgspec.json.encode(RuntimeAlert(_raised(alert, node)))
    return Put(Key(ALERTS, namespace, name), Content(metadata, body=body))


async def store_alerts(store: Store, alerts: Iterable[Alert], node: str = "") -> int:
    """How many were written: none of namespaces that are being deleted. Raises: ``StoreError``."""
    return await put_lasting(store, [alert_put(alert, node) for alert in alerts])


async def add_alert(store: Store, alert: Alert, node: str = "", *, written: int = 0) -> int:
    """Adds it to what other nodes saw of the same within an hour. ``written``: how much of its count is stored already.

    As ``store_alerts``. Raises: ``StoreError``.
    """
    put = alert_put(alert, node)
    for attempt in range(_ATTEMPTS):
        entry = await store.get(put.key)
        content, revision = put.content, ABSENT
        if entry is not None:
            raised = _with_others(_alert_of(entry).spec, alert, _raised(alert, node), written)
            content = Content(put.content.metadata, body=msgspec.json.encode(RuntimeAlert(raised)))
            revision = entry.revision
        try:
            return await put_lasting(store, [Put(put.key, content, revision)])
        except ConflictError:
            # Another node has just seen the same.
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _with_others(before: RaisedAlert, alert: Alert, raised: RaisedAlert, written: int) -> RaisedAlert:
    try:
        silent_s = alert.first_s - datetime.fromisoformat(before.last_seen).timestamp()
    except (ValueError, TypeError):
        return raised
    if silent_s >= SILENT_S:
        return raised
    others = dict.fromkeys((*(before.others or ()), raised.message, *(raised.others or ())))
    others.pop(before.message, None)
    return replace(
        raised,
        message=before.message,
        others=tuple(others)[:MOST_MESSAGES] or None,
        first_seen=min(before.first_seen, raised.first_seen),
        last_seen=max(before.last_seen, raised.last_seen),
        count=max(before.count - written, 0) + raised.count,
        withheld=max(before.withheld, raised.withheld),
    )


class Forgotten(msgspec.Struct, frozen=True):
    old: int
    """Their last event is older than ``KEPT_DAYS``."""
    too_many: int


async def forget_alerts(store: Store, now: datetime, node: str = "") -> Forgotten:
    """Those whose last event is older than ``KEPT_DAYS``, and beyond ``MOST_KEPT`` the oldest of the namespaces with most.

    With ``node`` of the latter only its own, for the server takes no others from an agent. Raises: ``StoreError``.
    """
    entries = await all_of(store, ALERTS)
    newest_first = sorted(entries, key=lambda entry: _alert_of(entry).spec.last_seen, reverse=True)
    # What one of them has many of goes first: noise costs no other its evidence, nor other rules theirs.
    kept = {id(entry) for entry in fairly(newest_first, *_OWNERS)[:MOST_KEPT]}
    old = too_many = 0
    for entry in newest_first:
        one = _alert_of(entry).spec
        is_old = _age_days(one.last_seen, now) > KEPT_DAYS
        is_ours = not node or one.node in ("", node)
        if not is_old and (id(entry) in kept or not is_ours):
            continue
        try:
            await store.delete(entry.key, entry.revision)
        except ConflictError:
            continue
        old += is_old
        too_many += not is_old
    return Forgotten(old, too_many)


async def stored_alerts(store: Readable) -> list[RaisedAlert]:
    """The last event newest first. Raises: ``StoreError``."""
    entries: Sequence[Entry] = await all_of(store, ALERTS)
    found = [_alert_of(entry).spec for entry in entries]
    return sorted(found, key=lambda one: one.last_seen, reverse=True)


async def followed_alerts(store: Readable) -> AsyncIterator[RaisedAlert]:
    """Those that are there, the oldest first, then each that comes or comes again. Never ends. Raises: ``StoreError``."""
    seen: set[tuple[object, ...]] = set()
    while True:
        there: set[tuple[object, ...]] = set()
        for one in reversed(await stored_alerts(store)):
            # An alert that begins anew, after an hour or with another agent, counts from one again: the count alone is not enough.
            what = (
                one.rule,
                one.container.namespace,
                one.container.id,
                one.program,
                one.last_seen,
                one.count,
            )
            there.add(what)
            if what not in seen:
                yield one
        seen = there
        await asyncio.sleep(FOLLOW_S)


def chosen_alerts(
    alerts: Iterable[RaisedAlert], *, severity: str = "", namespace: str = "", shows_accepted: bool = False
) -> list[RaisedAlert]:
    """``severity`` is the lowest that is wanted."""
    wanted = SEVERITIES[: SEVERITIES.index(severity) + 1] if severity else SEVERITIES
    return [
        one
        for one in alerts
        if one.severity in wanted
        and (not namespace or one.container.namespace == namespace)
        and (shows_accepted or one.accepted is UNSET)
    ]


class LeftOut(msgspec.Struct, frozen=True):
    """What ``chosen_alerts`` leaves out; an empty list alone would look as if nothing had happened."""

    accepted: int
    """Of those that are otherwise wanted."""
    others: int
    """Of a lower severity or of another namespace."""


def left_out(
    stored: Sequence[RaisedAlert], *, severity: str = "", namespace: str = "", shows_accepted: bool = False
) -> LeftOut:
    wanted = chosen_alerts(stored, severity=severity, namespace=namespace, shows_accepted=True)
    accepted = 0 if shows_accepted else sum(one.accepted is not UNSET for one in wanted)
    return LeftOut(accepted, len(stored) - len(wanted))


def alert_lines(alert: RaisedAlert, width: int | None, *, shows_all: bool = False) -> Iterator[str]:
    """For people: what, where, how often; with ``shows_all`` what it means, the chain and what to do."""
    width = width or 10_000
    times = f", {count(alert.count, 'time')}" if alert.count > 1 else ""
    withheld = f", {alert.withheld:,} more withheld" if alert.withheld else ""
    accepted = f", accepted by {alert.accepted.waiver}" if isinstance(alert.accepted, AlertAcceptance) else ""
    head = f"{alert.last_seen}  {alert.severity}  {alert.rule}  {place_of(alert)}{times}{withheld}{accepted}"
    yield from wrapped(plain(head, 500), width)
    if not shows_all:
        yield from _inner(plain(alert.message, 1000), width)
        return
    for text in explained_alert(alert):
        yield from _inner(plain(text, 1000), width)
    if alert.container.image:
        yield from _inner(f"image: {plain(alert.container.image, 500)}", width)
    for one in alert.chain or ():
        line = " ".join(one.arguments or ()) or one.path
        yield from _inner(
            f"by {one.pid} {plain(line, 300)}{' (not of the image)' if one.is_upper else ''}", width
        )
    for number, text in enumerate(alert.first or (), 1):
        yield from _inner(f"{number}. {plain(text, 1000)}", width)


def _inner(text: str, width: int) -> Iterator[str]:
    return (f"  {line}" for line in wrapped(text, width - 2))


def _age_days(moment: str, now: datetime) -> float:
    try:
        return (now - datetime.fromisoformat(moment)).total_seconds() / 86_400
    except (ValueError, TypeError):
        return KEPT_DAYS + 1.0


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _raised(alert: Alert, node: str) -> RaisedAlert:
    one, accepted = alert.container, alert.accepted
    return RaisedAlert(
        rule=alert.rule,
        title=alert.title,
        severity=alert.severity,
        message=alert.message,
        others=alert.others or None,
        container=AlertContainer(
            one.namespace, one.pod, one.workload_kind, one.workload, one.name, one.id, one.image
        ),
        program=alert.program,
        chain=tuple(map(_process, alert.chain)) or None,
        first_seen=_moment(alert.first_s),
        last_seen=_moment(alert.last_s),
        count=alert.count,
        withheld=alert.withheld,
        mitre=alert.mitre or None,
        first=alert.first or None,
        stake=alert.stake or UNSET,
        stake_score=alert.stake_score if alert.stake else UNSET,
        vulnerabilities=alert.vulnerabilities or UNSET,
        accepted=AlertAcceptance(accepted.waiver, accepted.reason, accepted.source) if accepted else UNSET,
        node=node,
    )


def _process(one: Process) -> AlertProcess:
    return AlertProcess(one.pid, one.path, one.arguments or None, one.uid, one.is_upper)
