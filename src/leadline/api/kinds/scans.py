"""Scans themselves: what was asked for, what came of it, when the next is due, and single findings."""

from typing import Annotated, Any

from msgspec import UNSET

from leadline.api.kind import Cell, Column, at, our_kind, severity_columns
from leadline.api.kinds.configuration import CONFIGURATION_SEVERITIES, SeverityCounts
from leadline.api.kinds.images import Counted
from leadline.api.wire_type import UNDESCRIBED, List, Maybe, Texts, Wire, about


class ScanTarget(Wire, frozen=True):
    """What was scanned."""

    kind: str = ""
    name: str = ""
    server_version: Maybe[str] = UNSET
    cloud: Maybe[str] = UNSET


class ScanRules(Wire, frozen=True):
    """By which rules."""

    name: str = ""
    version: str = ""


class ScanOrder(Wire, frozen=True):
    """One scan: what it was asked for."""

    target: ScanTarget = ScanTarget()
    trigger: str = ""
    subject: Annotated[Maybe[str], about("posture, or images.")] = UNSET
    scope: Annotated[Maybe[str], about("everything, or part of the objects or controls.")] = UNSET
    controls: Maybe[Texts] = UNSET
    frameworks: Maybe[Texts] = UNSET
    tool: ScanRules = ScanRules()
    database_built_at: Maybe[str] = UNSET


class UnreadPlace(Wire, frozen=True):
    where: str = ""
    reason: str = ""
    why: str = ""
    hint: Maybe[str] = UNSET


class SkippedControl(Wire, frozen=True):
    control: str = ""
    kind: str = ""
    why: str = ""


class ScanCoverage(Wire, frozen=True):
    """What was looked at, and what could not be read: absence of findings elsewhere says nothing."""

    objects: int = 0
    judged: Maybe[int] = UNSET
    images: int = 0
    controls: int = 0
    unread: int = 0
    undecided: Maybe[int] = UNSET
    skipped_namespaces: Maybe[Texts] = UNSET
    unread_reasons: Annotated[Maybe[dict[str, int]], about("What could not be read, counted by reason.")] = (
        UNSET
    )
    unread_places: Maybe[List[UnreadPlace]] = UNSET
    skips: Annotated[Maybe[List[SkippedControl]], about("Controls that judged nothing.")] = UNSET


class ControlCounts(Wire, frozen=True):
    failed: int = 0
    passed: int = 0
    skipped: int = 0


class FrameworkScore(Wire, frozen=True):
    name: str = ""
    score: Maybe[float] = UNSET
    controls: ControlCounts = ControlCounts()


class RunCondition(Wire, frozen=True):
    """What ``kubectl wait --for=condition=Complete`` looks at."""

    type: Annotated[str, about("Complete, or Failed.")] = ""
    status: Annotated[str, about("True, or False.")] = ""
    last_transition_time: str = ""
    reason: Annotated[str, about("The phase.")] = ""
    message: str = ""


class KnownAdmin(Wire, frozen=True):
    """Who is or can become cluster admin by roles and bindings, and is not Kubernetes' own."""

    subject: Annotated[str, about("Such as shop/ServiceAccount/api or User/alice.")] = ""
    since: Annotated[str, about("Empty for those that were there when someone looked first.")] = ""
    how: Annotated[str, about("The shortest way, its steps in one line.")] = ""


class ScanOutcome(Wire, frozen=True):
    """One scan: what came of it. A scan that failed replaces no results."""

    phase: str = ""
    started_at: str = ""
    finished_at: str = ""
    message: str = ""
    coverage: ScanCoverage = ScanCoverage()
    findings: SeverityCounts = SeverityCounts()
    accepted: Annotated[Maybe[int], about("Findings that someone accepts.")] = UNSET
    score: Annotated[Maybe[float], about("Compliance over all controls, in per cent.")] = UNSET
    framework_scores: Annotated[
        Maybe[List[FrameworkScore]],
        about("Compliance with each framework, in per cent; without a score where nothing was judged."),
    ] = UNSET
    changed_at: Annotated[Maybe[str], about("When results changed last.")] = UNSET
    seen_at: Annotated[Maybe[str], about("When the scan that goes on last said that it does.")] = UNSET
    conditions: Maybe[List[RunCondition]] = UNSET
    admins: Annotated[
        Maybe[List[KnownAdmin]],
        about("Who can reach cluster admin; left out where not all roles and bindings were looked at."),
    ] = UNSET


class ScanRun(Wire, frozen=True):
    spec: ScanOrder = ScanOrder()
    status: ScanOutcome = ScanOutcome()


class ScheduledScan(Wire, frozen=True):
    """When scans are due. The operator creates a ScanRun for each moment."""

    schedule: Annotated[str, about("Five fields of cron.")] = ""
    time_zone: Annotated[Maybe[str], about("Such as Europe/Berlin; UTC where it is left out.")] = UNSET
    subject: Annotated[Maybe[str], about("posture, or images; posture where it is left out.")] = UNSET
    suspend: Annotated[Maybe[bool], about("Whether nothing is due for now.")] = UNSET


class ScheduleState(Wire, frozen=True):
    """What was ordered last, and what comes next."""

    last_run: Maybe[str] = UNSET
    last_schedule_at: Maybe[str] = UNSET
    next_schedule_at: Maybe[str] = UNSET
    message: Maybe[str] = UNSET


class ScanSchedule(Wire, frozen=True):
    spec: ScheduledScan = ScheduledScan()
    status: ScheduleState = ScheduleState()


class NamedSource(Wire, frozen=True):
    name: str = ""
    secrets: tuple[str, ...] = ()
    """``namespace/name``, in the order in which they are tried."""


