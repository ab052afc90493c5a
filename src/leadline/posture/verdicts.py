"""What controls made of objects: the verdict about each, and all of them put together."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from msgspec import Struct

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import BuiltControl, Set, Violation
from leadline.model.finding import Finding, Skip
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.control_plane import ControlPlaneProcess
from leadline.posture.fact_kinds import how_to_get
from leadline.posture.subject import Namespace

_MOST_SHARED = 20_000
_ATOMS = frozenset({str, bool, int, type(None)})


class Reason(Struct, frozen=True):
    """Why a control did not judge an object."""

    why: str
    is_unread: bool = False
    """Whether something could not be read for it."""
    is_fault: bool = False
    is_not_applicable: bool = False
    """Whether it is known that there is nothing to judge."""

    @property
    def weight(self) -> int:
        return 2 if self.is_unread else 0 if self.is_not_applicable else 1

    def outweighs(self, other: "Reason | None") -> bool:
        """Whether it is said rather than ``other``: what could not be read, then what is not known, then what is not there."""
        return other is None or self.weight > other.weight


class SubjectVerdict(Struct, frozen=True):
    """What the controls made of one object, be it one of the target or one derived from a binding."""

    resource: Resource
    findings: tuple[Finding, ...] = ()
    """By the order of the controls."""
    judged: tuple[str, ...] = ()
    """The controls that judged it."""
    reasons: tuple[tuple[str, Reason], ...] = ()
    """For each control that gave up on it, or on a part: why."""
    unread: tuple[tuple[str, Unread], ...] = ()
    """What could not be read or judged, each with the control that says so; empty for the engine itself."""
    joined: tuple[str, ...] = ()
    """For a derived object the ids of what it was joined from, its binding and its role."""
    passes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Controls that pass because of other objects, each with the ids of these."""


class Verdict(Struct, frozen=True):
    """What the controls made of one object, and of those derived from it."""

    own: SubjectVerdict
    grants: tuple[SubjectVerdict, ...] = ()
    """For a binding: each subject that it gives a role."""

    @property
    def subjects(self) -> tuple[SubjectVerdict, ...]:
        return (self.own, *self.grants)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for subject in self.subjects for finding in subject.findings)


class SharedParts:
    """Equal parts of verdicts, each kept once: many objects fail the same controls at the same paths.

    Verdicts that are kept for long take half as much with it; those of a single scan are not worth the time.
    """

    def __init__(self) -> None:
        self._scopes: dict[Hashable, Any] = {}
        self._violations: dict[Hashable, Violation] = {}

    def of(self, verdict: Verdict) -> Verdict:
        """The equal of ``verdict`` that shares its parts."""
        if max(len(self._scopes), len(self._violations)) > _MOST_SHARED:
            self._scopes.clear()
            self._violations.clear()
        return Verdict(self._shared(verdict.own), tuple(map(self._shared, verdict.grants)))

    def _shared(self, one: SubjectVerdict) -> SubjectVerdict:
        judged, reasons = one.judged, one.reasons
        return SubjectVerdict(
            one.resource,
            tuple(
                Finding(
                    finding.control,
                    finding.resource,
                    self._violation(finding.violation),
                    finding.related,
                    is_namespaced=finding.is_namespaced,
                )
                for finding in one.findings
            ),
            self._scopes.setdefault(judged, judged),
            self._scopes.setdefault(reasons, reasons),
            one.unread,
            one.joined,
            one.passes,
        )

    def _violation(self, violation: Violation) -> Violation:
        key: Hashable = violation
        if isinstance(violation, Set):
            value = violation.value
            if value.__class__ not in _ATOMS:
                return violation
            # True equals 1, and is not what is to be written.
            key = (violation, value.__class__)
        return self._violations.setdefault(key, violation)


