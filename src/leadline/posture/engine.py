"""Every control over every subject: of all objects at once, or of one in the midst of the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.rbac import RBAC_KINDS, Grant, Rights
from leadline.kube.workload import malformed_fields
from leadline.log import log_of
from leadline.model.control import (
    BuiltControl,
    Missing,
    NotJudged,
    Remove,
    Review,
    Set,
    Violation,
    Violations,
)
from leadline.model.finding import Finding, Skip, Unread
from leadline.model.resource import Resource, with_own_ids
from leadline.posture.control_plane import PROCESSES, ControlPlaneProcess, process_of
from leadline.posture.index import Read
from leadline.posture.inventory import EVERY_KIND, WORKLOADS, Facts, Inventory, kind_name
from leadline.posture.subject import Container, Namespace, Workload
from leadline.posture.unbound_roles import unbound
from leadline.posture.worlds import Worlds

__all__ = [
    "GRANTS",
    "Facts",
    "Judge",
    "Judgement",
    "Reason",
    "SubjectVerdict",
    "Verdict",
    "judge",
    "judgement_of",
]

Settings = Mapping[str, tuple[str, ...]]
Applies = Callable[[Any], bool] | None
Bound = tuple[str, Callable[..., Violations], bool, Applies]
"""Control id, check with its settings, whether it takes the inventory, and which subjects it applies to."""
Tracer = Callable[[str, set[Read]], None]
"""Is given the id of a control that joins (or ``GRANTS``) and what it read of the inventory."""

GRANTS = "grants"
"""Stands for all controls over grants, which are judged together with their binding."""
_ROLES = frozenset(RBAC_KINDS[:2])
_OURS = "leadline.posture."
"""How the modules of the controls begin that come with the product."""


class Reason(Struct, frozen=True):
    """Why a control did not judge an object."""

    why: str
    is_unread: bool = False
    """Whether something could not be read for it."""
    is_fault: bool = False


_FAULT = Reason("a fault in the control; the objects it broke on are among what was not read", is_fault=True)


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


def judge(
    resources: Sequence[Resource],
    controls: Sequence[BuiltControl],
    *,
    settings: Settings | None = None,
    facts: Facts | None = None,
) -> Judgement:
    """Every violation, in the order of ``resources`` and, within one, of ``controls``."""
    return Judge(controls, settings, facts).everything(Worlds(resources, facts))


class Judge:
    """Controls with their settings, made ready once. It holds nothing of any run and may be asked from many threads."""

    def __init__(
        self, controls: Sequence[BuiltControl], settings: Settings | None = None, facts: Facts | None = None
    ) -> None:
        self.controls = controls
        self.looks_at_fields = True
        """Whether a pod's fields of a wrong type are named, which takes no control."""
        self.facts = facts or Facts()
        self._settings = settings or {}
        self.rank = {control.id: rank for rank, control in enumerate(controls)}
        self.of_users = frozenset(c.id for c in controls if not c.module.startswith(_OURS))
        self.on: dict[type, list[Bound]] = defaultdict(list)
        self.on_kind: dict[str, list[Bound]] = defaultdict(list)
        self.left_out: list[Skip] = []
        """The controls that judge no object whatever there is."""
        for control in controls:
            self._file(control)
        self.looks_at_pods = bool(self.on[Workload] or self.on[Container] or self.on_kind.get(WORKLOADS))
        self.looks_at_processes = any(self.on[process] for process in PROCESSES)
        self.over_grants = frozenset(c.id for c in controls if c.subject in (Grant, Rights))

    def everything(self, worlds: Worlds) -> Judgement:
        """The verdicts about every object of ``worlds``."""
        run = _Run(self)
        own = [run.own(resource, worlds.around(resource)) for resource in worlds.resources]
        grants: list[SubjectVerdict] = []
        if self.on[Grant]:
            for inventory in worlds:
                for binding in inventory.bindings:
                    grants += run.grants(binding, inventory.seen_from(binding))
        return judgement_of(self, own, grants)

    def one(self, resource: Resource, inventory: Inventory, tracer: Tracer | None = None) -> Verdict:
        """The verdict about ``resource`` in the midst of ``inventory``, be it part of that or not.

        ``tracer`` learns what each control read, which is what the verdict depends on besides the object.
        """
        run, seen = _Run(self, tracer), inventory.seen_from(resource)
        is_binding = bool(self.on[Grant]) and inventory.is_binding(resource)
        return Verdict(run.own(resource, seen), tuple(run.grants(resource, seen)) if is_binding else ())

    def only(self, ids: frozenset[str]) -> "Judge":
        """The controls of ``ids`` alone; ``GRANTS`` stands for those over grants. It does not look at fields again."""
        chosen = [c for c in self.controls if c.id in ids or (GRANTS in ids and c.id in self.over_grants)]
        part = Judge(chosen, self._settings, self.facts)
        part.looks_at_fields = False
        return part

    def _file(self, control: BuiltControl) -> None:
        """Puts a control under what it looks at, or among those left out."""
        if control.manual:
            self.left_out.append(Skip(control.id, control.manual, "manual"))
        elif control.check is None or control.subject is None:
            self.left_out.append(Skip(control.id, f"not built yet: needs {control.needs}", "not built"))
        elif control.cloud and self.facts.cloud not in ("", control.cloud):
            self.left_out.append(Skip(control.id, f"for {control.cloud} clusters only"))
        else:
            chosen = {name: self._settings.get(name, default) for name, default in control.settings.items()}
            if control.needs_setting and not any(chosen.values()):
                names = " or ".join(sorted(chosen))
                self.left_out.append(Skip(control.id, f"nothing set for {names}", "settings"))
                return
            check = partial(control.check, **chosen) if chosen else control.check
            bound = (control.id, check, control.joins, control.applies)
            if control.subject is Resource:
                for kind in (EVERY_KIND,) if EVERY_KIND in control.kinds else control.kinds:
                    self.on_kind[kind].append(bound)
            else:
                self.on[control.subject].append(bound)
                if control.subject is Rights:
                    self.on[Grant].append(bound)


