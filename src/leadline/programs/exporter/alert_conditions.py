"""What the results give reason to alert for at one moment; pure, from results and thresholds."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct

from leadline.model.control import SEVERITIES
from leadline.outputs.alerts.protocol import NAME, Labels
from leadline.outputs.text.plain import count
from leadline.programs.exporter.alert_settings import EVERY, Allowed, Thresholds, seconds
from leadline.programs.exporter.facts import IMAGE_SEVERITIES, POSTURE_SEVERITIES, ContainerFact
from leadline.programs.exporter.facts import Labels as Workload
from leadline.programs.exporter.results import SUBJECTS, Counts, Results
from leadline.scans.stored.scan_runs import UNHEARD

STORE_LOST = "LeadlineStoreLost"
LEFT_OUT = "LeadlineAlertsLeftOut"
MOST_OF_A_RULE = 500
"""Alerts of one name; that more were left out is an alert as well."""
Annotations = Mapping[str, str]
Conditions = dict[Labels, Annotations]
_HOURS_S = 3600.0
RUNTIME_S = 3600.0
_MOST_NAMED = 10
"""Controls that an alert names."""


class Moment(Struct, frozen=True):
    results: Results
    now_s: float
    known: frozenset[str] | None
    """Critical vulnerabilities that were there at the first start; ``None`` where they are not looked for."""
    active: frozenset[Labels]
    """What is firing: it is kept in preference to what comes again where there is too much."""


def conditions(moment: Moment, thresholds: Thresholds) -> Conditions:
    """The alerts that shall be firing, with their texts."""
    found: dict[str, Conditions] = {}
    for labels, annotations in _all(moment, thresholds):
        found.setdefault(dict(labels)[NAME], {})[labels] = annotations
    kept: Conditions = {}
    for name, of_name in found.items():
        order = sorted(of_name, key=lambda labels: (labels not in moment.active, labels))
        kept.update((labels, of_name[labels]) for labels in islice(order, MOST_OF_A_RULE))
        if (more := len(of_name) - MOST_OF_A_RULE) > 0:
            text = f"{count(more, 'alert')} {name} left out: there are too many"
            kept[_labels(LEFT_OUT, "high", rule_name=name)] = {"summary": text}
    return kept


def critical_now(results: Results) -> frozenset[str]:
    """Each critical vulnerability of each container, as one word."""
    return frozenset(
        vulnerability_word(fact, id)
        for fact in results.containers.facts.values()
        if fact.counted
        for id in fact.counted.critical_ids
    )


def vulnerability_word(fact: ContainerFact, id: str) -> str:
    return "/".join((*fact.workload, id))


def store_lost() -> Conditions:
    summary = "the stored results cannot be read: what is wrong meanwhile is not known"
    return {
        _labels(STORE_LOST, "critical"): {
            "summary": summary,
            "fix": "look at the log of the exporter and at the API server of results",
        }
    }


def _all(moment: Moment, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    yield from _counts(moment.results, thresholds)
    yield from _vulnerabilities(moment, thresholds)
    yield from _admins(moment, thresholds)
    yield from _scores(moment.results, thresholds)
    yield from _scans(moment, thresholds)
    yield from _runtime(moment, thresholds)


def _counts(results: Results, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    for topic, levels, severities in (
        ("controls", results.controls(), POSTURE_SEVERITIES),
        ("vulnerabilities", results.vulnerabilities(), IMAGE_SEVERITIES),
    ):
        allowed = getattr(thresholds.workloads, topic)
        named = {name: results.failing(name) for name in allowed} if topic == "controls" else {}
        for workload, counts in levels.workloads.items() if allowed else ():
            for severity, number, most in _beyond(severities, counts, allowed):
                ids = named.get(severity, {}).get(workload, ())
                labels = _labels(
                    f"LeadlineWorkload{topic.title()}",
                    severity,
                    **_of_workload(workload),
                    controls=listed(ids),
                )
                texts = _too_many(_title(workload), topic, severity, (number, most))
                yield labels, {**texts, "fix": f"leadline explain {ids[0]}"} if ids else texts
        for (space,), counts in levels.namespaces.items():
            every = getattr(thresholds.namespaces.get(EVERY, Allowed()), topic)
            own = getattr(thresholds.namespaces.get(space, Allowed()), topic)
            allowed = {**every, **own}
            for severity, number, most in _beyond(severities, counts, allowed):
                labels = _labels(f"LeadlineNamespace{topic.title()}", severity, namespace=space)
                yield labels, _too_many(f"namespace {space}", topic, severity, (number, most))
        allowed = getattr(thresholds.cluster, topic)
        for severity, number, most in _beyond(severities, levels.cluster, allowed):
            labels = _labels(f"LeadlineCluster{topic.title()}", severity)
            yield labels, _too_many("the cluster", topic, severity, (number, most))


def _beyond(
    severities: tuple[str, ...], counts: Counts, allowed: Mapping[str, int]
) -> Iterator[tuple[str, int, int]]:
    for severity, number in zip(severities, counts, strict=False):
        if severity in allowed and number > allowed[severity]:
            yield severity, number, allowed[severity]


def _too_many(what: str, topic: str, severity: str, numbers: tuple[int, int]) -> Annotations:
    number, most = numbers
    found = (
        f"fails {count(number, 'control')}"
        if topic == "controls"
        else f"has {count(number, 'vulnerability', 'vulnerabilities')}"
    )
    return {"summary": f"{what} {found} of {severity} severity; {most:,} are allowed"}


def _vulnerabilities(moment: Moment, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    for fact in moment.results.containers.facts.values():
        if fact.counted is None:
            continue
        about = {**_of_workload(fact.workload)}
        texts = {
            "image": fact.image,
            "fix": f"leadline get image {fact.image} shows the versions that fix it",
        }
        for id in fact.counted.exploited_ids if thresholds.exploited else ():
            labels = _labels("LeadlineExploitedVulnerability", "critical", **about, rule_id=id)
            yield (
                labels,
                {"summary": f"{_title(fact.workload)} has {id}, which attackers are known to use", **texts},
            )
        for id in fact.counted.critical_ids if moment.known is not None else ():
            if vulnerability_word(fact, id) not in (moment.known or ()):
                labels = _labels("LeadlineNewCriticalVulnerability", "critical", **about, rule_id=id)
                yield (
                    labels,
                    {
                        "summary": f"{_title(fact.workload)} has the critical vulnerability {id}, which is new",
                        **texts,
                    },
                )


def _admins(moment: Moment, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    run = moment.results.newest("posture")
    for subject, since_s, how in run.admins if run and thresholds.new_admin is not None else ():
        if since_s and moment.now_s - since_s <= seconds(thresholds.new_admin or ""):
            labels = _labels("LeadlineNewClusterAdmin", "critical", subject=subject)
            yield (
                labels,
                {
                    "summary": f"{subject} can reach cluster admin and could not before",
                    "description": how,
                    "fix": "leadline access to-admin shows every way; take out the binding if no one meant it",
                },
            )


def _scores(results: Results, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    scores = results.scores() if thresholds.frameworks else {}
    for name, least in thresholds.frameworks.items():
        score = scores.get(name)
        labels = _labels("LeadlineFrameworkScore", "high", framework=name)
        if score is None:
            # What was not judged is not well.
            yield labels, {"summary": f"no stored result is of a control of {name}: its score is not known"}
        elif score < least:
            yield labels, {"summary": f"the score of {name} is {score:.1f}; at least {least:g} is asked for"}


def _scans(moment: Moment, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    results, now_s = moment.results, moment.now_s
    for subject in SUBJECTS:
        scanned_s = results.scanned_s(subject)
        seen_s = results.seen_s(subject)
        if seen_s and now_s - seen_s > UNHEARD.total_seconds():
            yield (
                _labels("LeadlineOperatorSilent", "high", rule_name=subject),
                {
                    "summary": f"the operator has not followed {subject} for {_hours(now_s - seen_s)}: results are older",
                    "fix": "look at the log of its container",
                },
            )
        longest = getattr(thresholds.scan_age, subject)
        if longest is not None and now_s - scanned_s > seconds(longest):
            age = f"ended {_hours(now_s - scanned_s)} ago" if scanned_s else "never ended with success"
            labels = _labels("LeadlineScanTooOld", "high", rule_name=subject)
            yield labels, {"summary": f"the last scan of {subject} {age}; {longest} are allowed"}
        unread = results.unread(subject)
        number = sum(unread.values())
        if thresholds.unread is not None and number > thresholds.unread:
            reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(unread.items()))
            labels = _labels("LeadlineCoverageLost", "high", rule_name=subject)
            yield (
                labels,
                {
                    "summary": f"the last scan of {subject} could not read {count(number, 'part')}: {reasons}",
                    "fix": "leadline get runs, and leadline rbac for the rights that a scan needs",
                },
            )
    if thresholds.database_age is not None:
        dates = results.databases()
        if dates and now_s - max(dates) > seconds(thresholds.database_age):
            text = f"the vulnerability database is {_hours(now_s - max(dates))} old; {thresholds.database_age} are allowed"
            yield _labels("LeadlineDatabaseTooOld", "high"), {"summary": text, "fix": "leadline db update"}


def _runtime(moment: Moment, thresholds: Thresholds) -> Iterator[tuple[Labels, Annotations]]:
    """What the node agent saw; over an hour after it was seen last, as in the agent."""
    wanted = SEVERITIES[: SEVERITIES.index(thresholds.runtime) + 1] if thresholds.runtime else ()
    for fact in moment.results.alerts.facts.values():
        if fact.severity not in wanted or fact.is_accepted or moment.now_s - fact.last_s > RUNTIME_S:
            continue
        names = {"rule_id": fact.rule, "rule_name": fact.title, "program": fact.program}
        labels = _labels("LeadlineRuntimeAlert", fact.severity, **_of_workload(fact.workload), **names)
        yield (
            labels,
            {"summary": f"{_title(fact.workload)}: {fact.message}", "image": fact.image, "fix": fact.fix},
        )


def _labels(name: str, severity: str, **more: str) -> Labels:
    """Without those that are empty: to Alertmanager they are not there."""
    found = {NAME: name, "severity": severity, **{label: text for label, text in more.items() if text}}
    return tuple(sorted(found.items()))


def _of_workload(workload: Workload) -> dict[str, str]:
    names = ("namespace", "workload", "workload_kind", "container_name")
    return dict(zip(names, workload, strict=False))


def _title(workload: Workload) -> str:
    namespace, name, kind, *container = workload
    title = "/".join(filter(None, (namespace, kind, name)))
    return f"{title} ({container[0]})" if container else title


def listed(ids: tuple[str, ...]) -> str:
    """Ids of controls as a label: with another control that fails it is another alert, and is notified of."""
    shown = " ".join(ids[:_MOST_NAMED])
    if len(ids) <= _MOST_NAMED:
        return shown
    rest = hashlib.blake2b(" ".join(ids).encode(), digest_size=4).hexdigest()
    return f"{shown} and {len(ids) - _MOST_NAMED} more ({rest})"


def _hours(seconds_: float) -> str:
    return count(int(seconds_ / _HOURS_S), "hour")