class Judgement(Struct, frozen=True, dict=True):
    """What the controls made of the resources."""

    findings: tuple[Finding, ...]
    resources: tuple[Resource, ...]
    """Those given, each with an id of its own, then the derived ones: RBAC subjects."""
    judged: tuple[tuple[str, ...], ...]
    """In step with ``resources``: the controls that judged each."""
    joined: tuple[tuple[str, ...], ...]
    """In step with the derived resources: the ids of what each was joined from, its binding and its role."""
    skips: tuple[Skip, ...]
    unread: tuple[Unread, ...]
    gave_up: Mapping[str, tuple[Skip, ...]] = {}
    """For the objects, by id, that some control could not judge: which, and why."""
    passes: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    """For the objects, by id, that pass a control because of others: the control, and the ids of these."""

    @cached_property
    def by_id(self) -> Mapping[str, Resource]:
        return {resource.id: resource for resource in self.resources}


def judgement_of(
    controls: Sequence[BuiltControl],
    left_out: Sequence[Skip],
    own: Sequence[SubjectVerdict],
    grants: Sequence[SubjectVerdict],
) -> Judgement:
    """The verdicts put together; those of ``grants`` without a join only say that a role was not read.

    ``left_out`` are the controls that judge no object whatever there is.
    """
    subjects = [verdict for verdict in grants if verdict.joined]
    every = (*own, *grants)
    judged = tuple(verdict.judged for verdict in (*own, *subjects))
    given_up = _GivenUp()
    return Judgement(
        tuple(chain.from_iterable(verdict.findings for verdict in every)),
        tuple(verdict.resource for verdict in (*own, *subjects)),
        judged,
        tuple(verdict.joined for verdict in subjects),
        _skips(controls, left_out, judged, every),
        tuple(dict.fromkeys(unread for verdict in every for _, unread in verdict.unread)),
        {one.resource.id: given_up.of(one) for one in (*own, *subjects) if one.reasons},
        {one.resource.id: one.passes for one in (*own, *subjects) if one.passes},
    )


class _GivenUp:
    """What could not be judged about objects; those with the same reasons, which are most, share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Skip, ...]] = {}

    def of(self, verdict: SubjectVerdict) -> tuple[Skip, ...]:
        key = (id(verdict.reasons), id(verdict.judged))
        found = self._known.get(key)
        if found is None:
            judged = verdict.judged
            found = tuple(
                _skip(id, why) for id, why in sorted(verdict.reasons, key=_first) if id not in judged
            )
            self._known[key] = found
        return found


def _first(pair: tuple[str, Reason]) -> str:
    return pair[0]


def _skips(
    controls: Sequence[BuiltControl],
    left_out: Sequence[Skip],
    judged: Iterable[tuple[str, ...]],
    verdicts: Iterable[SubjectVerdict],
) -> tuple[Skip, ...]:
    """Why the controls judged nothing that did so."""
    asked = {control_id for ids in set(judged) for control_id in ids}
    asked |= {skip.control for skip in left_out}
    never = {control.id: control for control in controls if control.id not in asked}
    reasons: dict[str, Reason] = {}
    for given in {id(verdict.reasons): verdict.reasons for verdict in verdicts}.values():
        for control_id, reason in given:
            if reason.outweighs(reasons.get(control_id)):
                reasons[control_id] = reason
    skips = [*left_out, *(_never(control, reasons.get(id)) for id, control in never.items())]
    rank = {control.id: rank for rank, control in enumerate(controls)}
    return tuple(sorted(skips, key=lambda skip: rank[skip.control]))


def _never(control: BuiltControl, reason: Reason | None) -> Skip:
    if reason is not None:
        return _skip(control.id, reason)
    how = how_to_get(control.kinds)
    if how:
        by = "facts of nodes were" if "--host-facts" in how else "description by the cloud was"
        return Skip(control.id, f"no {by} read; {how}", "no facts")
    return Skip(control.id, _nothing_to_judge(control))


def _skip(control_id: str, reason: Reason) -> Skip:
    if reason.is_unread or reason.is_fault:
        return Skip(control_id, reason.why, "not read")
    return Skip(control_id, reason.why, "not applicable" if reason.is_not_applicable else "no objects")


def _nothing_to_judge(control: BuiltControl) -> str:
    subject = control.subject
    if subject is not None and issubclass(subject, ControlPlaneProcess):
        return f"no {subject.program} Pod"
    if subject is Resource:
        return "no " + " or ".join(kind.partition(".")[0] for kind in control.kinds)
    return {Grant: "no role bound to anyone", Rights: "no role", Namespace: "no Namespace"}.get(
        subject or object, "no workload it applies to"
    )
