"""What is kept in memory of a stored object: a few numbers and names, never its body.

Any client may have written the objects: what is missing counts as nothing, what has a wrong type as unreadable.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from sys import intern
from typing import Any

import msgspec
from msgspec import Struct

from leadline.api.posture_results import ACCEPTED_IN, PREFIX
from leadline.api.protocol import Entry
from leadline.errors import StoreError
from leadline.outputs.text.plain import plain
from leadline.scans.stored.image_results import COUNTED, Counted
from leadline.scans.stored.scan_runs import FOLLOWING

POSTURE_SEVERITIES = ("critical", "high", "medium", "low", "unknown")
IMAGE_SEVERITIES = ("critical", "high", "medium", "low", "unknown", "negligible")
LONGEST_NAME = 253
"""Of a label's value; Kubernetes has no longer names."""
_LARGEST = 10**9
"""Of a count; what is more was not counted but written to harm."""
_MOST_REASONS = 100

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

    @property
    def is_good(self) -> bool:
        """Whether its results are stored."""
        return self.phase in ("Succeeded", FOLLOWING)

    @property
    def is_over(self) -> bool:
        """Whether it has come to something."""
        return self.is_good or self.phase == "Failed"


class WorkFact(Struct, frozen=True, gc=False):
    """Of an ImageScan: an image that the cluster runs."""

    phase: str
    since_s: float
    """Since when it has been in that phase, in seconds since 1970; 0 where that is not known."""


class _Work(Struct):
    status: "_WorkStatus | None" = None


class _WorkStatus(Struct):
    phase: str | None = None
    since: str | None = None


class _Metadata(Struct):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Status(Struct):
    status: str | None = None


class _Control(Struct):
    status: _Status | None = None
    accepted_in: dict[str, str] | None = msgspec.field(default=None, name=ACCEPTED_IN)


class _PostureSpec(Struct):
    severities: dict[str, int] | None = None
    controls: dict[str, _Control | None] | None = None


class _Posture(Struct):
    spec: _PostureSpec | None = None


class _Pair(Struct):
    all: int = 0
    relevant: int = 0


class _ImageSpec(Struct):
    severities: dict[str, _Pair | None] | None = None


class _Image(Struct):
    spec: _ImageSpec | None = None


class _Part(Struct):
    reason: str | None = None
    kind: str | None = None


class _Coverage(Struct, rename="camel"):
    objects: int = 0
    judged: int | None = None
    images: int = 0
    unread: int = 0
    undecided: int = 0
    unread_places: list[_Part] | None = None
    unread_reasons: dict[str, int] | None = None
    skipped_namespaces: list[str] | None = None
    skips: list[_Part] | None = None


class _RunStatus(Struct, rename="camel"):
    phase: str | None = None
    finished_at: str | None = None
    coverage: _Coverage | None = None


class _RunSpec(Struct):
    subject: str | None = None
    scope: str | None = None


class _Run(Struct):
    spec: _RunSpec | None = None
    status: _RunStatus | None = None


_metadata_of = msgspec.json.Decoder(_Metadata).decode
_posture_of = msgspec.json.Decoder(_Posture).decode
_image_of = msgspec.json.Decoder(_Image).decode
_run_of = msgspec.json.Decoder(_Run).decode
_work_of = msgspec.json.Decoder(_Work).decode
_counted_of = msgspec.json.Decoder(Counted).decode


class PostureReader:
    """Knows the bit of each control; ``controls`` are those that count for a framework."""

    def __init__(self, controls: Iterable[str]) -> None:
        self._bits = {id: 1 << number for number, id in enumerate(controls)}

    def bits(self, controls: Iterable[str]) -> int:
        return sum(self._bits.get(id, 0) for id in set(controls))

    def __call__(self, entry: Entry) -> PostureFact:
        """Raises: ``StoreError`` where it is no such object."""
        metadata, spec = _metadata(entry), _decoded(entry, _posture_of).spec or _PostureSpec()
        judged = failed = 0
        accepted: dict[str, int] = {}
        for id, control in (spec.controls or {}).items():
            bit = self._bits.get(id, 0)
            status = control.status.status if control and control.status else None
            if status in ("passed", "failed"):
                judged |= bit
            if status == "failed":
                failed |= bit
                for name in control.accepted_in or () if control else ():
                    accepted[name] = accepted.get(name, 0) | bit
        severities = spec.severities or {}
        counts = tuple(_count(severities.get(name, 0)) for name in POSTURE_SEVERITIES)
        return PostureFact(
            _name(entry.key.namespace),
            _workload(metadata),
            counts,
            judged,
            failed,
            tuple(sorted((_name(name), bits) for name, bits in accepted.items())),
        )


