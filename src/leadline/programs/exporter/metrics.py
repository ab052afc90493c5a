"""Every metric, in one table: its name, what it means, its labels, and where its numbers come from.

The first 45 names are those that existing dashboards and alerts read; their meaning is kept. Names that the format
``prometheus`` of a scan has as well mean the same in both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily

from leadline.api.kinds.images import Counted
from leadline.fair_share import fairly
from leadline.programs.exporter.alert_conditions import listed
from leadline.programs.exporter.alerting import Alerting
from leadline.programs.exporter.facts import POSTURE_SEVERITIES, Labels
from leadline.programs.exporter.results import SUBJECTS, Levels, Results, Table
from leadline.programs.exporter.settings import MOST_SERIES
from leadline.programs.serving.following import Follower
from leadline.version import __version__

Samples = Iterable[tuple[Labels, float]]


class Sums(Struct, frozen=True):
    """What the table reads; worked out once for each state of the results."""

    results: Results
    controls: Levels
    vulnerabilities: Levels
    relevant: Levels
    most: int
    with_zeros: bool
    """Whether workloads without any are shown too."""
    left_out: dict[str, int]
    """By family; filled while samples are made."""
    chosen: dict[str, list[Labels]]
    """By family, what is shown; filled likewise."""

    def worst(self, family: str, table: Table) -> list[Labels]:
        """The labels that are shown: where there are too many, of each namespace as many, those with the highest counts."""
        if family not in self.chosen:
            self.left_out[family] = max(0, len(table) - self.most)
            kept = sorted(table)
            if len(kept) > self.most:
                worst_first = sorted(kept, key=lambda labels: table[labels], reverse=True)
                kept = fairly(worst_first, lambda labels: labels[:1])[: self.most]
            self.chosen[family] = kept
        return self.chosen[family]


class Metric(Struct, frozen=True):
    name: str
    help: str
    labels: Labels
    samples: Callable[[Sums], Samples]


def sums_of(results: Results, most: int = MOST_SERIES, *, with_zeros: bool = True) -> Sums:
    levels = (results.controls(), results.vulnerabilities(), results.relevant())
    return Sums(results, *levels, most, with_zeros, {}, {})


def families(sums: Sums) -> Iterator[GaugeMetricFamily]:
    """Those of the results; a metric without samples is left out."""
    for metric in TABLE:
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, value in metric.samples(sums):
            family.add_metric(labels, value)
        if family.samples:
            yield family


def own_families(follower: Follower, store_bytes: int | None) -> Iterator[GaugeMetricFamily]:
    """Those that are there with and without a store."""
    yield _one("leadline_build_info", "1, with the version of the exporter.", 1, version=__version__)
    yield _one(
        "leadline_store_up",
        "1 where the store answers and all of it has been read. At 0 no metric about results is to be believed; soon none is shown.",
        follower.is_up,
    )
    yield _one(
        "leadline_store_losses", "How often the store was lost since the exporter started.", follower.losses
    )
    if store_bytes is not None:
        yield _one("leadline_store_bytes", "Size of the file of the store.", store_bytes)


def alert_families(alerting: Alerting) -> Iterator[GaugeMetricFamily]:
    """Of the alerts that the exporter sends by itself."""
    yield _one("leadline_alerts_firing", "Alerts that are firing.", alerting.firing)
    yield _one(
        "leadline_alerts_dropped",
        "Alerts over for a day, or too many, that some receiver was never sent.",
        alerting.dropped,
    )
    labels = ("receiver",)
    waiting = GaugeMetricFamily(
        "leadline_alerts_waiting", "Alerts that a receiver has yet to take.", labels=labels
    )
    failed = GaugeMetricFamily(
        "leadline_alert_failures", "Times that a receiver did not take alerts since the start.", labels=labels
    )
    for receiver in alerting.receivers:
        waiting.add_metric((receiver.name,), alerting.waiting(receiver))
        failed.add_metric((receiver.name,), receiver.failures)
    yield waiting
    yield failed


def _one(name: str, what: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


# The 45 names


class _Topic(Struct, frozen=True):
    prefix: str
    what: str
    levels: Callable[[Sums], Levels]
    labels: Labels
    """Of a workload."""


_WORKLOAD = ("namespace", "workload", "workload_kind")
_CONTAINER = (*_WORKLOAD, "workload_container_name")
_TOPICS = (
    _Topic("kubescape_controls_total", "failed controls", lambda sums: sums.controls, _WORKLOAD),
    _Topic(
        "kubescape_vulnerabilities_total", "vulnerabilities", lambda sums: sums.vulnerabilities, _CONTAINER
    ),
    _Topic(
        "kubescape_vulnerabilities_relevant",
        "vulnerabilities in packages that are in use",
        lambda sums: sums.relevant,
        _CONTAINER,
    ),
)


def _of_cluster(topic: _Topic, at: int, sums: Sums) -> Samples:
    counts = topic.levels(sums).cluster
    return [((), counts[at])] if counts else []


def _of_namespaces(topic: _Topic, at: int, sums: Sums) -> Samples:
    table = topic.levels(sums).namespaces
    return [(labels, table[labels][at]) for labels in sums.worst(f"{topic.prefix}_namespace", table)]


def _of_workloads(topic: _Topic, at: int, sums: Sums) -> Samples:
    table = topic.levels(sums).workloads
    shown = sums.worst(f"{topic.prefix}_workload", table)
    return [(labels, table[labels][at]) for labels in shown if table[labels][at] or sums.with_zeros]


def _counted() -> Iterator[Metric]:
    for topic in _TOPICS:
        for level, labels, samples in (
            ("cluster", (), _of_cluster),
            ("namespace", ("namespace",), _of_namespaces),
            ("workload", topic.labels, _of_workloads),
        ):
            for at, severity in enumerate(POSTURE_SEVERITIES):
                yield Metric(
                    f"{topic.prefix}_{level}_{severity}",
                    f"Number of {topic.what} of {severity} severity, by {level}.",
                    labels,
                    partial(samples, topic, at),
                )


# Ours


def _scores(sums: Sums) -> Samples:
    return [((name,), score) for name, score in sorted(sums.results.scores().items())]


def _when(moment_of: Callable[[Results, str], float], sums: Sums) -> Samples:
    for subject in SUBJECTS:
        if moment := moment_of(sums.results, subject):
            yield (subject,), moment


def _phases(sums: Sums) -> Samples:
    for subject in SUBJECTS:
        # Names say nothing of when: those that someone orders are called as they like.
        runs = [run for run in sums.results.runs.facts.values() if run.subject == subject and run.is_over]
        if runs:
            yield (subject,), not max(runs, key=lambda run: run.revision).is_good


def _of_run(subject: str, field: str, sums: Sums) -> Samples:
    run = sums.results.newest(subject)
    value = getattr(run, field) if run else None
    return [] if value is None else [((), value)]


def _by_reason(field: str, sums: Sums) -> Samples:
    for subject in SUBJECTS:
        if run := sums.results.newest(subject):
            for reason, number in sorted(getattr(run, field).items()):
                yield (subject, reason), number


def _unread(sums: Sums) -> Samples:
    """0 where all was read: only then is nothing missing."""
    for subject in SUBJECTS:
        if run := sums.results.newest(subject):
            yield from (((subject, reason), number) for reason, number in sorted(run.unread.items()))
            if not run.unread:
                yield (subject, ""), 0


def _works(sums: Sums) -> Samples:
    """Every phase that the operator knows, for a number that is not there is no 0."""
    counts = Counter(work.phase for work in sums.results.works.facts.values())
    if counts:
        yield from (((phase,), counts[phase]) for phase in sorted({*_PHASES, *counts}))


def _waiting(sums: Sums) -> dict[str, list[float]]:
    """Since when each thing has been waiting, by queue."""
    works = [work for work in sums.results.works.facts.values() if work.phase in _WAITING]
    runs = [run for run in sums.results.runs.facts.values() if run.phase in ("unfinished", *_WAITING)]
    return {"images": [work.since_s for work in works], "runs": [run.finished_s for run in runs]}


def _depth(sums: Sums) -> Samples:
    return [((queue,), len(moments)) for queue, moments in _waiting(sums).items()]


def _oldest(sums: Sums) -> Samples:
    for queue, moments in _waiting(sums).items():
        if known := [moment for moment in moments if moment]:
            yield (queue,), min(known)


def _unmatched(sums: Sums) -> Samples:
    facts = sums.results.images.facts
    return [((), sum(1 for fact in facts.values() if not fact.is_matched))] if facts else []


def _image_vulnerabilities(sums: Sums) -> Samples:
    rows: dict[Labels, dict[Labels, int]] = {}
    table: Table = {}
    for fact in sums.results.images.facts.values():
        if fact.counted is None or not fact.is_matched:
            continue
        found, fixable = fact.counted.found, fact.counted.fixable
        table[fact.image] = tuple(found.get(severity, 0) for severity in _RATINGS)
        rows[fact.image] = {
            (severity, name): number
            for severity in _RATINGS
            for name, number in (
                ("true", fixable.get(severity, 0)),
                ("false", max(0, found.get(severity, 0) - fixable.get(severity, 0))),
            )
        }
    for image in sums.worst("leadline_image_vulnerabilities", table):
        yield from (((*image, *labels), number) for labels, number in rows[image].items())


def _image_exploited(sums: Sums) -> Samples:
    facts = sums.results.images.facts.values()
    table: Table = {f.image: (f.counted.exploited,) for f in facts if f.counted is not None and f.is_matched}
    shown = sums.worst("leadline_image_exploited_vulnerabilities", table)
    return [(image, table[image][0]) for image in shown]


def _of_containers(family: str, count: Callable[[Counted], int], sums: Sums) -> Samples:
    table: Table = {}
    for fact in sums.results.containers.facts.values():
        if fact.counted is not None and fact.counted.database:
            before = table.get(fact.workload, (0,))[0]
            table[fact.workload] = (before + count(fact.counted),)
    return [(labels, table[labels][0]) for labels in sums.worst(family, table)]


def _control_objects(sums: Sums) -> Samples:
    return sorted(sums.results.control_objects().items())


def _failing_controls(sums: Sums) -> Samples:
    ids: dict[Labels, tuple[str, ...]] = {}
    for severity in POSTURE_SEVERITIES:
        for workload, failed in sums.results.failing(severity).items():
            ids[*workload, severity] = failed
    table: Table = {labels: (len(failed),) for labels, failed in ids.items()}
    for labels in sums.worst("leadline_workload_failing_controls", table):
        yield (*labels, listed(ids[labels])), len(ids[labels])


def _database(choose: Callable[[list[float]], float], sums: Sums) -> Samples:
    moments = sums.results.databases()
    return [((), choose(moments))] if moments else []


def _per_kind(field: str, sums: Sums) -> Samples:
    return [((kind.plural,), len(getattr(kind, field))) for kind in sums.results.followed]


def _left_out(sums: Sums) -> Samples:
    """Last in the table: what was left out is known once the others are made."""
    return [((family,), number) for family, number in sorted(sums.left_out.items())]


_PHASES = ("Pending", "Running", "Done", "Unauthorized", "TooLarge", "Failed")
_WAITING = ("Pending", "Running")
_RATINGS = ("critical", "high", "medium", "low", "negligible", "unknown")
_IMAGE = ("image", "digest")
_SCAN = ("subject",)
TABLE: tuple[Metric, ...] = (
    *_counted(),
    Metric(
        "leadline_compliance_score",
        "Mean per cent of judged objects that pass each control, 0 to 100.",
        ("framework",),
        _scores,
    ),
    Metric(
        "leadline_scan_timestamp_seconds",
        "When something was last scanned with success.",
        _SCAN,
        partial(_when, Results.scanned_s),
    ),
    Metric(
        "leadline_operator_seen_timestamp_seconds",
        "When the operator last said that it follows the cluster; it says so every five minutes.",
        _SCAN,
        partial(_when, Results.seen_s),
    ),
    Metric("leadline_scan_failed", "1 where the newest scan failed: results are older.", _SCAN, _phases),
    Metric("leadline_objects", "Objects read by that scan.", (), partial(_of_run, "posture", "objects")),
    Metric(
        "leadline_objects_judged",
        "Objects that a control judged.",
        (),
        partial(_of_run, "posture", "judged"),
    ),
    Metric(
        "leadline_objects_undecided",
        "Objects that some control could not decide on.",
        (),
        partial(_of_run, "posture", "undecided"),
    ),
    Metric(
        "leadline_control_objects",
        "Objects by control and what became of it: failed, accepted, passed, skipped.",
        ("control", "severity", "status"),
        _control_objects,
    ),
    Metric(
        "leadline_workload_failing_controls",
        "Controls that a workload fails, by severity, with their ids: another series where others fail.",
        (*_WORKLOAD, "severity", "controls"),
        _failing_controls,
    ),
    Metric("leadline_unread", "What that scan could not read.", ("subject", "reason"), _unread),
    Metric(
        "leadline_controls_skipped",
        "Controls that judged nothing.",
        ("subject", "reason"),
        partial(_by_reason, "skips"),
    ),
    Metric(
        "leadline_skipped_namespaces",
        "Namespaces that that scan was asked to leave out.",
        (),
        partial(_of_run, "posture", "skipped_namespaces"),
    ),
    Metric(
        "leadline_image_scans",
        "Images that the cluster runs, by what became of their scan.",
        ("phase",),
        _works,
    ),
    Metric(
        "leadline_queue_depth", "Images and ordered scans that wait or are under way.", ("queue",), _depth
    ),
    Metric(
        "leadline_queue_oldest_timestamp_seconds",
        "Since when the oldest of them has been waiting.",
        ("queue",),
        _oldest,
    ),
    Metric("leadline_images", "Images read by the last scan.", (), partial(_of_run, "images", "images")),
    Metric("leadline_images_unmatched", "Images scanned without a vulnerability database.", (), _unmatched),
    Metric(
        "leadline_image_vulnerabilities",
        "Vulnerabilities of the packages of an image.",
        (*_IMAGE, "severity", "fixable"),
        _image_vulnerabilities,
    ),
    Metric(
        "leadline_image_exploited_vulnerabilities",
        "Those that attackers are known to use.",
        _IMAGE,
        _image_exploited,
    ),
    Metric(
        "leadline_exploited_vulnerabilities",
        "Vulnerabilities of a container's image that attackers are known to use.",
        _CONTAINER,
        partial(_of_containers, "leadline_exploited_vulnerabilities", lambda counted: counted.exploited),
    ),
    Metric(
        "leadline_accepted_vulnerabilities",
        "Vulnerabilities of a container's image that someone accepts; no other metric counts them.",
        _CONTAINER,
        partial(_of_containers, "leadline_accepted_vulnerabilities", lambda counted: counted.accepted),
    ),
    Metric(
        "leadline_database_timestamp_seconds",
        "When the newest feed of the newest database was made that images were matched with.",
        (),
        partial(_database, max),
    ),
    Metric(
        "leadline_oldest_database_timestamp_seconds",
        "The same of the oldest database that a stored result rests on.",
        (),
        partial(_database, min),
    ),
    Metric(
        "leadline_store_objects", "Objects in the store, by kind.", ("kind",), partial(_per_kind, "facts")
    ),
    Metric(
        "leadline_store_unreadable_objects",
        "Objects in the store that are damaged or of another form: they are in no number.",
        ("kind",),
        partial(_per_kind, "unreadable"),
    ),
    Metric(
        "leadline_series_left_out",
        "Series that a metric would have beyond the limit; the worst are kept.",
        ("metric",),
        _left_out,
    ),
)