class RunningImage(Wire, frozen=True):
    """An image that the cluster runs."""

    digest: Annotated[str, about("By which nodes know the image.")] = ""
    is_id: Maybe[bool] = UNSET
    sources: Annotated[
        Maybe[List[NamedSource]], about("Where it can be had, and Secrets that may open it.")
    ] = UNSET
    used_by: Maybe[Texts] = UNSET
    workloads: Maybe[int] = UNSET
    nodes: Maybe[Texts] = UNSET
    exposed_by: Maybe[Texts] = UNSET


class ViewCounts(Wire, frozen=True):
    """What the objects of one view have of an image."""

    view: str = ""
    """Empty for objects that no one accepts anything for."""
    counted: Counted = Counted()


class AcceptedInImage(Wire, frozen=True, omit_defaults=True):
    """What of an image's findings was accepted when its result was stored."""

    stamp: str = ""
    """Of what was to be accepted then; empty where there was nothing."""
    views: tuple[ViewCounts, ...] = ()
    findings: dict[str, int] = {}
    """Findings that each exception is about, by its source; of one that has expired, those that came back."""

    def counted(self, view: str) -> Counted | None:
        """As ``view`` has it; with nothing accepted where that is not known."""
        by_view = {one.view: one.counted for one in self.views}
        return by_view.get(view) or by_view.get("")


class ImageScanState(Wire, frozen=True):
    """Its result, or why there is none, and when it is tried again."""

    phase: str = ""
    reason: Maybe[str] = UNSET
    hint: Maybe[str] = UNSET
    registry: Maybe[str] = UNSET
    image: Maybe[str] = UNSET
    image_id: Maybe[str] = UNSET
    manifest: Maybe[str] = UNSET
    is_matched: Maybe[bool] = UNSET
    vulnerabilities: Annotated[Maybe[Counted], UNDESCRIBED] = UNSET
    accepted: Annotated[Maybe[AcceptedInImage], UNDESCRIBED] = UNSET
    scanned_at: Maybe[str] = UNSET
    database_built_at: Maybe[str] = UNSET
    version: Maybe[str] = UNSET
    seconds: Maybe[float] = UNSET
    is_kept: Maybe[bool] = UNSET
    tries: Maybe[int] = UNSET
    crashes: Maybe[int] = UNSET
    is_final: Annotated[Maybe[bool], about("It is not tried again before something else changes.")] = UNSET
    since: Maybe[str] = UNSET
    started_at: Maybe[str] = UNSET
    next_try: Maybe[str] = UNSET
    registry_free_at: Maybe[str] = UNSET
    held_by: Maybe[str] = UNSET
    held_until: Maybe[str] = UNSET
    gone_since: Maybe[str] = UNSET
    circumstances: Maybe[str] = UNSET


class ImageScan(Wire, frozen=True):
    spec: RunningImage = RunningImage()
    status: ImageScanState = ImageScanState()


def _matched(severity: str) -> Any:
    """Empty where nothing was matched: no number is not none."""
    return lambda body: (
        (at(body, "status", "vulnerabilities", "found", severity) or 0)
        if at(body, "status", "isMatched")
        else None
    )


_BEFORE = frozenset({None, "", "Pending", "Running"})
"""Phases in which nothing is known yet."""


def _of_run(phases: frozenset[str | None], *path: str) -> Cell:
    """Empty in ``phases``: no number is not none."""
    return lambda body: None if at(body, "status", "phase") in phases else (at(body, "status", *path) or 0)


RUNS = our_kind(
    ScanRun,
    "scanruns",
    (
        Column("Target", "string", "spec.target.name", "what was scanned"),
        Column(
            "Phase",
            "string",
            "status.phase",
            "Pending, Running, Succeeded or Failed; of one that goes on Following, or Stale",
        ),
        *(
            Column(name.title(), "integer", _of_run(_BEFORE, "coverage", name), text)
            for name, text in (("objects", "objects that were read"), ("unread", "what could not be read"))
        ),
        *severity_columns(
            CONFIGURATION_SEVERITIES, lambda name: _of_run(_BEFORE | {"Failed"}, "findings", name), "findings"
        ),
        Column("Finished", "date", "status.finishedAt", "how long ago it ended"),
    ),
    is_namespaced=False,
    short_names=("srun",),
)
IMAGE_SCANS = our_kind(
    ImageScan,
    "imagescans",
    (
        Column("Image", "string", "status.image", "what it is called"),
        Column("Phase", "string", "status.phase", "Pending, Running, Done, Unauthorized, TooLarge or Failed"),
        *severity_columns(CONFIGURATION_SEVERITIES[:2], _matched, "vulnerabilities"),
        Column("Workloads", "integer", "spec.workloads", "containers that run it"),
        Column("Reason", "string", "status.reason", "why there is no result, or no newer one"),
        Column("Scanned", "date", "status.scannedAt", "how long ago it was scanned"),
        Column("Tries", "integer", "status.tries", "failures in a row", 1),
        Column("Next", "string", "status.nextTry", "when it is tried again", 1),
        Column("Database", "string", "status.databaseBuiltAt", "when the database was built", 1),
        Column("Hint", "string", "status.hint", "what to do about it", 1),
    ),
    is_namespaced=False,
    short_names=("iscan",),
)
SCHEDULES = our_kind(
    ScanSchedule,
    "scanschedules",
    (
        Column("Schedule", "string", "spec.schedule", "five fields of cron"),
        Column("Subject", "string", "spec.subject", "posture or images"),
        Column("Last", "date", "status.lastScheduleAt", "how long ago the last scan was due"),
        Column("Next", "string", "status.nextScheduleAt", "when the next scan is due"),
        Column("Message", "string", "status.message", "why nothing is due"),
    ),
    is_namespaced=False,
    short_names=("ssched",),
)
