"""Sends alerts by itself: looks at the results when they change and now and then, and at each receiver in its own time."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from leadline.backoff import backoff_s
from leadline.errors import StoreError
from leadline.outputs.alerts.posting import Poster, host_of
from leadline.outputs.alerts.protocol import Alert, DeliveryError, Group, Receiver, grouped
from leadline.outputs.alerts.receivers import Alertmanager, Slack, Webhook
from leadline.outputs.alerts.syslog import Syslog
from leadline.programs.exporter.alert_conditions import (
    Conditions,
    Moment,
    conditions,
    critical_now,
    store_lost,
)
from leadline.programs.exporter.alert_settings import (
    AlertSettings,
    ReceiverSettings,
    Thresholds,
    address_of,
    headers_of,
    url_of,
)
from leadline.programs.exporter.alert_state import FIRING, OVER, AlertState, Kept
from leadline.programs.exporter.results import Results
from leadline.programs.serving.following import Follower

log = logging.getLogger(__name__)
MOST_OF_A_GROUP = 100
GROUPS_AT_A_TIME = 20
"""Messages to one receiver, before it gets a pause."""


class Pace(Struct, frozen=True):
    look_s: float = 15.0
    """Without a change; ages grow by themselves."""
    settle_s: float = 1.0
    """After a change, for those that come with it."""
    again_s: float = 5.0
    """Before a receiver that failed is tried again; doubles up to ``longest_s``."""
    longest_s: float = 300.0
    lost_s: float = 120.0
    """The store may be away for so long, at the start and later, before it is an alert."""


class Named(Struct):
    """A receiver, and how it fares."""

    name: str
    """The same after a restart, and no credential."""
    receiver: Receiver
    failures: int = 0
    """Since the start."""
    in_a_row: int = 0
    """Of the failures, since something was delivered last."""
    try_at: float = 0.0
    repeat_at: float = 0.0


class Alerting:
    """``run`` does not return. Nothing else writes to ``state``."""

    def __init__(
        self,
        watched: tuple[Results, Follower],
        thresholds: Thresholds,
        state: AlertState,
        receivers: Sequence[Named],
        *,
        cluster: str = "",
        pace: Pace = Pace(),  # noqa: B008 frozen
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``cluster``: the label of that name of every alert; empty for none."""
        self._cluster = (("cluster", cluster),) if cluster else ()
        self._results, self._follower = watched
        self._thresholds = thresholds
        self._state = state
        self._pace = pace
        self._clock = clock
        self._fresh_at = clock()
        self.receivers = tuple(receivers)

    @property
    def firing(self) -> int:
        return len(self._state.firing)

    @property
    def dropped(self) -> int:
        return self._state.dropped

    def waiting(self, receiver: Named) -> int:
        """What it has yet to be sent."""
        return sum(kept.wants(receiver.name) for kept in self._state.alerts)

    async def run(self) -> None:
        while True:
            changed = self._follower.changed
            self.look()
            await asyncio.gather(*(self.deliver(receiver) for receiver in self.receivers))
            is_busy = any(self._is_due(receiver) for receiver in self.receivers)
            try:
                async with asyncio.timeout(self._pace.settle_s if is_busy else self._pace.look_s):
                    await changed.wait()
                await asyncio.sleep(self._pace.settle_s)
            except TimeoutError:
                continue

    def look(self) -> None:
        """Begins and ends alerts. While the store is away, what was firing continues: no one knows that it is over."""
        now_s = self._clock()
        state = self._state
        if not self._follower.is_fresh:
            if now_s - self._fresh_at > self._pace.lost_s:
                self._become(
                    {**{k.labels: k.annotations for k in state.firing.values()}, **store_lost()}, now_s
                )
            return
        self._fresh_at = now_s
        there = critical_now(self._results)
        # What vanishes is no longer known: should it come back, it is new.
        known = there if state.known is None else state.known & there
        is_other, state.known = known != state.known, known
        moment = Moment(
            self._results, now_s, known if self._thresholds.new_critical else None, frozenset(state.firing)
        )
        self._become(conditions(moment, self._thresholds), now_s, is_other)

    async def deliver(self, receiver: Named) -> None:
        """What it has not been sent, group by group; the rest stays where it fails."""
        now_s = self._clock()
        if now_s < receiver.try_at:
            return
        repeats_s = receiver.receiver.repeats_s
        is_repeat = repeats_s is not None and now_s >= receiver.repeat_at
        due = [k for k in self._state.alerts if k.wants(receiver.name) or (is_repeat and k.ended_s is None)]
        named = [(self._named(kept.alert), kept) for kept in due]
        kept_of = {(alert.labels, alert.started_s): kept for alert, kept in named}
        for group in _groups(receiver, [alert for alert, _ in named]):
            try:
                await receiver.receiver.send(group, self._clock())
            except DeliveryError as error:
                self._failed(receiver, error)
                return
            self._sent(receiver, [kept_of[alert.labels, alert.started_s] for alert in group.alerts])
        receiver.in_a_row = 0
        if is_repeat and repeats_s is not None:
            receiver.repeat_at = now_s + repeats_s

    def _named(self, alert: Alert) -> Alert:
        return replace(alert, labels=tuple(sorted((*alert.labels, *self._cluster))))

    def _is_due(self, receiver: Named) -> bool:
        return self._clock() >= receiver.try_at and self.waiting(receiver) > 0

    def _become(self, wanted: Conditions, now_s: float, must_save: bool = False) -> None:
        if self._state.become(wanted, now_s) or must_save:
            self._save()

    def _sent(self, receiver: Named, sent: Sequence[Kept]) -> None:
        is_news = False
        for kept in sent:
            is_news = is_news or kept.wants(receiver.name)
            kept.sent[receiver.name] = FIRING if kept.ended_s is None else OVER
        if is_news:
            self._state.forget((one.name for one in self.receivers), self._clock())
            self._save()

    def _failed(self, receiver: Named, error: DeliveryError) -> None:
        receiver.failures += 1
        receiver.in_a_row += 1
        wait_s = backoff_s(receiver.in_a_row, self._pace.again_s, self._pace.longest_s)
        receiver.try_at = self._clock() + wait_s
        log.error("alerts are not delivered, again in %d s: %s", wait_s, error)
        self._state.forget((one.name for one in self.receivers), self._clock())

    def _save(self) -> None:
        try:
            self._state.save()
        except StoreError as error:
            # Sent is sent; after a restart it would be sent again.
            log.error("%s", error)


