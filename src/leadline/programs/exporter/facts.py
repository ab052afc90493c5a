"""What is kept in memory of a stored object: a few numbers and names, never its body.

Any client may have written the objects: what is missing counts as nothing, what has a wrong type as unreadable.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from sys import intern

import msgspec
from msgspec import UNSET, Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.alerts import RuntimeAlert
from leadline.api.kinds.configuration import WorkloadConfigurationScanSummary
from leadline.api.kinds.images import Counted, VulnerabilityCount, VulnerabilityManifestSummary
from leadline.api.kinds.scans import ImageScan, KnownAdmin, ScanOutcome, ScanRun
from leadline.api.posture_results import BY_EXCEPTION
from leadline.api.protocol import Entry
from leadline.api.stored import Metadata, Reader, metadata_of
from leadline.outputs.text.plain import plain
from leadline.scans.stored.image_results import COUNTED, is_filtered
from leadline.scans.stored.scan_runs import FOLLOWING, STALE
from leadline.untyped import MALFORMED

POSTURE_SEVERITIES = ("critical", "high", "medium", "low", "unknown")
IMAGE_SEVERITIES = ("critical", "high", "medium", "low", "unknown", "negligible")
LONGEST_NAME = 253
"""Of a label's value; Kubernetes has no longer names."""
_LARGEST = 10**9
"""Of a count; what is more was not counted but written to harm."""
_MOST_REASONS = 100
MOST_CONTROLS = 2_000
"""That are counted one by one."""

Labels = tuple[str, ...]


class PostureFact(Struct, frozen=True, gc=False):
    """Of a WorkloadConfigurationScanSummary."""

    space: str
    """The namespace that it is stored in; for an object without a namespace that of Leadline."""
    workload: Labels
    """namespace, name, kind"""
    counts: tuple[int, ...]
    """Failed controls, by ``POSTURE_SEVERITIES``."""
    judged: int
    """A bit for each control that judged it."""
    failed: int
    """A bit for each control that it fails."""
    accepted: tuple[tuple[str, int], ...] = ()
    """For frameworks, by name, a bit for each of these that they alone accept."""
    excused: int = 0
    """A bit for each control that it passes because all that fails is accepted."""
    skipped: int = 0
    """A bit for each control that could not judge it."""


class ContainerFact(Struct, frozen=True, gc=False):
    """Of a VulnerabilityManifestSummary."""

    space: str
    workload: Labels
    """namespace, name, kind, container"""
    found: tuple[int, ...]
    """Vulnerabilities, by ``IMAGE_SEVERITIES``."""
    relevant: tuple[int, ...]
    """Those of them in packages that are in use."""
    image: str
    counted: Counted | None
    """``None`` where another tool wrote it."""


class ImageFact(Struct, frozen=True, gc=False):
    """Of a VulnerabilityManifest, without its body."""

    image: Labels
    """name, digest"""
    is_matched: bool
    """Whether there was a vulnerability database."""
    counted: Counted | None
    scanned_s: float
    """Seconds since 1970."""


class RunFact(Struct, frozen=True, gc=False):
    """Of a ScanRun."""

    name: str
    revision: int
    subject: str
    """posture or images"""
    phase: str
    is_full: bool
    """Whether it looked at all that there is."""
    finished_s: float
    """Seconds since 1970; 0 where it has not ended."""
    seen_s: float
    """When the one who follows the cluster was last heard of, in seconds since 1970; 0 for another run."""
    objects: int
    judged: int | None
    """Of the objects, those that a control judged; ``None`` where that was not recorded."""
    images: int
    undecided: int
    skipped_namespaces: int
    unread: Mapping[str, int]
    """By reason."""
    skips: Mapping[str, int]
    """Controls that judged nothing, by reason."""
    admins: tuple[tuple[str, float, str], ...] = ()
    """Who can reach cluster admin: subject, since when in seconds since 1970 (0 for since the first look), and how."""

    @property
    def is_good(self) -> bool:
        """Whether its results are stored."""
        return self.phase in ("Succeeded", FOLLOWING, STALE)

    @property
    def is_over(self) -> bool:
        """Whether it has come to something."""
        return self.is_good or self.phase == "Failed"


