"""Runs all rules over events. A rule that fails, and one of a user that is slow, costs only itself and is named.

What makes a rule fail is in the event, which the container makes: a rule that failed is asked on. One that is slow is
left out of the container in which it is, since nothing is read while it runs, and says so by an alert.
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
from leadline.runtime.slowness import FREE_NS, LONGEST_NS, Slowness, Spending, is_resting

_LONGEST_MESSAGE = 600
NOT_JUDGED = "not judged for a while: the rule is too slow for what this container does"
_WRITES = 0o1103
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC."""
_VERSIONS = "0123456789.-"
Within: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Bounds the time of what runs in it by ``TooLongError``."""
_FREELY = nullcontext()
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
        self.slow: dict[str, str] = {}
        """Own rules that were left out of a container, and why they were last."""
        self.unasked: Counter[str] = Counter()
        """Events that each was left out of."""
        self.slowness = Slowness()
        self.why: dict[str, str] = {}
        """Why each failed last."""
        self._tree = ProcessTree()
        self._actor = Actor(self._tree, cluster or ClusterFacts())
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
        slow = self.slowness.of(container.id)
        for rule in rules:
            if rule.waits and not self._knows_what_is_new(event, known):
                continue
            began_ns = perf_counter_ns()
            if slow is not None and is_resting(slow, rule.id, began_ns):
                self.unasked[rule.id] += 1
                continue
            said = None
            spending = Spending(began_ns) if slow is not None and rule.id in slow else None
            try:
                # Python alone: an expression is not interrupted, and is bounded before it runs.
                with self._within() if rule.module else _FREELY:
                    said = rule.check(event, actor, known) if rule.takes == 3 else rule.check(event, actor)
            except Exception as error:
                self._fail(rule, error)
            except TooLongError:
                self.failures[rule.id] += 1
                self.why[rule.id] = "it did not end"
            now_ns = perf_counter_ns()
            took_ns = spending.took_ns(now_ns) if spending is not None else now_ns - began_ns
            if said:
                yield self._detection(rule, str(said))
            if spending is None and took_ns < LONGEST_NS:
                if took_ns > FREE_NS:
                    self.slowness.watch(rule.id, container.id)
            elif rest_s := self.slowness.add(rule.id, container.id, took_ns, now_ns):
                self.slow[rule.id] = _too_slow(took_ns, container, rest_s)
                yield self._detection(rule, NOT_JUDGED)

    def take_own(self, rules: Iterable[Rule]) -> None:
        """The own rules from now on; those that were slow start over."""
        own = tuple(rules)
        for id in {one.id for one in (*self.rules, *own) if one.is_own}:
            self.slow.pop(id, None)
            self.unasked.pop(id, None)
            self.slowness.forget(id)
            self.failures.pop(id, None)
            self.why.pop(id, None)
        self.rules = (*(one for one in self.rules if not one.is_own), *own)
        self._sort()

    def _fail(self, rule: Rule, error: Exception) -> None:
        self.failures[rule.id] += 1
        self.why[rule.id] = f"{type(error).__name__}: {error}"[:200]

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
            for table in (self._by_event, self._on_nodes) if rule.on_nodes else (self._by_event,):
                table.setdefault(rule.event, _Rules()).add(rule)


def _too_slow(took_ns: int, container: Container, rest_s: int) -> str:
    name = "/".join(filter(None, (container.namespace, container.pod, container.name or container.id)))
    return f"it took {took_ns / 1e6:.1f} ms for an event of {name}, and is not asked about that container for {rest_s} s"
