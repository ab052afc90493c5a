"""Runs all rules over events. A rule that fails, and one of a user that is slow, costs only itself and is named.

What makes a rule fail is in the event, which whoever is watched makes: a rule that failed is asked on. One that is slow is
turned off, since nothing is read while it runs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter_ns
from typing import TypeAlias

from leadline.errors import TooLongError
from leadline.model.alert import Detection
from leadline.model.container import Container
from leadline.model.event import SNAPSHOT, Event, Executed
from leadline.runtime.baseline import Baseline
from leadline.runtime.process_tree import Actor, ClusterFacts, ProcessTree
from leadline.runtime.rule import Check, Rule

SLOW_NS = 200_000
"""For one event, on the average of ``SLOW_EVENTS``: an own rule that takes longer is turned off."""
SLOW_EVENTS = 200
LONGEST_NS = 500_000_000
"""For one event: while a rule runs nothing is read, and records are lost."""
_LONGEST_MESSAGE = 600


_WRITES = 0o1103
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC."""
_VERSIONS = "0123456789.-"
Within: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Bounds the time of what runs in it by ``TooLongError``."""
Asked: TypeAlias = tuple[tuple[Check, int, Rule], ...]
"""With what it takes: the event and who did it, a profile where there is one, or one without which it waits."""
_PLAIN, _OPTIONAL, _WAITING = range(3)


class _Rules:
    """Those of one type of event."""

    __slots__ = ("by_tool", "of_all", "of_writing", "own")

    def __init__(self) -> None:
        self.of_all: Asked = ()
        self.of_writing: Asked = ()
        self.by_tool: dict[str, Asked] = {}
        self.own: tuple[Rule, ...] = ()

    def add(self, rule: Rule) -> None:
        one = ((rule.check, _WAITING if rule.waits else _OPTIONAL if rule.takes == 3 else _PLAIN, rule),)
        if rule.is_own:
            self.own += (rule,)
        elif rule.tools:
            for tool in rule.tools:
                self.by_tool[tool] = self.by_tool.get(tool, ()) + one
        elif rule.is_about_writing:
            self.of_writing += one
        else:
            self.of_all += one


class Detector:
    """``baselines``: by the id of a container, of those whose profile is complete."""

    def __init__(
        self,
        rules: Iterable[Rule],
        cluster: ClusterFacts | None = None,
        within: Within = nullcontext,
    ) -> None:
        """``within`` bounds the time of an own rule by ``TooLongError``."""
        self._within = within
        self.rules = tuple(rules)
        self.baselines: dict[str, Baseline] = {}
        self.failures: Counter[str] = Counter()
        """Of each rule."""
        self.off: dict[str, str] = {}
        """Rules that were turned off, and why."""
        self.why: dict[str, str] = {}
        """Why each failed last."""
        self._tree = ProcessTree()
        self._actor = Actor(self._tree, cluster or ClusterFacts())
        self._taken: dict[str, list[int]] = {}
        """Events and nanoseconds of own rules."""
        self._sort()

    def see(self, event: Event, container: Container, path: str) -> tuple[Detection, ...]:
        """``path`` is that of the program that did it; empty where it is not known. ``event`` is redacted."""
        kind = type(event)
        if kind is Executed:
            self._tree.add(event)  # type: ignore[arg-type]
        rules = (self._on_nodes if container.is_host else self._by_event).get(kind)
        if rules is None:
            return ()
        actor = self._actor
        actor.take(event, container, path)
        known = self.baselines.get(container.id)
        found = self._ask(rules.of_all, event, known)
        if rules.of_writing and event.open_flags & _WRITES:  # type: ignore[attr-defined]
            found += self._ask(rules.of_writing, event, known)
        if rules.by_tool:
            tool = actor.tool
            asked = rules.by_tool.get(tool) or rules.by_tool.get(tool.rstrip(_VERSIONS))
            if asked or (actor.script and (asked := rules.by_tool.get(actor.script))):
                found += self._ask(asked, event, known)
        if rules.own:
            found = (*found, *self._see_own(rules.own, event, container))
        return found

    def _ask(self, rules: Asked, event: Event, known: Baseline | None) -> tuple[Detection, ...]:
        found: tuple[Detection, ...] = ()
        actor = self._actor
        for check, takes, rule in rules:
            try:
                if takes == _PLAIN:
                    said = check(event, actor)
                elif takes == _OPTIONAL or (known is not None and self._knows_what_is_new(event, known)):
                    said = check(event, actor, known)
                else:
                    continue
            except Exception as error:
                self._fail(rule, error)
                continue
            if said:
                found += (self._detection(rule, said),)
        return found

    def _knows_what_is_new(self, event: Event, known: Baseline | None) -> bool:
        """What a person or a probe does through the runtime does not change what the container does."""
        return known is not None and not event.flags & SNAPSHOT and not self._actor.has_entered

    def _see_own(self, rules: tuple[Rule, ...], event: Event, container: Container) -> Iterator[Detection]:
        actor = self._actor
        known = self.baselines.get(container.id)
        for rule in rules:
            if rule.waits and not self._knows_what_is_new(event, known):
                continue
            began = perf_counter_ns()
            said = None
            try:
                with self._within():
                    said = rule.check(event, actor, known) if rule.takes == 3 else rule.check(event, actor)
            except Exception as error:
                self._fail(rule, error)
            except TooLongError:
                self.failures[rule.id] += 1
                self.why[rule.id] = "it did not end"
            took_ns = perf_counter_ns() - began
            if took_ns > LONGEST_NS:
                self._turn_off(rule, f"one event took it {took_ns / 1e9:.1f} s")
            taken = self._taken.setdefault(rule.id, [0, 0])
            taken[0] += 1
            taken[1] += took_ns
            if taken[0] >= SLOW_EVENTS:
                if taken[1] > SLOW_NS * taken[0]:
                    self._turn_off(rule, f"it takes {taken[1] / taken[0] / 1e6:.1f} ms for an event")
                taken[:] = [0, 0]
            if said:
                yield self._detection(rule, str(said))

    def take_own(self, rules: Iterable[Rule]) -> None:
        """The own rules from now on; what was turned off begins anew."""
        own = tuple(rules)
        for id in {one.id for one in (*self.rules, *own) if one.is_own}:
            self.off.pop(id, None)
            self.failures.pop(id, None)
            self.why.pop(id, None)
            self._taken.pop(id, None)
        self.rules = (*(one for one in self.rules if not one.is_own), *own)
        self._sort()

    def _fail(self, rule: Rule, error: Exception) -> None:
        self.failures[rule.id] += 1
        self.why[rule.id] = f"{type(error).__name__}: {error}"[:200]

    def _turn_off(self, rule: Rule, why: str) -> None:
        self.off[rule.id] = why
        self._sort()

    def _detection(self, rule: Rule, said: str) -> Detection:
        actor = self._actor
        event = actor.event
        kind = str(event.__struct_config__.tag)
        message = said[:_LONGEST_MESSAGE]
        program = actor.path or event.program
        return Detection(
            rule.id, message, kind, actor.container, event.at_ns, event.pid, program, actor.chain()
        )

    def _sort(self) -> None:
        self._by_event: dict[type[Event], _Rules] = {}
        self._on_nodes: dict[type[Event], _Rules] = {}
        for rule in self.rules:
            if rule.id in self.off:
                continue
            for table in (self._by_event, self._on_nodes) if rule.on_nodes else (self._by_event,):
                table.setdefault(rule.event, _Rules()).add(rule)
