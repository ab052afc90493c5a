"""Leaves a slow own rule out of the containers in which it is slow, for a while.

The events decide how long a rule takes, and the container decides the events: a container that makes a rule slow must not turn it off for
the others. A rule that is slow everywhere is left out everywhere, one container after another.
"""

from collections import OrderedDict
from typing import Any

FREE_NS = 200_000
"""What a rule may take for one event: longer events add the rest to its debt, shorter ones reduce the debt."""
MOST_ABOVE_NS = 200_000_000
"""The debt at which a rule is left out: while a rule runs, the agent reads nothing, and the kernel drops records."""
LONGEST_NS = 500_000_000
"""For one event, by the clock. A shorter event may be a pause of the machine, so the rule is only watched from then on."""
FIRST_ABOVE_NS = 20_000_000
"""The debt that a watched rule begins with: a hundred quick events pay it off."""
FIRST_REST_S, LONGEST_REST_S = 60, 3_600
"""Each rest is twice as long as the one before."""
MOST_CONTAINERS = 4_096


class _Spent:
    """The debt of one rule in one container, and its rest."""

    __slots__ = ("above_ns", "rest_s", "until_ns")

    def __init__(self) -> None:
        self.above_ns = 0
        self.rest_s = FIRST_REST_S
        self.until_ns = 0


class Slowness:
    """The debts and rests of all own rules. Every time is of one monotonic clock."""

    def __init__(self) -> None:
        self._containers: OrderedDict[str, dict[str, _Spent]] = OrderedDict()
        """By container and rule; only of what was slow."""

    def of(self, container: str) -> dict[str, _Spent] | None:
        """What ``is_resting`` asks for; ``None`` for nearly all."""
        return self._containers.get(container)

    def watch(self, rule: str, container: str) -> None:
        """From now on what the rule takes there is measured exactly, and counts."""
        self._spent(rule, container).above_ns = FIRST_ABOVE_NS

    def add(self, rule: str, container: str, took_ns: int, now_ns: int) -> int:
        """For how many seconds the rule is left out of the container from now on; 0 for not at all."""
        spent = self._spent(rule, container)
        rules = self._containers[container]
        spent.above_ns = max(0, spent.above_ns + took_ns - FREE_NS)
        if not spent.above_ns and not spent.until_ns:
            # The debt is paid off: the machine had paused, and the rule needs no watching.
            del rules[rule]
            if not rules:
                del self._containers[container]
        if spent.above_ns < MOST_ABOVE_NS:
            return 0
        rest_s, spent.above_ns = spent.rest_s, 0
        spent.until_ns = now_ns + rest_s * 1_000_000_000
        spent.rest_s = min(2 * rest_s, LONGEST_REST_S)
        return rest_s

    def _spent(self, rule: str, container: str) -> _Spent:
        rules = self._containers.get(container)
        if rules is None:
            rules = self._containers[container] = {}
            if len(self._containers) > MOST_CONTAINERS:
                self._containers.popitem(last=False)
        return rules.setdefault(rule, _Spent())

    def forget(self, rule: str) -> None:
        for rules in self._containers.values():
            rules.pop(rule, None)

    def resting(self, now_ns: int) -> dict[str, int]:
        """The number of containers that each rule is left out of; without those that are left out of none."""
        found: dict[str, int] = {}
        for rules in self._containers.values():
            for rule, spent in rules.items():
                if spent.until_ns > now_ns:
                    found[rule] = found.get(rule, 0) + 1
        return found


class Spending:
    """What this thread takes from now on: its processor time, or, where it gave up the processor to wait, the time by the clock.

    Time in which the machine has no processor for it does not count, except on other systems than Linux, which do not report it.
    """

    __slots__ = ("_began", "_began_ns")

    def __init__(self, began_ns: int) -> None:
        self._began_ns = began_ns
        self._began = _usage()

    def took_ns(self, now_ns: int) -> int:
        began, now = self._began, _usage()
        if now is None or now.ru_nvcsw > began.ru_nvcsw:
            return now_ns - self._began_ns
        return int((now.ru_utime + now.ru_stime - began.ru_utime - began.ru_stime) * 1e9)


def _usage() -> Any:
    """Of this thread. The agent runs on Linux alone, but rules are tried and listed anywhere."""
    try:
        from resource import RUSAGE_THREAD, getrusage
    except ImportError:
        return None
    return getrusage(RUSAGE_THREAD)


def is_resting(rules: dict[str, _Spent] | None, rule: str, now_ns: int) -> bool:
    return rules is not None and rule in rules and rules[rule].until_ns > now_ns