def container_fact(entry: Entry) -> ContainerFact:
    """Raises: ``StoreError`` where it is no such object."""
    metadata, spec = _metadata(entry), _decoded(entry, _image_of).spec or _ImageSpec()
    container = _name((metadata.labels or {}).get(f"{PREFIX}workload-container-name", "").lower())
    pairs = [(spec.severities or {}).get(name) or _Pair() for name in IMAGE_SEVERITIES]
    return ContainerFact(
        _name(entry.key.namespace),
        (*_workload(metadata), container),
        tuple(_count(pair.all) for pair in pairs),
        tuple(_count(pair.relevant) for pair in pairs),
        _name((metadata.annotations or {}).get(f"{PREFIX}image-tag", "")),
        _counted(metadata),
    )


def image_fact(entry: Entry) -> ImageFact:
    """Raises: ``StoreError`` where it is no such object."""
    metadata = _metadata(entry)
    annotations = metadata.annotations or {}
    name = annotations.get(f"{PREFIX}image-tag") or entry.key.name
    counted = _counted(metadata)
    id = (counted.digest if counted else "") or annotations.get(f"{PREFIX}image-id", "")
    is_matched = annotations.get(f"{PREFIX}status") != "incomplete"
    scanned_s = seconds_of(annotations.get(f"{PREFIX}timestamp", ""))
    return ImageFact((_name(name), _name(id)), is_matched, counted, scanned_s)


def run_fact(entry: Entry) -> RunFact:
    """Raises: ``StoreError`` where it is no such object."""
    run = _decoded(entry, _run_of)
    spec, status = run.spec or _RunSpec(), run.status or _RunStatus()
    coverage = status.coverage or _Coverage()
    places = Counter(part.reason or "" for part in coverage.unread_places or ())
    unread = _by_reason(coverage.unread_reasons or places, coverage.unread)
    return RunFact(
        entry.key.name,
        entry.revision,
        _name(spec.subject or "posture"),
        _name(status.phase or "unfinished"),
        spec.scope == "everything",
        seconds_of(status.finished_at or ""),
        _count(coverage.objects),
        None if coverage.judged is None else _count(coverage.judged),
        _count(coverage.images),
        _count(coverage.undecided),
        len(coverage.skipped_namespaces or ()),
        unread,
        _by_reason(Counter(part.kind or "" for part in coverage.skips or ()), 0),
    )


def work_fact(entry: Entry) -> WorkFact:
    """Raises: ``StoreError`` where it is no such object."""
    status = _decoded(entry, _work_of).status or _WorkStatus()
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


def _metadata(entry: Entry) -> _Metadata:
    try:
        return _metadata_of(entry.content.metadata)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"{entry.key}: its metadata cannot be read: {error}") from error


def _decoded(entry: Entry, decode: Any) -> Any:
    try:
        return decode(entry.content.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"{entry.key}: it cannot be read: {error}") from error


def _counted(metadata: _Metadata) -> Counted | None:
    written = (metadata.annotations or {}).get(COUNTED)
    try:
        return _counted_of(written) if written else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _workload(metadata: _Metadata) -> Labels:
    labels = metadata.labels or {}
    space, name, kind = (
        labels.get(f"{PREFIX}workload-{field}", "") for field in ("namespace", "name", "kind")
    )
    return (_name(space), _name(name), _name(kind.lower()))


def _name(text: str) -> str:
    return intern(plain(text, LONGEST_NAME))


def _count(number: int) -> int:
    return min(max(number, 0), _LARGEST)
