"""Every control over every subject: of all objects at once, or of one in the midst of the others.

One control goes over all objects of a batch before the next does: the processor then keeps the code of that control at
hand, which takes a quarter less time than all controls over one object after the other.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from msgspec.structs import replace

from leadline.kube.rbac import RBAC_KINDS, Grant, Rights
from leadline.kube.workload import malformed_fields
from leadline.log import log_of
from leadline.model.control import (
    BuiltControl,
    Missing,
    NotApplicable,
    NotJudged,
    Remove,
    Review,
    Set,
    Violation,
    Violations,
)
from leadline.model.finding import Finding
from leadline.model.resource import Resource, with_own_ids
from leadline.model.unread import Unread
from leadline.posture.control_plane import process_of
from leadline.posture.index import EVERY_KIND, WORKLOADS, Read, kind_name
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.questions import Group, Groups, Questions, Settings
from leadline.posture.subject import Container, Namespace, Workload
from leadline.posture.unbound_roles import unbound
from leadline.posture.verdicts import Judgement, Reason, SubjectVerdict, Verdict, judgement_of
from leadline.posture.worlds import Worlds

Tracer = Callable[[str, set[Read]], None]
"""Is given the id of a control that joins (or ``GRANTS``) and what it read of the inventory."""
GRANTS = "grants"
"""Stands for all controls over grants, which are judged together with their binding."""
BATCH = 64
"""Objects asked about at a time. From 32 to 500 it makes no difference; one at a time takes 1.4 times as long."""
_ROLES = frozenset(RBAC_KINDS[:2])
_FAULT = Reason("a fault in the control; the objects it broke on are among what was not read", is_fault=True)
T = TypeVar("T")


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
        self,
        controls: Sequence[BuiltControl],
        settings: Settings | None = None,
        facts: Facts | None = None,
        *,
        about_fields: bool = True,
    ) -> None:
        """``about_fields``: whether a pod's fields of a wrong type are named, which takes no control."""
        self.controls = controls
        self.facts = facts or Facts()
        self._settings = settings or {}
        self._questions = Questions(controls, self._settings, self.facts, about_fields=about_fields)
        self.rank = self._questions.rank
        self.over_grants = frozenset(c.id for c in controls if c.subject in (Grant, Rights))

    def everything(self, worlds: Worlds) -> Judgement:
        """The verdicts about every object of ``worlds``."""
        asking = Asking(self._questions)
        own: list[SubjectVerdict] = []
        for batch in _batches(worlds.resources):
            own += asking.about((resource, worlds.around(resource)) for resource in batch)
        grants: list[SubjectVerdict] = []
        if self._questions.about_grants:
            for bindings in _batches(_bindings(worlds)):
                grants += asking.about_grants(bindings)
        return self.put_together(own, grants)

    def put_together(self, own: Sequence[SubjectVerdict], grants: Sequence[SubjectVerdict]) -> Judgement:
        """The verdicts about all objects of a target, and about all that its bindings give."""
        return judgement_of(self.controls, self._questions.left_out, own, grants)

    def one(self, resource: Resource, inventory: Inventory, tracer: Tracer | None = None) -> Verdict:
        """The verdict about ``resource`` in the midst of ``inventory``, be it part of that or not.

        ``tracer`` learns what each control read, which is what the verdict depends on in addition to the object.
        """
        asking, seen = Asking(self._questions, tracer), inventory.seen_from(resource)
        is_binding = self._questions.about_grants and inventory.is_binding(resource)
        (own,) = asking.about([(resource, seen)])
        return Verdict(own, tuple(asking.about_grants([(resource, seen)])) if is_binding else ())

    def only(self, ids: frozenset[str]) -> "Judge":
        """The controls of ``ids`` alone; ``GRANTS`` represents those over grants. It does not look at fields again."""
        chosen = [c for c in self.controls if c.id in ids or (GRANTS in ids and c.id in self.over_grants)]
        return Judge(chosen, self._settings, self.facts, about_fields=False)