def _groups(receiver: Named, alerts: list[Alert]) -> Iterable[Group]:
    """Ends before beginnings: the same alert may have ended and begun again. Who repeats groups by itself, and bears any number."""
    if receiver.receiver.repeats_s is not None:
        ended_first = sorted(alerts, key=lambda alert: alert.is_firing)
        starts = range(0, len(alerts), MOST_OF_A_GROUP)
        return [Group((), tuple(ended_first[start : start + MOST_OF_A_GROUP])) for start in starts]
    groups = sorted(grouped(alerts, MOST_OF_A_GROUP), key=lambda group: group.is_firing)
    return islice(groups, GROUPS_AT_A_TIME)


def receivers_of(settings: AlertSettings, poster: Poster) -> list[Named]:
    """Raises: ``SourceError``, ``UsageError``."""
    return [_receiver(one, poster) for one in settings.receivers]


def _receiver(settings: ReceiverSettings, poster: Poster) -> Named:
    if settings.syslog is not None:
        address = address_of(settings.syslog)
        name = f"syslog {settings.syslog.address}"
        return Named(name, Syslog(address, settings.syslog.host_name))
    for kind, place in (
        (Alertmanager, settings.alertmanager),
        (Webhook, settings.webhook),
        (Slack, settings.slack),
    ):
        if place is not None:
            url = url_of(place)
            digest = hashlib.sha256(url.encode()).hexdigest()[:8]
            name = f"{kind.__name__.lower()} {host_of(url)} {digest}"
            return Named(name, kind(url, poster, headers_of(place)))
    raise AssertionError("the settings have been checked")
