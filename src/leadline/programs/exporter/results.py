"""All that is known of the stored results: a fact for each object, and the sums of them that metrics and alerts show."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from leadline.api import posture_results
from leadline.model.control import Framework
from leadline.programs.exporter.facts import (
    AlertFact,
    ContainerFact,
    ImageFact,
    Labels,
    PostureFact,
    PostureReader,
    RunFact,
    WorkFact,
    alert_fact,
    container_fact,
    image_fact,
    run_fact,
    seconds_of,
    work_fact,
)
from leadline.programs.serving.following import Followed
from leadline.scans.stored import image_results
from leadline.scans.stored.alerts import ALERTS
from leadline.scans.stored.scan_runs import RUNS

IMAGE_SCANS = "imagescans"
REFUSED = ("Unauthorized", "TooLarge", "Failed")
"""Phases of an image that could not be scanned."""
SUBJECTS = ("posture", "images")
"""What scans are of."""
Counts = tuple[int, ...]
Table = dict[Labels, Counts]


class Results:
    """Filled by the follower; ``frameworks`` are those whose scores are worked out."""

    def __init__(self, frameworks: Iterable[Framework]) -> None:
        self.frameworks = tuple(frameworks)
        ids = sorted({id for framework in self.frameworks for id in framework.control_ids})
        reader = self._reader = PostureReader(ids)
        self._bits = {framework.name: reader.bits(framework.control_ids) for framework in self.frameworks}
        self._controls = len(ids)
        self.posture = Followed[PostureFact](posture_results.SUMMARIES, reader)
        self.containers = Followed[ContainerFact](image_results.SUMMARIES, container_fact)
        self.images = Followed[ImageFact](image_results.MANIFESTS, image_fact, with_body=False)
        self.runs = Followed[RunFact](RUNS, run_fact)
        self.works = Followed[WorkFact](IMAGE_SCANS, work_fact)
        self.alerts = Followed[AlertFact](ALERTS, alert_fact)

    @property
    def followed(self) -> tuple[Followed[Any], ...]:
        return (self.posture, self.containers, self.images, self.runs, self.works, self.alerts)

    @property
    def version(self) -> int:
        return sum(one.version for one in self.followed)

    def controls(self) -> "Levels":
        rows = ((fact.space, fact.workload, fact.counts) for fact in self.posture.facts.values())
        return _levels(rows)

    def vulnerabilities(self) -> "Levels":
        return _levels((fact.space, fact.workload, fact.found) for fact in self.containers.facts.values())

    def relevant(self) -> "Levels":
        return _levels((fact.space, fact.workload, fact.relevant) for fact in self.containers.facts.values())

    def scores(self) -> Mapping[str, float]:
        """Per cent, by framework; only those of which a control judged anything."""
        judged, failed, accepted = Counter[int](), Counter[int](), Counter[tuple[str, int]]()
        for (of_judged, of_failed, of_accepted), number in Counter(
            (fact.judged, fact.failed, fact.accepted) for fact in self.posture.facts.values()
        ).items():
            for bit in _bits_of(of_judged):
                judged[bit] += number
            for bit in _bits_of(of_failed):
                failed[bit] += number
            for framework, bits in of_accepted:
                for bit in _bits_of(bits):
                    accepted[framework, bit] += number
        found = {}
        for name, mask in self._bits.items():
            shares = [
                100 * (n - failed[bit] + accepted[name, bit]) / n
                for bit, n in judged.items()
                if mask >> bit & 1
            ]
            if shares:
                found[name] = sum(shares) / len(shares)
        return found

    def control_objects(self) -> Mapping[Labels, int]:
        """Objects by control, severity and what became of it: ``failed``, ``accepted``, ``passed``, ``skipped``."""
        counts = Counter[tuple[int, str]]()
        for (judged, failed, excused, skipped), number in Counter(
            (fact.judged, fact.failed, fact.excused, fact.skipped) for fact in self.posture.facts.values()
        ).items():
            for status, bits in (
                ("failed", failed),
                ("accepted", excused),
                ("passed", judged & ~failed & ~excused),
                ("skipped", skipped),
            ):
                for bit in _bits_of(bits):
                    counts[bit, status] += number
        reader = self._reader
        return {
            (id := reader.ids[bit], reader.severities.get(id, "unknown"), status): number
            for (bit, status), number in counts.items()
        }

    def failing(self, severity: str) -> Mapping[Labels, tuple[str, ...]]:
        """The ids of the controls of ``severity`` that each workload fails; none for one that fails none of them."""
        reader, found = self._reader, dict[Labels, set[str]]()
        for fact in self.posture.facts.values():
            ids = [reader.ids[bit] for bit in _bits_of(fact.failed)]
            if chosen := [id for id in ids if reader.severities.get(id) == severity]:
                found.setdefault(fact.workload, set()).update(chosen)
        return {workload: tuple(sorted(ids)) for workload, ids in found.items()}

    def databases(self) -> list[float]:
        """When the newest feed of the database was made, for each image that was matched: seconds since 1970."""
        counted = (fact.counted for fact in self.images.facts.values())
        moments = (seconds_of(one.database) for one in counted if one is not None)
        return [moment for moment in moments if moment]

    def unread(self, subject: str) -> Mapping[str, int]:
        """What the last scan could not read, by reason. Of images that an operator scans, those that wait are not among them."""
        if subject == "images" and self.works.facts:
            return Counter(work.phase for work in self.works.facts.values() if work.phase in REFUSED)
        run = self.newest(subject)
        return run.unread if run else {}

    def newest(self, subject: str) -> RunFact | None:
        """The last scan that was finished, of those that looked at everything where there are such.

        One that follows the cluster counts as finished: it says how everything is whenever that changes.
        """
        runs = [run for run in self.runs.facts.values() if run.subject == subject and run.is_good]
        return max([run for run in runs if run.is_full] or runs, key=lambda run: run.revision, default=None)

    def seen_s(self, subject: str) -> float:
        """When the operator was last heard of, in seconds since 1970; 0 where it follows nothing."""
        runs = [run for run in self.runs.facts.values() if run.subject == subject]
        return max((run.seen_s for run in runs), default=0.0)

    def scanned_s(self, subject: str) -> float:
        """When something was last scanned, in seconds since 1970; 0 where nothing says so."""
        moments = [
            run.finished_s for run in self.runs.facts.values() if run.subject == subject and run.is_good
        ]
        if subject == "images":
            moments += [image.scanned_s for image in self.images.facts.values()]
        return max(moments, default=0.0)


class Levels(Struct, frozen=True):
    """The same counts three times over."""

    cluster: Counts
    """Empty where nothing is stored."""
    namespaces: Table
    workloads: Table


def _levels(rows: Iterable[tuple[str, Labels, Counts]]) -> Levels:
    spaces: dict[Labels, list[int]] = {}
    workloads: dict[Labels, list[int]] = {}
    whole: list[int] = []
    for space, workload, counts in rows:
        whole = whole or [0] * len(counts)
        for sums in (
            whole,
            spaces.setdefault((space,), [0] * len(counts)),
            workloads.setdefault(workload, [0] * len(counts)),
        ):
            for at, number in enumerate(counts):
                sums[at] += number
    return Levels(
        tuple(whole),
        {labels: tuple(sums) for labels, sums in spaces.items()},
        {labels: tuple(sums) for labels, sums in workloads.items()},
    )


def _bits_of(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
