"""Makes alerts of detections: once with a count, by rule, workload and program; bounded under a flood, counting what was withheld."""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from leadline.model.alert import MOST_MESSAGES, SILENT_S, Alert, Detection
from leadline.runtime.rule import Rule, page_of

MOST_ALERTS = 2_000
"""That are remembered."""
MOST_PER_MINUTE = 60
"""New alerts of one container; those beyond are counted."""
OF_ONE_RULE = 3
"""New alerts of one rule and container in a minute that are given however many others there are."""
UPDATE_S = 60.0
"""An alert that goes on is given again at most this often, with its count."""

Enrich = Callable[[Alert], Alert]
"""Adds what else is known: the waiver that accepts it, what is at stake, vulnerabilities."""


class Grouping:
    def __init__(self, rules: Mapping[str, Rule], enrich: Enrich = lambda alert: alert) -> None:
        self._rules = rules
        self._enrich = enrich
        self._alerts: OrderedDict[str, Alert] = OrderedDict()
        self._given: dict[str, tuple[float, int]] = {}
        """When each was given last, and how much it reported by then."""
        self._latest: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Of each container and rule, the alert that was given last: it says how many others were withheld."""
        self._minute = 0
        self._new: Counter[tuple[str, str]] = Counter()
        """In that minute, by container, and by container and rule."""
        self.withheld: Counter[str] = Counter()
        """New alerts that were too many, by rule."""
        self.total: Counter[str] = Counter()
        """Detections, by rule."""

    def take_rules(self, rules: Iterable[Rule]) -> None:
        """In place of those before. Alerts stay as they are."""
        self._rules = {one.id: one for one in rules}

    def take(self, detection: Detection, at_s: float) -> Alert | None:
        """The alert where it is new, or no longer accepted, else ``None``: ``updates`` gives those that go on. ``at_s``: since 1970."""
        self.total[detection.rule] += 1
        id = alert_id(detection)
        known = self._alerts.get(id)
        if known is not None and at_s - known.last_s < SILENT_S:
            alert = self._alerts[id] = self._held_to(_again(known, detection, at_s), detection)
            self._alerts.move_to_end(id)
            if known.accepted is None or alert.accepted is not None:
                return None
            self._given[id] = (at_s, _reported(alert))
            return alert
        if not self._has_room(detection, at_s):
            self._withhold(detection)
            return None
        rule = self._rules[detection.rule]
        alert = self._enrich(
            Alert(
                id=id,
                rule=rule.id,
                title=rule.title,
                severity=rule.severity,
                message=detection.message,
                container=detection.container,
                program=detection.program,
                pid=detection.pid,
                chain=detection.chain,
                first_s=round(at_s, 3),
                last_s=round(at_s, 3),
                mitre=rule.mitre,
                first=page_of(rule).first,
            )
        )
        self._alerts[id] = alert
        self._given[id] = (at_s, 1)
        self._latest[detection.container.id, detection.rule] = id
        if len(self._latest) > MOST_ALERTS:
            self._latest.popitem(last=False)
        if len(self._alerts) > MOST_ALERTS:
            oldest, _ = self._alerts.popitem(last=False)
            self._given.pop(oldest, None)
        return alert

    def _withhold(self, detection: Detection) -> None:
        self.withheld[detection.rule] += 1
        id = self._latest.get((detection.container.id, detection.rule), "")
        if id in self._alerts:
            self._alerts[id] = replace(self._alerts[id], withheld=self._alerts[id].withheld + 1)

    def updates(self, now_s: float) -> list[Alert]:
        """Alerts that came again since they were given, or in place of which others were withheld."""
        found = []
        for id, alert in self._alerts.items():
            given_s, reported = self._given[id]
            if _reported(alert) > reported and now_s - given_s >= UPDATE_S:
                self._given[id] = (now_s, _reported(alert))
                found.append(alert)
        return found

    def review(self) -> list[Alert]:
        """Those of which something else is known by now, such as the waiver that accepts them."""
        found = []
        for id, alert in self._alerts.items():
            known = self._enrich(alert)
            if known != alert:
                self._alerts[id] = known
                self._given[id] = (self._given[id][0], _reported(known))
                found.append(known)
        return found

    def _held_to(self, alert: Alert, detection: Detection) -> Alert:
        """``alert``, open where it was accepted and ``detection`` is not: the waiver ended, or is about another image."""
        if alert.accepted is None:
            return alert
        fresh = self._enrich(replace(alert, container=detection.container, accepted=None))
        return alert if fresh.accepted is not None else fresh

    def _has_room(self, detection: Detection, at_s: float) -> bool:
        """Each rule has a share of its own, so that noise by one hides no alert of another."""
        minute = int(at_s // 60)
        if minute > self._minute:
            self._minute = minute
            self._new.clear()
        whole, part = (detection.container.id, ""), (detection.container.id, detection.rule)
        self._new[whole] += 1
        self._new[part] += 1
        return self._new[whole] <= MOST_PER_MINUTE or self._new[part] <= OF_ONE_RULE


def _reported(alert: Alert) -> int:
    return alert.count + alert.withheld


def alert_id(detection: Detection) -> str:
    """Sixteen digits."""
    one = detection.container
    by_names = (one.namespace, one.workload_kind, one.workload or one.pod, one.name)
    who = by_names if one.workload or not one.id else (one.id,)
    text = "\0".join((detection.rule, *who, detection.program))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _again(alert: Alert, detection: Detection, at_s: float) -> Alert:
    others = alert.others
    is_other = detection.message != alert.message and detection.message not in others
    if is_other and len(others) < MOST_MESSAGES:
        others = (*others, detection.message)
    return replace(alert, count=alert.count + 1, last_s=round(max(alert.last_s, at_s), 3), others=others)
