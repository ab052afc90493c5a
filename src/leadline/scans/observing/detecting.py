"""From what is seen to alerts: the rules that are on, over the events of an observation, with complete profiles as baselines."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext

from leadline.errors import UsageError
from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.model.event import CallUsed
from leadline.runtime.baseline import Baseline
from leadline.runtime.catalogue import all_rules
from leadline.runtime.detecting import Detector, Within
from leadline.runtime.grouping import Enrich, Grouping
from leadline.runtime.process_tree import ClusterFacts
from leadline.runtime.rule import Rule
from leadline.scans.observing.observation import Observation, Seen

MOST_BASELINES = 4_096


def chosen_rules(
    also: Sequence[str] = (), without: Sequence[str] = (), own: Iterable[Rule] = ()
) -> tuple[Rule, ...]:
    """Those that are on by themselves and those in ``also``, but those in ``without``; ids, or titles without regard to case.

    Raises: ``UsageError``.
    """
    own = tuple(own)
    rules = {one.id: one for one in (*all_rules(), *own)}
    names = {name.casefold(): one.id for one in rules.values() for name in (one.id, one.title)}
    for name in (*also, *without):
        if name.casefold() not in names:
            raise UsageError(f"unknown rule: {name[:60]}", hint="leadline rules list names them")
    on = {names[name.casefold()] for name in also} | {one.id for one in rules.values() if one.is_on}
    off = {names[name.casefold()] for name in without}
    # An own rule may be several, one for each type of event; it goes before a built-in one of the same id.
    replaced = {one.id for one in own}
    built_in = (one for one in all_rules() if one.id not in replaced)
    return tuple(one for one in (*built_in, *own) if one.id in on - off)


def facts_of(environ: Mapping[str, str]) -> ClusterFacts:
    """What the variables of a pod say of its cluster."""
    address = environ.get("KUBERNETES_SERVICE_HOST", "")
    return ClusterFacts(frozenset({address} if address else ()))


class Detecting:
    """``booted_s``: when the node was started, since 1970."""

    def __init__(
        self,
        observation: Observation,
        rules: Iterable[Rule],
        booted_s: float,
        *,
        cluster: ClusterFacts | None = None,
        enrich: Enrich = lambda alert: alert,
        within: Within = nullcontext,
    ) -> None:
        self._observation = observation
        self._booted_s = booted_s
        self.detector = Detector(rules, cluster, within)
        self.grouping = Grouping({one.id: one for one in self.detector.rules}, enrich)
        self.begun: list[Container] = []
        """Containers that rules about what is new began with since the last ``tend``."""
        self._adopted: list[Container] = []
        self._watch_calls()
        self._own_of_files = tuple(one for one in self.detector.rules if one.is_own)

    def take(self, seen: Iterable[Seen]) -> list[Alert]:
        """The alerts that are new."""
        found = []
        program_of = self._observation.program_of
        for event, container in seen:
            if container is None:
                continue
            for detection in self.detector.see(event, container, program_of(event.exe_id)):
                alert = self.grouping.take(detection, self._booted_s + detection.at_ns / 1e9)
                if alert is not None:
                    found.append(alert)
        return found

    def tend(self, now_s: float) -> list[Alert]:
        """Once in a while: takes up profiles that became complete. Gives the alerts that came again."""
        self.begun = self._adopted
        self._adopted = []
        baselines = self.detector.baselines
        if len(baselines) >= MOST_BASELINES:
            running = {one.id for one in self._observation.running}
            for id in [id for id in baselines if id not in running]:
                del baselines[id]
        for container, profile in self._observation.learned(self._booted_s, baselines):
            if len(baselines) < MOST_BASELINES:
                baselines[container.id] = Baseline(profile)
                self.begun.append(container)
        return self.grouping.updates(now_s)

    @property
    def running(self) -> tuple[Container, ...]:
        return self._observation.running

    @property
    def without_baseline(self) -> list[Container]:
        """Those that run, and that rules about what is new do not judge yet."""
        known = self.detector.baselines
        return [one for one in self._observation.running if one.id not in known]

    def adopt(self, container: Container, baseline: Baseline) -> None:
        """Judges a container by what others of the same revision did, in place of its own profile."""
        if len(self.detector.baselines) < MOST_BASELINES:
            self.detector.baselines[container.id] = baseline
            self._adopted.append(container)

    def take_own(self, rules: Iterable[Rule]) -> None:
        """Those of the cluster, beside those of files; of the same id those of files go before."""
        of_files = {one.id for one in self._own_of_files}
        own = (*self._own_of_files, *(one for one in rules if one.id not in of_files))
        self.detector.take_own(own)
        self._watch_calls()
        self.grouping.take_rules(self.detector.rules)

    def _watch_calls(self) -> None:
        """System calls become events where a rule asks: each of them on the node pays for it."""
        self._observation.watches_calls = any(one.event is CallUsed for one in self.detector.rules)
