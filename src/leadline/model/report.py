"""The result of a posture scan."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.control import Control, Framework
from leadline.model.finding import Finding, Place, Skip, Undecided
from leadline.model.resource import Origin, Resource
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.model.waiver import WaiverUse

TargetKind = Literal["cluster", "file", "directory", "git", "stdin"]
Status = Literal["passed", "failed", "skipped"]


class Target(Struct, frozen=True):
    """What was scanned, in the user's words."""

    kind: TargetKind
    name: str
    """The paths joined by a blank, the git address, or the cluster's context."""
    root: str = ""
    """The absolute folder that relative paths start from; empty for a cluster."""
    server_version: str = ""
    """The API server's version, ``v1.36.3``; empty where there is none."""
    cloud: str = ""
    """``EKS``, ``AKS``, ``GKE`` or empty."""
    branch: str = ""
    commit: str = ""
    committed_at: str = ""
    """When ``commit`` was made, RFC 3339."""


class ControlCount(Struct, frozen=True):
    """One control over all objects that it judged."""

    control: Control
    failed: int
    passed: int
    skip: Skip | None = None
    namespaced: int = 0
    """Of ``failed``, those about rights in one namespace."""

    @property
    def counts(self) -> Control:
        """The control as it counts for the gravest of its failures."""
        is_namespaced = self.namespaced and self.namespaced == self.failed
        return self.control.in_one_namespace if is_namespaced else self.control

    @property
    def judged(self) -> int:
        return self.failed + self.passed

    @property
    def status(self) -> Status:
        if self.failed:
            return "failed"
        return "passed" if self.passed else "skipped"

    @property
    def compliance(self) -> float | None:
        """Per cent of the judged objects that pass; ``None`` where none was judged."""
        return 100 * self.passed / self.judged if self.judged else None


class Waived(Struct, frozen=True):
    """A finding that someone accepts."""

    finding: Finding
    waiver: int
    """Place of the waiver in the report's ``waivers``."""


class AcceptedByChange(Struct, frozen=True):
    """A finding that the change accepts itself."""

    control: str
    resource: str
    waiver: int
    """Place of the waiver in the report's ``waivers``."""


class ChangeUse(Struct, frozen=True):
    """What the change that is scanned accepts itself, which nothing accepted at the revision that it is compared with."""

    revision: str
    accepted: tuple[AcceptedByChange, ...] = ()
    """Each once for each finding. Without approval these are among the report's ``findings``, with it among its ``waived``."""
    files: tuple[str, ...] = ()
    """That accept or leave out something and are changed; without approval they count as they were."""
    is_approved: bool = False


class FrameworkWaived(Struct, frozen=True):
    """An object that fails a control, and passes it in the view of some frameworks: a waiver holds in these alone."""

    control: str
    resource: str
    waiver: int
    """Place of the waiver in the report's ``waivers``."""
    frameworks: tuple[str, ...]
    """By name."""


class BaselineUse(Struct, frozen=True):
    """What the findings were compared with."""

    name: str
    """A file, or a revision of the repository."""
    at: str = ""
    """When it was taken, RFC 3339 in UTC; empty for a revision."""
    known: tuple[int, ...] = ()
    """Positions of the findings that were there before."""
    first_seen: tuple[str, ...] = ()
    """In step with the findings: when each was first seen."""
    by_rules: tuple[int, ...] = ()
    """Positions of the new ones whose control did not judge before."""
    known_unread: tuple[int, ...] = ()
    """Positions of what was not read before either."""
    gone: int = 0
    unseen: int = 0
    """Findings of before that nothing says anything about any more: their control judges nothing, or their file is unread."""


class Numbers(Struct, frozen=True):
    """What every surface counts, and calls alike."""

    findings: int
    """Failed pairs of control and object."""
    edits: int
    """What a person or ``leadline fix`` writes: one value at one path of one object, whatever asks for it."""
    decisions: int
    """Paths of objects that a person has to look at, because no edit follows."""
    accepted: int
    """Findings that a waiver covers."""