def _bindings(worlds: Worlds) -> Iterator[tuple[Resource, Inventory]]:
    for inventory in worlds:
        for binding in inventory.bindings:
            yield binding, inventory.seen_from(binding)


def _batches(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(items)
    while batch := tuple(islice(rest, BATCH)):
        yield batch


class Open:
    """An object that is being judged, in the midst of the others, and what was found of it so far."""

    __slots__ = ("asked", "findings", "id", "inventory", "joined", "passes", "reasons", "resource", "unread")

    def __init__(self, resource: Resource, inventory: Inventory, joined: tuple[str, ...] = ()) -> None:
        self.resource = resource
        self.id = resource.id
        self.inventory = inventory
        self.joined = joined
        """For a derived object the ids of what it was joined from."""
        self.findings: list[Finding] = []
        self.asked: dict[Group, None] = {}
        """Those whose controls looked at it, each once."""
        self.reasons: dict[str, Reason] = {}
        self.unread: list[tuple[str, Unread]] = []
        self.passes: list[tuple[str, tuple[str, ...]]] = []

    def give_up(self, control_id: str, reason: Reason) -> None:
        """What could not be read outweighs that a control looks at other kinds."""
        if reason.outweighs(self.reasons.get(control_id)):
            self.reasons[control_id] = reason

    def rest_on(self, control_id: str, since: int, relied: list[str]) -> None:
        """Names what the verdict of a control rests on: in its findings, those from ``since`` on, else for the pass."""
        others = tuple(dict.fromkeys(other for other in relied if other != self.id))
        relied.clear()
        if since == len(self.findings):
            if others:
                self.passes.append((control_id, others))
            return
        related = tuple(dict.fromkeys((*self.joined, *others)))
        for place in range(since, len(self.findings)):
            one = self.findings[place]
            self.findings[place] = Finding(one.control, one.resource, one.violation, related)

    def mark_namespaced(self, since: int) -> None:
        """Says of the findings from ``since`` on that they are about rights in one namespace."""
        self.findings[since:] = [replace(one, is_namespaced=True) for one in self.findings[since:]]

    def passed_by(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The controls that it passes because of others, each with the ids of these."""
        failed = {finding.control for finding in self.findings}
        passes: dict[str, dict[str, None]] = {}
        for control, others in self.passes:
            if control not in failed and control not in self.reasons:
                passes.setdefault(control, {}).update(dict.fromkeys(others))
        return tuple((control, tuple(others)) for control, others in passes.items())


Subject = tuple[Any, Open, str]
"""What a control looks at, the object that it is part of, and the path from the root of that to it."""


class Asking:
    """One pass over one object or many."""

    def __init__(self, questions: Questions, tracer: Tracer | None = None) -> None:
        self._questions = questions
        self._tracer = tracer
        self._scopes: dict[tuple[Group | str, ...], tuple[str, ...]] = {}
        self._causes: dict[tuple[str | Reason, ...], tuple[tuple[str, Reason], ...]] = {}

    def about(self, objects: Iterable[tuple[Resource, Inventory]]) -> list[SubjectVerdict]:
        """What the controls over objects, workloads and the like make of each, in their order."""
        batch = _Batch(self._questions, [Open(resource, inventory) for resource, inventory in objects])
        for one in batch.roles:
            self._add_rights(one, batch)
        for groups, subjects in batch.subjects():
            self._ask(groups, subjects)
        rank = self._questions.rank
        for one in batch.objects:
            if len(one.findings) > 1:
                one.findings.sort(key=lambda finding: rank[finding.control])
        return [self._verdict(one) for one in batch.objects]

    def about_grants(self, bindings: Iterable[tuple[Resource, Inventory]]) -> list[SubjectVerdict]:
        """What the controls over grants make of each subject of each binding."""
        given: list[Open | SubjectVerdict] = []
        subjects: list[Subject] = []
        for binding, inventory in bindings:
            with self._noting(inventory):
                bound = inventory.bound_by(binding)
            if bound.unknown:
                # Such a binding may allow anything: it is no pass.
                why = f"its role {bound.unknown} was not read, so what it allows is unknown"
                unread = Unread(_where(binding), why, "missing", hint="scan it together with the role")
                given.append(SubjectVerdict(binding, unread=((GRANTS, unread),)))
            own = with_own_ids(grant.as_resource() for grant in bound.grants)
            for grant, resource in zip(bound.grants, own, strict=True):
                one = Open(resource, inventory, (grant.binding.id, grant.role.id))
                given.append(one)
                subjects.append((grant, one, ""))
        self._ask(self._questions.on(Grant), subjects)
        return [self._verdict(one) if isinstance(one, Open) else one for one in given]

    def _add_rights(self, role: Open, batch: "_Batch") -> None:
        """The questions to a grant, where nothing that was read gives the role to anyone."""
        with self._noting(role.inventory):
            rights = unbound(role.resource, role.inventory)
        if rights is not None:
            batch.add(Rights, rights, role, "")

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

    def _ask(self, groups: Groups, subjects: Sequence[Subject]) -> None:  # noqa: C901 (the hot loop: calls are kept few)
        tracer = self._tracer
        for group in groups:
            fitting = subjects if group.applies is None else [s for s in subjects if self._applies(group, s)]
            for _, one, _ in fitting:
                one.asked[group] = None
            for control_id, check, joins in group.bounds:
                advice = self._questions.advice[control_id]
                is_namespaced = self._questions.is_namespaced.get(control_id)
                for subject, one, prefix in fitting:
                    findings, since = one.findings, len(one.findings)
                    try:
                        if not joins:
                            violations = check(subject)
                        elif tracer is None:
                            violations = check(subject, one.inventory)
                        else:
                            name = GRANTS if isinstance(subject, Rights) else control_id
                            violations = _traced(tracer, name, partial(check, subject), one.inventory)
                        for violation in violations:
                            rooted = _rooted(violation, prefix, one.id, advice)
                            findings.append(Finding(control_id, one.id, rooted, one.joined))
                        if joins and one.inventory.relied:
                            one.rest_on(control_id, since, one.inventory.relied)
                        if is_namespaced and len(findings) > since:
                            known = (subject, one.inventory) if joins else (subject,)
                            if is_namespaced(*known):
                                one.mark_namespaced(since)
                    except NotJudged as reason:
                        is_absent = isinstance(reason, NotApplicable)
                        one.give_up(
                            control_id,
                            Reason(reason.why, reason.unread is not None, is_not_applicable=is_absent),
                        )
                        if reason.unread is not None:
                            one.unread.append((control_id, reason.unread))
                    except (Exception, SystemExit) as fault:
                        self._break(control_id, one, fault)
                    finally:
                        if joins:
                            one.inventory.relied.clear()

    def _applies(self, group: Group, subject: Subject) -> bool:
        what, one, _ = subject
        try:
            return group.applies is None or group.applies(what)
        except (Exception, SystemExit) as fault:
            for control_id in group.ids:
                self._break(control_id, one, fault)
            return False

    def _break(self, control_id: str, one: Open, fault: BaseException) -> None:
        one.give_up(control_id, _FAULT)
        log_of(__name__).error("control %s failed on %s", control_id, one.resource.title, exc_info=fault)
        why = f"{control_id} could not judge it: a fault in the control ({type(fault).__name__})"
        fix = "fix the control" if control_id in self._questions.of_users else "please report it"
        unread = Unread(_where(one.resource), why, "fault", hint=f"{fix}; --debug shows the details")
        one.unread.append((control_id, unread))

    def _verdict(self, one: Open) -> SubjectVerdict:
        """What was found of it.

        Controls that gave up on a part did not judge the object: the rest may pass, the whole may not. Failures count.
        """
        reasons, failed = one.reasons, frozenset[str]()
        if reasons:
            failed = frozenset(finding.control for finding in one.findings if finding.control in reasons)
        return SubjectVerdict(
            one.resource,
            tuple(one.findings),
            self._scope(one, failed),
            self._causes.setdefault((*reasons, *reasons.values()), tuple(reasons.items())) if reasons else (),
            tuple(one.unread) if one.unread else (),
            one.joined,
            one.passed_by() if one.passes else (),
        )

    def _scope(self, one: Open, failed: frozenset[str]) -> tuple[str, ...]:
        """The controls that judged one object, each once; objects with the same ones share the tuple.

        ``failed`` are those that gave up on a part and found something in another. They are in the key a second
        time, so that no two keys mean the same.
        """
        key: tuple[Group | str, ...] = (*one.asked, *one.reasons, *failed)
        scope = self._scopes.get(key)
        if scope is None:
            judged = {control_id for group in one.asked for control_id in group.ids}
            judged = (judged - one.reasons.keys()) | failed
            scope = self._scopes[key] = tuple(sorted(judged, key=self._questions.rank.__getitem__))
        return scope


class _Batch:
    """Objects, and by the type that controls select all that these are asked about."""

    def __init__(self, questions: Questions, objects: list[Open]) -> None:
        self.objects = objects
        self.roles: list[Open] = []
        self._questions = questions
        self._by_type: dict[type, list[Subject]] = {}
        self._by_kind: dict[str, list[Subject]] = {}
        for one in objects:
            self._take_apart(one)

    def subjects(self) -> Iterator[tuple[Groups, list[Subject]]]:
        """All that is asked about, and what of it."""
        for kind, subjects in self._by_kind.items():
            yield self._questions.on_kind(kind), subjects
        for selected, subjects in self._by_type.items():
            yield self._questions.on(selected), subjects

    def add(self, selected: type, subject: Any, one: Open, prefix: str) -> None:
        self._by_type.setdefault(selected, []).append((subject, one, prefix))

    def _take_apart(self, one: Open) -> None:
        questions, resource, kind = self._questions, one.resource, kind_name(one.resource)
        workloads = one.inventory.workloads_of(resource) if questions.about_pods else ()
        for name in (kind, EVERY_KIND, WORKLOADS) if workloads else (kind, EVERY_KIND):
            self._by_kind.setdefault(name, []).append((resource, one, ""))
        for workload in workloads:
            if questions.about_fields:
                one.unread += _malformed(workload)
            self.add(Workload, workload, one, workload.pod_path)
            for container in workload.containers:
                self.add(Container, container, one, container.path)
        if kind == "Namespace":
            self.add(Namespace, Namespace(resource), one, "")
        elif kind == "Pod" and questions.about_processes:
            process = process_of(resource)
            if process is not None:
                self.add(type(process), process, one, "")
        elif kind in _ROLES and questions.about_rights:
            self.roles.append(one)


def _malformed(workload: Workload) -> Iterator[tuple[str, Unread]]:
    for path, wanted in malformed_fields(workload.template.get("spec")):
        where = f"{workload.pod_path}{path}".rstrip(".")
        hint = "Kubernetes refuses such an object; fix the field"
        unread = Unread(_where(workload.resource), f"{where} must be {wanted}", "malformed", hint=hint)
        yield "", unread


def _traced(
    tracer: Tracer, name: str, check: Callable[[Inventory], Violations], inventory: Inventory
) -> Violations:
    reads: set[Read] = set()
    inventory.trace(reads)
    try:
        yield from check(inventory)
    finally:
        inventory.trace(None)
        tracer(name, reads)


def _rooted(violation: Violation, prefix: str, subject: str, advice: str) -> Violation:
    """``violation`` with a path from the root of its object; that of ``subject``, the one judged, is called "".

    ``advice`` is for one that gives none.

    Raises: ``TypeError`` where a control names the object by anything but its id.
    """
    if violation.__class__ is Missing:
        return violation
    on, path = violation.on, violation.path  # type: ignore[union-attr]
    if violation.__class__ is Review and advice and not violation.advice:
        violation = Review(path, on, advice)
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