class _Run:
    """One pass over one object or many."""

    def __init__(self, judge: Judge, tracer: Tracer | None = None) -> None:
        self._judge = judge
        self._tracer = tracer
        self._findings: list[Finding] = []
        self._judged: list[str] = []
        self._reasons: dict[str, Reason] = {}
        self._unread: list[tuple[str, Unread]] = []
        self._passes: list[tuple[str, tuple[str, ...]]] = []
        self._scopes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def own(self, resource: Resource, inventory: Inventory) -> SubjectVerdict:
        """What the controls over objects, workloads and the like make of ``resource``."""
        judge, kind = self._judge, kind_name(resource)
        if bounds := judge.on_kind.get(kind):
            self._ask(bounds, resource, inventory, resource, "")
        if bounds := judge.on_kind.get(EVERY_KIND):
            self._ask(bounds, resource, inventory, resource, "")
        if kind == "Namespace" and judge.on[Namespace]:
            self._ask(judge.on[Namespace], Namespace(resource), inventory, resource, "")
        workloads = inventory.workloads_of(resource) if judge.looks_at_pods else ()
        if workloads and (bounds := judge.on_kind.get(WORKLOADS)):
            self._ask(bounds, resource, inventory, resource, "")
        for workload in workloads:
            self._ask_about(workload, inventory)
        if kind == "Pod" and judge.looks_at_processes:
            process = process_of(resource)
            if process is not None:
                self._ask(judge.on[type(process)], process, inventory, resource, "")
        if kind in _ROLES and judge.on[Rights]:
            self._ask_of_role(resource, inventory)
        if len(self._findings) > 1:
            self._findings.sort(key=self._rank_of)
        return self._taken(resource)

    def _ask_of_role(self, role: Resource, inventory: Inventory) -> None:
        """The questions to a grant, where nothing that was read gives the role to anyone."""
        with self._noting(inventory):
            rights = unbound(role, inventory)
        if rights is not None:
            self._ask(self._judge.on[Rights], rights, inventory, role, "")

    @contextmanager
    def _noting(self, inventory: Inventory) -> Iterator[None]:
        """What is read meanwhile is what the verdicts over grants rest on."""
        reads = None if self._tracer is None else set[Read]()
        inventory.trace(reads)
        try:
            yield
        finally:
            inventory.trace(None)
        if self._tracer is not None and reads is not None:
            self._tracer(GRANTS, reads)

    def grants(self, binding: Resource, inventory: Inventory) -> Iterator[SubjectVerdict]:
        """What the controls over grants make of each subject of ``binding``."""
        with self._noting(inventory):
            given = inventory.bound_by(binding)
        if given.unknown:
            # Such a binding may allow anything: it is no pass.
            why = f"its role {given.unknown} was not read, so what it allows is unknown"
            unread = Unread(_where(binding), why, "missing", hint="scan it together with the role")
            yield SubjectVerdict(binding, unread=((GRANTS, unread),))
        subjects = with_own_ids(grant.as_resource() for grant in given.grants)
        for grant, subject in zip(given.grants, subjects, strict=True):
            joined = (grant.binding.id, grant.role.id)
            self._ask(self._judge.on[Grant], grant, inventory, subject, "", joined)
            yield self._taken(subject, joined)

    def _ask_about(self, workload: Workload, inventory: Inventory) -> None:
        resource = workload.resource
        malformed = malformed_fields(workload.template.get("spec")) if self._judge.looks_at_fields else ()
        for path, wanted in malformed:
            where = f"{workload.pod_path}{path}".rstrip(".")
            hint = "Kubernetes refuses such an object; fix the field"
            self._unread.append(
                ("", Unread(_where(resource), f"{where} must be {wanted}", "malformed", hint=hint))
            )
        self._ask(self._judge.on[Workload], workload, inventory, resource, workload.pod_path)
        for container in workload.containers:
            self._ask(self._judge.on[Container], container, inventory, resource, container.path)

    def _ask(
        self,
        bounds: Iterable[Bound],
        subject: Any,
        inventory: Inventory,
        resource: Resource,
        prefix: str,
        related: tuple[str, ...] = (),
    ) -> None:
        found, judged, tracer, id = self._findings, self._judged, self._tracer, resource.id
        relied = inventory.relied
        for control_id, check, joins, applies in bounds:
            try:
                if applies is not None and not applies(subject):
                    continue
                if not joins:
                    violations = check(subject)
                elif tracer is None:
                    violations = check(subject, inventory)
                else:
                    name = GRANTS if isinstance(subject, Rights) else control_id
                    violations = self._traced(tracer, name, partial(check, subject), inventory)
                for violation in violations:
                    found.append(Finding(control_id, id, _rooted(violation, prefix, id), related))
                judged.append(control_id)
                if relied:
                    self._rest_on(control_id, id, relied)
            except NotJudged as reason:
                relied.clear()
                self._give_up(control_id, Reason(reason.why, reason.unread is not None))
                if reason.unread is not None:
                    self._unread.append((control_id, reason.unread))
            except (Exception, SystemExit) as fault:
                relied.clear()
                self._give_up(control_id, _FAULT)
                log_of(__name__).exception("control %s failed on %s", control_id, resource.title)
                why = f"{control_id} could not judge it: a fault in the control ({type(fault).__name__})"
                fix = "fix the control" if control_id in self._judge.of_users else "please report it"
                unread = Unread(_where(resource), why, "fault", hint=f"{fix}; --debug shows the details")
                self._unread.append((control_id, unread))

    def _rest_on(self, control_id: str, id: str, relied: list[str]) -> None:
        """Names in the findings, else for the pass, what the verdict of a control rests on; empties ``relied``."""
        others = tuple(dict.fromkeys(other for other in relied if other != id))
        relied.clear()
        found, place = self._findings, len(self._findings)
        while place and (found[place - 1].control, found[place - 1].resource) == (control_id, id):
            place -= 1
            one = found[place]
            found[place] = replace(one, related=tuple(dict.fromkeys((*one.related, *others))))
        if others and place == len(found):
            self._passes.append((control_id, others))

    def _traced(
        self, tracer: Tracer, name: str, check: Callable[[Inventory], Violations], inventory: Inventory
    ) -> Violations:
        reads: set[Read] = set()
        inventory.trace(reads)
        try:
            yield from check(inventory)
        finally:
            inventory.trace(None)
            tracer(name, reads)

    def _give_up(self, control_id: str, reason: Reason) -> None:
        """What could not be read outweighs that a control looks at other kinds."""
        known = self._reasons.get(control_id)
        if known is None or (reason.is_unread and not known.is_unread):
            self._reasons[control_id] = reason

    def _taken(self, resource: Resource, joined: tuple[str, ...] = ()) -> SubjectVerdict:
        """What was found since the last time.

        Controls that gave up on a part did not judge the object: the rest may pass, the whole may not. Failures count.
        """
        judged = self._judged
        if self._reasons:
            failed = {finding.control for finding in self._findings}
            judged = [i for i in judged if i not in self._reasons] + sorted(self._reasons.keys() & failed)
        verdict = SubjectVerdict(
            resource,
            tuple(self._findings),
            self._scope(judged),
            tuple(self._reasons.items()) if self._reasons else (),
            tuple(self._unread) if self._unread else (),
            joined,
            self._passed_by() if self._passes else (),
        )
        self._findings.clear()
        self._judged.clear()
        self._reasons.clear()
        self._unread.clear()
        return verdict

    def _passed_by(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        failed = {finding.control for finding in self._findings}
        passes: dict[str, dict[str, None]] = {}
        for control, others in self._passes:
            if control not in failed and control not in self._reasons:
                passes.setdefault(control, {}).update(dict.fromkeys(others))
        self._passes.clear()
        return tuple((control, tuple(others)) for control, others in passes.items())

    def _rank_of(self, finding: Finding) -> int:
        return self._judge.rank[finding.control]

    def _scope(self, judged: list[str]) -> tuple[str, ...]:
        """The controls of one resource, each once; resources with the same ones share the tuple."""
        key = tuple(judged)
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = tuple(sorted(set(judged), key=self._judge.rank.__getitem__))
        return scope


def judgement_of(judge: Judge, own: Sequence[SubjectVerdict], grants: Sequence[SubjectVerdict]) -> Judgement:
    """The verdicts put together; those of ``grants`` without a join only say that a role was not read."""
    subjects = [verdict for verdict in grants if verdict.joined]
    every = (*own, *grants)
    judged = tuple(verdict.judged for verdict in (*own, *subjects))
    return Judgement(
        tuple(chain.from_iterable(verdict.findings for verdict in every)),
        tuple(verdict.resource for verdict in (*own, *subjects)),
        judged,
        tuple(verdict.joined for verdict in subjects),
        _skips(judge, judged, every),
        tuple(dict.fromkeys(unread for verdict in every for _, unread in verdict.unread)),
        {one.resource.id: _given_up(one) for one in (*own, *subjects) if one.reasons},
        {one.resource.id: one.passes for one in (*own, *subjects) if one.passes},
    )


def _given_up(verdict: SubjectVerdict) -> tuple[Skip, ...]:
    return tuple(_skip(id, reason) for id, reason in sorted(verdict.reasons) if id not in verdict.judged)


def _skips(
    judge: Judge, judged: Iterable[tuple[str, ...]], verdicts: Iterable[SubjectVerdict]
) -> tuple[Skip, ...]:
    """Why the controls judged nothing that did so."""
    asked = {control_id for ids in set(judged) for control_id in ids}
    asked |= {skip.control for skip in judge.left_out}
    never = {control.id: control for control in judge.controls if control.id not in asked}
    reasons: dict[str, Reason] = {}
    for verdict in verdicts:
        for control_id, reason in verdict.reasons:
            known = reasons.get(control_id)
            if known is None or (reason.is_unread and not known.is_unread):
                reasons[control_id] = reason
    skips = [*judge.left_out, *(_never(control, reasons.get(id)) for id, control in never.items())]
    return tuple(sorted(skips, key=lambda skip: judge.rank[skip.control]))


def _never(control: BuiltControl, reason: Reason | None) -> Skip:
    return Skip(control.id, _nothing_to_judge(control)) if reason is None else _skip(control.id, reason)


def _skip(control_id: str, reason: Reason) -> Skip:
    return Skip(control_id, reason.why, "not read" if reason.is_unread or reason.is_fault else "no objects")


def _rooted(violation: Violation, prefix: str, subject: str) -> Violation:
    """``violation`` with a path from the root of its object; that of ``subject``, the one judged, is called "".

    Raises: ``TypeError`` where a control names the object by anything but its id.
    """
    if violation.__class__ is Missing:
        return violation
    on, path = violation.on, violation.path  # type: ignore[union-attr]
    if on.__class__ is not str:
        raise TypeError("on= takes the id of an object")
    if on and on != subject:
        return violation
    if not on and not prefix and not path.endswith("."):
        return violation
    whole = path if on else (prefix + path).rstrip(".")
    if violation.__class__ is Set:
        return Set(whole, violation.value)
    return Review(whole, advice=violation.advice) if isinstance(violation, Review) else Remove(whole)


def _where(resource: Resource) -> str:
    return f"{resource.origin.file}: {resource.title}" if resource.origin.file else resource.title


def _nothing_to_judge(control: BuiltControl) -> str:
    subject = control.subject
    if subject is not None and issubclass(subject, ControlPlaneProcess):
        return f"no {subject.program} Pod"
    if subject is Resource:
        return "no " + " or ".join(kind.partition(".")[0] for kind in control.kinds)
    return {Grant: "no role bound to anyone", Rights: "no role", Namespace: "no Namespace"}.get(
        subject or object, "no workload it applies to"
    )
