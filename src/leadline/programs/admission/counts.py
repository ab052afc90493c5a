"""What was decided, in numbers, and these as Prometheus reads them."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from leadline.programs.admission.reviewer import Decision
from leadline.version import __version__

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
Gauges = Callable[[], Iterable[tuple[str, str, float]]]
"""Name, help and value of what is asked for at each scrape."""


class Counts(Collector):
    """May be written and read from any thread."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._lock = threading.Lock()
        self._reviews: Counter[tuple[str, str]] = Counter()
        self._not_judged: Counter[str] = Counter()
        self._findings: Counter[tuple[str, str]] = Counter()
        self._times = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def decided(self, operation: str, decision: Decision, seconds: float) -> None:
        with self._lock:
            self._reviews[operation if operation in _OPERATIONS else "", decision.outcome] += 1
            if decision.why:
                self._not_judged[decision.why] += 1
            self._findings.update(decision.effects)
            self._times[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds += seconds

    def refused(self, why: str) -> None:
        """What was sent was not a review."""
        with self._lock:
            self._reviews["", "not judged"] += 1
            self._not_judged[why] += 1

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            reviews, not_judged = dict(self._reviews), dict(self._not_judged)
            findings, times, seconds = dict(self._findings), list(self._times), self._seconds
        yield _counter(
            "reviews",
            "Writes that were asked about, by what became of them.",
            ("operation", "decision"),
            reviews,
        )
        yield _counter(
            "not_judged",
            "Writes that were not judged, by reason.",
            ("reason",),
            {(k,): v for k, v in not_judged.items()},
        )
        yield _counter("findings", "Failed controls, by what came of them.", ("control", "effect"), findings)
        histogram = HistogramMetricFamily(
            "leadline_admission_review_seconds", "How long a write waited for its answer."
        )
        sums, rows = 0, []
        for bound, number in zip((*map(str, BUCKETS_S), "+Inf"), times, strict=True):
            sums += number
            rows.append((bound, float(sums)))
        histogram.add_metric((), rows, seconds)
        yield histogram
        info = GaugeMetricFamily(
            "leadline_build_info", "1, with the version of the program.", labels=("version",)
        )
        info.add_metric((__version__,), 1)
        yield info
        for name, help, value in self._gauges():
            gauge = GaugeMetricFamily(f"leadline_admission_{name}", help)
            gauge.add_metric((), value)
            yield gauge


def _counter(
    name: str, help: str, labels: tuple[str, ...], numbers: Mapping[Any, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"leadline_admission_{name}", help, labels=labels)
    for values, number in sorted(numbers.items()):
        family.add_metric(values, number)
    return family