class WorkFact(Struct, frozen=True, gc=False):
    """Of an ImageScan: an image that the cluster runs."""

    phase: str
    since_s: float
    """Since when it has been in that phase, in seconds since 1970; 0 where that is not known."""


_posture_of = Reader(WorkloadConfigurationScanSummary)
_container_of = Reader(VulnerabilityManifestSummary)
_run_of = Reader(ScanRun)
_work_of = Reader(ImageScan)
_alert_of = Reader(RuntimeAlert)
_LONGEST_MESSAGE = 600
_counted_of = msgspec.json.Decoder(Counted).decode


class PostureReader:
    """Knows the bit of each control; ``controls`` are those that count for a framework, others follow as they are met."""

    def __init__(self, controls: Iterable[str]) -> None:
        self._bits = {id: 1 << number for number, id in enumerate(controls)}
        self.ids = list(self._bits)
        """By the number of their bit."""
        self.severities: dict[str, str] = {}
        """By control, as results say."""

    def bits(self, controls: Iterable[str]) -> int:
        return sum(self._bits.get(id, 0) for id in set(controls))

    def _bit(self, id: str, severity: str) -> int:
        """0 beyond ``MOST_CONTROLS``: any client may have written the results."""
        bit = self._bits.get(id)
        if bit is None:
            if len(self.ids) >= MOST_CONTROLS:
                return 0
            bit = self._bits[id] = 1 << len(self.ids)
            self.ids.append(_name(id))
        if id not in self.severities:
            self.severities[_name(id)] = _name(severity.lower()) or "unknown"
        return bit

    def __call__(self, entry: Entry) -> PostureFact:
        """Raises: ``StoreError`` where it is another object."""
        metadata, spec = metadata_of(entry), _posture_of(entry).spec
        judged = failed = excused = skipped = 0
        accepted: dict[str, int] = {}
        for id, control in spec.controls.items():
            bit, status = self._bit(id, control.severity.severity), control.status.status
            if status in ("passed", "failed"):
                judged |= bit
            if status == "passed" and control.status.sub_status == BY_EXCEPTION:
                excused |= bit
            if status == "skipped":
                skipped |= bit
            if status == "failed":
                failed |= bit
                for name in control.accepted_in or ():
                    accepted[name] = accepted.get(name, 0) | bit
        counts = tuple(_count(getattr(spec.severities, name)) for name in POSTURE_SEVERITIES)
        return PostureFact(
            _name(entry.key.namespace),
            _workload(metadata),
            counts,
            judged,
            failed,
            tuple(sorted((_name(name), bits) for name, bits in accepted.items())),
            excused,
            skipped,
        )


def container_fact(entry: Entry) -> ContainerFact:
    """Raises: ``StoreError`` where it is another object."""
    metadata, severities = metadata_of(entry), _container_of(entry).spec.severities
    container = _name(metadata.labels.get(f"{PREFIX}workload-container-name", "").lower())
    pairs: list[VulnerabilityCount] = [getattr(severities, name) for name in IMAGE_SEVERITIES]
    return ContainerFact(
        _name(entry.key.namespace),
        (*_workload(metadata), container),
        tuple(_count(pair.all) for pair in pairs),
        tuple(_count(pair.relevant) for pair in pairs),
        _name(metadata.annotations.get(f"{PREFIX}image-tag", "")),
        _counted(metadata),
    )


def image_fact(entry: Entry) -> ImageFact | None:
    """``None`` of what one container uses of an image. Raises: ``StoreError`` where it is another object."""
    if is_filtered(entry.content.metadata):
        return None
    metadata = metadata_of(entry)
    annotations = metadata.annotations
    name = annotations.get(f"{PREFIX}image-tag") or entry.key.name
    counted = _counted(metadata)
    id = (counted.digest if counted else "") or annotations.get(f"{PREFIX}image-id", "")
    is_matched = annotations.get(f"{PREFIX}status") != "incomplete"
    scanned_s = seconds_of(annotations.get(f"{PREFIX}timestamp", ""))
    return ImageFact((_name(name), _name(id)), is_matched, counted, scanned_s)