class PostureReport(Struct, frozen=True, dict=True, tag_field="type", tag="posture"):
    """Everything a format needs, and data alone. Passes are ``judged`` less ``findings``."""

    target: Target
    resources: tuple[Resource, ...]
    """Every object read, in the order of reading, then the derived ones (RBAC subjects). No two share an id."""
    controls: tuple[Control, ...]
    """Every control asked for, worst first, built or not."""
    findings: tuple[Finding, ...]
    """In the order of resources, then of controls."""
    judged: tuple[tuple[str, ...], ...]
    """For each resource, in step with ``resources``: the ids of the controls that judged it."""
    skips: tuple[Skip, ...] = ()
    unread: tuple[Unread, ...] = ()
    left_out: tuple[Unread, ...] = ()
    """What was passed over by choice: ignore files, folders that tools fill, templates that values turn off."""
    rendering: str = ""
    """How the programs that were started were confined: those that render, git, what evaluates Rego; empty where none was."""
    renderers: tuple[str, ...] = ()
    """The programs that rendered, with their versions: ``helm v3.19.2``, ``kustomize v5.8.1 of kubectl v1.37.1``."""
    frameworks: tuple[Framework, ...] = ()
    settings: Mapping[str, tuple[str, ...]] = {}
    """Every setting in force, by its snake_case name."""
    not_kubernetes: int = 0
    """Documents and files that hold something else than Kubernetes objects."""
    files: int = 0
    """Files that objects were read from."""
    charts: int = 0
    """Helm charts rendered."""
    kustomizations: int = 0
    objects: int = 0
    """Objects read; ``resources`` holds the derived ones as well."""
    joined: tuple[tuple[str, ...], ...] = ()
    """In step with the derived resources: the ids of the objects that each was joined from."""
    gave_up: Mapping[str, tuple[Skip, ...]] = {}
    """For the objects, by id, that some control could not judge: which, and why."""
    passed_by: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    """For objects, by id, that pass a control because of other objects: the control, and the ids of these."""
    seconds: float = 0.0
    waived: tuple[Waived, ...] = ()
    """Findings that a waiver covers. They are not among ``findings``, and their objects count as passed."""
    waived_in_frameworks: tuple[FrameworkWaived, ...] = ()
    """What some frameworks alone accept. The findings are among ``findings``; ``seen_by`` says what a framework sees."""
    waivers: tuple[WaiverUse, ...] = ()
    """Every waiver that was looked at, and what became of it."""
    baseline: BaselineUse | None = None
    """``None`` where the findings were compared with nothing."""
    change: ChangeUse | None = None
    """``None`` where no change was scanned, or one that accepts nothing itself."""
    is_sealed: bool = False
    """Whether findings have their places and lines, so that nothing has to be read again to show them."""
    starts: Mapping[str, Place] = {}
    """Where the objects begin that findings are related to, by id; filled when the report is sealed."""
    risks: tuple[WorkloadRisk, ...] | None = None
    """Ranks of the workloads, where they have been worked out; those of a store can be worked out nowhere else."""

    @cached_property
    def new(self) -> "PostureReport":
        """The report with those findings alone that the baseline does not know; itself where there is none."""
        if self.baseline is None:
            return self
        known = frozenset(self.baseline.known)
        kept = tuple(one for number, one in enumerate(self.findings) if number not in known)
        return replace(self, findings=kept, baseline=None)

    @cached_property
    def new_unread(self) -> tuple[Unread, ...]:
        """What was not read and had been read before; everything unread without a baseline."""
        known = frozenset(self.baseline.known_unread if self.baseline else ())
        return tuple(part for number, part in enumerate(self.unread) if number not in known)

    def seen_by(self, framework: Framework | None) -> "PostureReport":
        """With what ``framework`` alone accepts among what is accepted; itself where there is nothing, or no framework."""
        if framework is None or not self.waived_in_frameworks:
            return self
        accepted = {
            (one.control, one.resource): one.waiver
            for one in self.waived_in_frameworks
            if framework.name in one.frameworks
        }
        waived = [
            Waived(one, accepted[one.control, one.resource])
            for one in self.findings
            if (one.control, one.resource) in accepted
        ]
        kept = tuple(one for one in self.findings if (one.control, one.resource) not in accepted)
        return replace(
            self, findings=kept, waived=(*self.waived, *waived), waived_in_frameworks=(), baseline=None
        )

    @cached_property
    def numbers(self) -> Numbers:
        """How many there are of what every surface counts."""
        edits = {finding.edit for finding in self.findings}
        decisions = sum([action == "review" for _, _, action, _ in edits])
        return Numbers(
            findings=sum(row.failed for row in self.by_control),
            edits=len(edits) - decisions,
            decisions=decisions,
            accepted=len({one.finding.pair for one in self.waived}),
        )

    @cached_property
    def controls_by_id(self) -> Mapping[str, Control]:
        return {control.id: control for control in self.controls}

    @cached_property
    def by_id(self) -> Mapping[str, Resource]:
        return {resource.id: resource for resource in self.resources}

    @cached_property
    def parts_of(self) -> Mapping[str, tuple[str, ...]]:
        """For the derived resources, by id, the ids of what each was joined from."""
        derived = (resource.id for resource in self.resources if resource.origin.kind == "derived")
        return dict(zip(derived, self.joined, strict=False))

    def resource(self, id: str) -> Resource:
        """The object called ``id``; one of which only the id is known where the report does not hold it."""
        return self.by_id.get(id) or _named(id)

    @property
    def objects_judged(self) -> int:
        """Objects that at least one control judged, as themselves or as what a derived one was joined from."""
        judged = {one.id for one, ids in zip(self.resources, self.judged, strict=True) if ids}
        derived = [one for one in self.resources if one.origin.kind == "derived"] if self.joined else []
        for one, parts in zip(derived, self.joined, strict=True):
            if one.id in judged:
                judged.update(parts)
        return sum(1 for one in self.resources if one.id in judged and one.origin.kind != "derived")

    @cached_property
    def undecided(self) -> tuple[Undecided, ...]:
        """What ``gave_up`` says of controls that judged other objects, by control and reason, worst first.

        Faults and what could not be read are in ``unread``, controls that judged nothing in ``skips``.
        """
        return tuple(_undecided(self))

    @property
    def objects_undecided(self) -> int:
        """Objects that some control could not decide on, be they judged by others or not."""
        return len({id for one in self.undecided for id in one.resources})

    @cached_property
    def by_control(self) -> tuple[ControlCount, ...]:
        """One row per control, in the order of ``controls``."""
        return _by_control(self)

    def compliance(self, framework: Framework | None = None) -> float | None:
        """Mean of the controls' compliance, 0 to 100, over those that judged anything; ``None`` for none."""
        wanted = None if framework is None else set(framework.control_ids)
        scores = [
            row.compliance
            for row in self.seen_by(framework).by_control
            if row.compliance is not None and (wanted is None or row.control.id in wanted)
        ]
        return sum(scores) / len(scores) if scores else None

    def severities(self) -> Counter[str]:
        """Failed pairs of control and object, by severity."""
        counts: Counter[str] = Counter()
        for row in self.by_control:
            counts[row.control.severity] += row.failed - row.namespaced
            counts[row.control.in_one_namespace.severity] += row.namespaced
        return counts


