"""Every control over every subject: of all objects at once, or of one in the midst of the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar

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
from leadline.posture.control_plane import PROCESSES, process_of
from leadline.posture.index import Read
from leadline.posture.inventory import EVERY_KIND, WORKLOADS, Facts, Inventory, kind_name
from leadline.posture.subject import Container, Namespace, Workload
from leadline.posture.unbound_roles import unbound
from leadline.posture.verdicts import Judgement, Reason, SubjectVerdict, Verdict, judgement_of
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
]

K = TypeVar("K")
Settings = Mapping[str, tuple[str, ...]]
Applies = Callable[[Any], bool] | None
Bound = tuple[str, Callable[..., Violations], bool]
"""Control id, check with its settings, and whether it takes the inventory."""
Tracer = Callable[[str, set[Read]], None]
"""Is given the id of a control that joins (or ``GRANTS``) and what it read of the inventory."""

GRANTS = "grants"
"""Stands for all controls over grants, which are judged together with their binding."""
_ROLES = frozenset(RBAC_KINDS[:2])
_OURS = "leadline.posture."
"""How the modules of the controls begin that come with the product."""
_FAULT = Reason("a fault in the control; the objects it broke on are among what was not read", is_fault=True)


def judge(
    resources: Sequence[Resource],
    controls: Sequence[BuiltControl],
    *,
    settings: Settings | None = None,
    facts: Facts | None = None,
) -> Judgement:
    """Every violation, in the order of ``resources`` and, within one, of ``controls``."""
    return Judge(controls, settings, facts).everything(Worlds(resources, facts))


class Group:
    """Controls over one type of subject that apply to the same ones, so that this is asked once."""

    __slots__ = ("applies", "bounds", "ids")

    def __init__(self, applies: Applies, bounds: Iterable[Bound]) -> None:
        self.applies = applies
        self.bounds = tuple(bounds)
        self.ids = tuple(control_id for control_id, _, _ in self.bounds)


class _Filing(Generic[K]):
    """Groups by what their controls look at."""

    def __init__(self) -> None:
        self._bounds: dict[K, dict[Applies, list[Bound]]] = defaultdict(lambda: defaultdict(list))

    def add(self, key: K, applies: Applies, bound: Bound) -> None:
        self._bounds[key][applies].append(bound)

    def groups(self) -> dict[K, tuple[Group, ...]]:
        return {
            key: tuple(Group(applies, bounds) for applies, bounds in by_subject.items())
            for key, by_subject in self._bounds.items()
        }


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
        self.left_out: list[Skip] = []
        """The controls that judge no object whatever there is."""
        by_type, by_kind = _Filing[type](), _Filing[str]()
        for control in controls:
            self._file(control, by_type, by_kind)
        self.on = by_type.groups()
        self.on_kind = by_kind.groups()
        self.looks_at_pods = Workload in self.on or Container in self.on or WORKLOADS in self.on_kind
        self.looks_at_processes = any(process in self.on for process in PROCESSES)
        self.over_grants = frozenset(c.id for c in controls if c.subject in (Grant, Rights))

    def everything(self, worlds: Worlds) -> Judgement:
        """The verdicts about every object of ``worlds``."""
        run = _Run(self)
        own = [run.own(resource, worlds.around(resource)) for resource in worlds.resources]
        grants: list[SubjectVerdict] = []
        if Grant in self.on:
            for inventory in worlds:
                for binding in inventory.bindings:
                    grants += run.grants(binding, inventory.seen_from(binding))
        return self.put_together(own, grants)

    def put_together(self, own: Sequence[SubjectVerdict], grants: Sequence[SubjectVerdict]) -> Judgement:
        """The verdicts about all objects of a target, and about all that its bindings give."""
        return judgement_of(self.controls, self.left_out, own, grants)

    def one(self, resource: Resource, inventory: Inventory, tracer: Tracer | None = None) -> Verdict:
        """The verdict about ``resource`` in the midst of ``inventory``, be it part of that or not.

        ``tracer`` learns what each control read, which is what the verdict depends on besides the object.
        """
        run, seen = _Run(self, tracer), inventory.seen_from(resource)
        is_binding = Grant in self.on and inventory.is_binding(resource)
        return Verdict(run.own(resource, seen), tuple(run.grants(resource, seen)) if is_binding else ())

    def only(self, ids: frozenset[str]) -> "Judge":
        """The controls of ``ids`` alone; ``GRANTS`` stands for those over grants. It does not look at fields again."""
        chosen = [c for c in self.controls if c.id in ids or (GRANTS in ids and c.id in self.over_grants)]
        part = Judge(chosen, self._settings, self.facts)
        part.looks_at_fields = False
        return part

    def _file(self, control: BuiltControl, by_type: _Filing[type], by_kind: _Filing[str]) -> None:
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
            bound, applies = (control.id, check, control.joins), control.applies
            if control.subject is Resource:
                for kind in (EVERY_KIND,) if EVERY_KIND in control.kinds else control.kinds:
                    by_kind.add(kind, applies, bound)
            else:
                by_type.add(control.subject, applies, bound)
                if control.subject is Rights:
                    by_type.add(Grant, applies, bound)


class _Run:
    """One pass over one object or many."""

    def __init__(self, judge: Judge, tracer: Tracer | None = None) -> None:
        self._judge = judge
        self._tracer = tracer
        self._findings: list[Finding] = []
        self._asked: dict[Group, None] = {}
        """Those whose controls looked at the object, each once."""
        self._reasons: dict[str, Reason] = {}
        self._unread: list[tuple[str, Unread]] = []
        self._passes: list[tuple[str, tuple[str, ...]]] = []
        self._scopes: dict[tuple[Group | str, ...], tuple[str, ...]] = {}
        self._causes: dict[tuple[str | Reason, ...], tuple[tuple[str, Reason], ...]] = {}

    def own(self, resource: Resource, inventory: Inventory) -> SubjectVerdict:
        """What the controls over objects, workloads and the like make of ``resource``."""
        judge, kind = self._judge, kind_name(resource)
        if groups := judge.on_kind.get(kind):
            self._ask(groups, resource, inventory, resource, "")
        if groups := judge.on_kind.get(EVERY_KIND):
            self._ask(groups, resource, inventory, resource, "")
        if kind == "Namespace" and (groups := judge.on.get(Namespace)):
            self._ask(groups, Namespace(resource), inventory, resource, "")
        workloads = inventory.workloads_of(resource) if judge.looks_at_pods else ()
        if workloads and (groups := judge.on_kind.get(WORKLOADS)):
            self._ask(groups, resource, inventory, resource, "")
        for workload in workloads:
            self._ask_about(workload, inventory)
        if kind == "Pod" and judge.looks_at_processes:
            process = process_of(resource)
            if process is not None:
                self._ask(judge.on.get(type(process), ()), process, inventory, resource, "")
        if kind in _ROLES and Rights in judge.on:
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
        groups = self._judge.on.get(Grant, ())
        subjects = with_own_ids(grant.as_resource() for grant in given.grants)
        for grant, subject in zip(given.grants, subjects, strict=True):
            joined = (grant.binding.id, grant.role.id)
            self._ask(groups, grant, inventory, subject, "", joined)
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
        self._ask(self._judge.on.get(Workload, ()), workload, inventory, resource, workload.pod_path)
        groups = self._judge.on.get(Container, ())
        for container in workload.containers:
            self._ask(groups, container, inventory, resource, container.path)

    def _ask(
        self,
        groups: Iterable[Group],
        subject: Any,
        inventory: Inventory,
        resource: Resource,
        prefix: str,
        related: tuple[str, ...] = (),
    ) -> None:
        found, tracer, id, relied = self._findings, self._tracer, resource.id, inventory.relied
        for group in groups:
            applies = group.applies
            if applies is not None and not self._apply(group, applies, subject, resource):
                continue
            self._asked[group] = None
            for control_id, check, joins in group.bounds:
                try:
                    if not joins:
                        violations = check(subject)
                    elif tracer is None:
                        violations = check(subject, inventory)
                    else:
                        name = GRANTS if isinstance(subject, Rights) else control_id
                        violations = self._traced(tracer, name, partial(check, subject), inventory)
                    for violation in violations:
                        found.append(Finding(control_id, id, _rooted(violation, prefix, id), related))
                    if relied:
                        self._rest_on(control_id, id, relied)
                except NotJudged as reason:
                    relied.clear()
                    self._give_up(control_id, Reason(reason.why, reason.unread is not None))
                    if reason.unread is not None:
                        self._unread.append((control_id, reason.unread))
                except (Exception, SystemExit) as fault:
                    relied.clear()
                    self._break(control_id, resource, fault)

    def _apply(self, group: Group, applies: Callable[[Any], bool], subject: Any, resource: Resource) -> bool:
        try:
            return applies(subject)
        except (Exception, SystemExit) as fault:
            for control_id in group.ids:
                self._break(control_id, resource, fault)
            return False

    def _break(self, control_id: str, resource: Resource, fault: BaseException) -> None:
        self._give_up(control_id, _FAULT)
        log_of(__name__).error("control %s failed on %s", control_id, resource.title, exc_info=fault)
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
        if reason.outweighs(self._reasons.get(control_id)):
            self._reasons[control_id] = reason

    def _taken(self, resource: Resource, joined: tuple[str, ...] = ()) -> SubjectVerdict:
        """What was found since the last time.

        Controls that gave up on a part did not judge the object: the rest may pass, the whole may not. Failures count.
        """
        reasons, failed = self._reasons, frozenset[str]()
        if reasons:
            failed = frozenset(finding.control for finding in self._findings if finding.control in reasons)
        verdict = SubjectVerdict(
            resource,
            tuple(self._findings),
            self._scope(failed),
            self._shared_reasons() if reasons else (),
            tuple(self._unread) if self._unread else (),
            joined,
            self._passed_by() if self._passes else (),
        )
        self._findings.clear()
        self._asked.clear()
        self._reasons.clear()
        self._unread.clear()
        return verdict

    def _shared_reasons(self) -> tuple[tuple[str, Reason], ...]:
        """Why controls gave up; objects with the same reasons share the tuple."""
        given = self._reasons
        return self._causes.setdefault((*given, *given.values()), tuple(given.items()))

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

    def _scope(self, failed: frozenset[str]) -> tuple[str, ...]:
        """The controls that judged one object, each once; objects with the same ones share the tuple.

        ``failed`` are those that gave up on a part and found something in another.
        """
        key: tuple[Group | str, ...] = (
            *self._asked,
            *self._reasons,
            *failed,
        )  # who failed stands twice, so that no two mean the same
        scope = self._scopes.get(key)
        if scope is None:
            judged = {control_id for group in self._asked for control_id in group.ids}
            judged = (judged - self._reasons.keys()) | failed
            scope = self._scopes[key] = tuple(sorted(judged, key=self._judge.rank.__getitem__))
        return scope


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