class AlertFact(Struct, frozen=True, gc=False):
    """An alert of the node agent."""

    workload: Labels
    """Namespace, name, kind and container."""
    rule: str
    title: str
    program: str
    severity: str
    message: str
    count: int
    last_s: float
    image: str
    fix: str
    is_accepted: bool


def alert_fact(entry: Entry) -> AlertFact:
    """Raises: ``StoreError`` where it is another object."""
    spec = _alert_of(entry).spec
    one = spec.container
    return AlertFact(
        tuple(
            _name(text)
            for text in (one.namespace, one.workload or one.pod, one.workload_kind or "Pod", one.name)
        ),
        _name(spec.rule),
        _name(spec.title),
        _name(spec.program),
        spec.severity,
        spec.message[:_LONGEST_MESSAGE],
        spec.count,
        seconds_of(spec.last_seen),
        _name(one.image),
        " ".join(f"{number}. {text}" for number, text in enumerate(spec.first or (), 1)),
        spec.accepted is not UNSET,
    )


def run_fact(entry: Entry) -> RunFact:
    """Raises: ``StoreError`` where it is another object."""
    run = _run_of(entry)
    spec, status, coverage = run.spec, run.status, run.status.coverage
    places = Counter(part.reason for part in coverage.unread_places or ())
    unread = _by_reason(coverage.unread_reasons or places, coverage.unread)
    return RunFact(
        entry.key.name,
        entry.revision,
        _name(spec.subject or "posture"),
        _name(status.phase or "unfinished"),
        spec.scope == "everything",
        seconds_of(status.finished_at),
        seconds_of(status.seen_at or "") if status.phase in (FOLLOWING, STALE) else 0.0,
        _count(coverage.objects),
        None if coverage.judged is UNSET else _count(coverage.judged),
        _count(coverage.images),
        _count(coverage.undecided or 0),
        len(coverage.skipped_namespaces or ()),
        unread,
        _by_reason(Counter(part.kind for part in coverage.skips or ()), 0),
        tuple((one.subject, seconds_of(one.since), one.how) for one in _admins(status)),
    )


def _admins(status: ScanOutcome) -> tuple[KnownAdmin, ...]:
    return () if status.admins is UNSET else tuple((status.admins or ())[:MOST_ADMINS])


MOST_ADMINS = 1_000


def work_fact(entry: Entry) -> WorkFact:
    """Raises: ``StoreError`` where it is another object."""
    status = _work_of(entry).status
    return WorkFact(_name(status.phase or "Pending"), seconds_of(status.since or ""))


def seconds_of(moment: str) -> float:
    """Since 1970, of RFC 3339 or a date; 0 where it is neither."""
    try:
        found = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        return (
            found if found.tzinfo else datetime.fromisoformat(f"{moment[:10]}T00:00:00+00:00")
        ).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _by_reason(given: Mapping[str, int], whole: int) -> dict[str, int]:
    """Bounded counts; what ``whole`` has more was not recorded one by one."""
    counts: dict[str, int] = {}
    for reason, number in given.items():
        name = _name(reason) or "other"
        if name not in counts and len(counts) >= _MOST_REASONS:
            name = "other"
        counts[name] = counts.get(name, 0) + _count(number)
    if (more := _count(whole) - sum(counts.values())) > 0:
        counts["not recorded"] = more
    return counts


def _counted(metadata: Metadata) -> Counted | None:
    written = metadata.annotations.get(COUNTED)
    try:
        return _counted_of(written) if written else None
    except MALFORMED:
        return None


def _workload(metadata: Metadata) -> Labels:
    labels = metadata.labels
    space, name, kind = (
        labels.get(f"{PREFIX}workload-{field}", "") for field in ("namespace", "name", "kind")
    )
    return (_name(space), _name(name), _name(kind.lower()))


def _name(text: str) -> str:
    return intern(plain(text, LONGEST_NAME))


def _count(number: int) -> int:
    return min(max(number, 0), _LARGEST)