def _by_control(report: PostureReport) -> tuple[ControlCount, ...]:
    scopes: Counter[tuple[str, ...]] = Counter(report.judged)
    judged: Counter[str] = Counter()
    for ids, count in scopes.items():
        for control_id in ids:
            judged[control_id] += count
    # Not by ``pair``: a call for each of a hundred thousand findings.
    pairs = {(finding.control, finding.resource) for finding in report.findings}
    failed = Counter([control_id for control_id, _ in pairs])
    namespaced = Counter(control_id for control_id, _ in {f.pair for f in report.findings if f.is_namespaced})
    skips = {skip.control: skip for skip in report.skips}
    return tuple(
        ControlCount(
            *(c, failed[c.id], judged[c.id] - failed[c.id], skips.get(c.id)), namespaced=namespaced[c.id]
        )
        for c in report.controls
    )


def _undecided(report: PostureReport) -> Iterator[Undecided]:
    rank = {row.control.id: number for number, row in enumerate(report.by_control) if row.judged}
    found: dict[tuple[int, str, str], list[str]] = {}
    for id, skips in report.gave_up.items():
        for skip in skips:
            if skip.control in rank and skip.kind != "not read":
                found.setdefault((rank[skip.control], skip.control, skip.why), []).append(id)
    for (_, control, why), ids in sorted(found.items()):
        yield Undecided(control, why, tuple(ids))


def _named(id: str) -> Resource:
    return Resource("", "", "", id, {}, Origin(kind="derived", path=id))
