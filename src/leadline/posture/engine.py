"""The loop: every control over every subject of every resource, once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from msgspec import Struct

from leadline.kube.rbac import Grant, unknown_roles
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
from leadline.posture.inventory import EVERY_KIND, WORKLOADS, Inventory, kind_name
from leadline.posture.subject import Container, Namespace, Workload, workloads_of

Settings = Mapping[str, tuple[str, ...]]
Applies = Callable[[Any], bool] | None
Bound = tuple[str, Callable[[Any], Violations], Applies]
"""Control id, check with settings and inventory filled in, and which subjects it applies to."""


_OURS = "leadline.posture."
"""How the modules of the controls begin that come with the product."""
_FAULT = NotJudged("a fault in the control; the objects it broke on are among what was not read")


class Facts(Struct, frozen=True):
    """What is known of the target besides its objects."""

    is_whole: bool = False
    """Whether the target is a whole cluster."""
    server_version: str = ""
    cloud: str = ""
    """``EKS``, ``AKS``, ``GKE``, ``none`` for another cluster; empty where unknown, and then every control is asked."""
    is_asked: bool = False
    """Whether the controls were asked for by name: they then judge what is there as if it were all."""


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
    return _Judge(resources, controls, settings or {}, facts or Facts()).run()


class _Judge:
    def __init__(
        self,
        resources: Sequence[Resource],
        controls: Sequence[BuiltControl],
        settings: Settings,
        facts: Facts,
    ) -> None:
        self._ids: set[str] = set()
        resources = self._resources = with_own_ids(resources, self._ids)
        self._workloads: dict[int, tuple[Workload, ...]] = {}
        self._inventory = Inventory(
            resources,
            workloads=self._workloads_of,
            is_whole=facts.is_whole,
            is_asked=facts.is_asked,
            server_version=facts.server_version,
            cloud=facts.cloud,
        )
        self._cloud = facts.cloud
        self._controls = controls
        self._rank = {control.id: rank for rank, control in enumerate(controls)}
        self._of_users = {c.id for c in controls if not c.module.startswith(_OURS)}
        self._on: dict[type, list[Bound]] = defaultdict(list)
        self._on_kind: dict[str, list[Bound]] = defaultdict(list)
        self._skips: list[Skip] = []
        for control in controls:
            self._file(control, settings)
        self._findings: list[Finding] = []
        self._unread: list[Unread] = []
        self._not_judged: dict[str, NotJudged] = {}
        self._told: set[Unread] = set()
        self._gave_up: set[str] = set()
        """Controls that could not judge some part of the resource at hand."""
        self._scopes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._looks_at_pods = bool(self._on[Workload] or self._on[Container] or self._on_kind.get(WORKLOADS))
        self._looks_at_processes = any(self._on[process] for process in PROCESSES)

    def run(self) -> Judgement:
        judged = [self._judge(resource) for resource in self._resources]
        subjects: list[Resource] = []
        joined: list[tuple[str, ...]] = []
        if self._on[Grant]:
            self._name_unknown_roles()
            for grant in self._inventory.grants:
                (subject,) = with_own_ids((grant.as_resource(),), self._ids)
                subjects.append(subject)
                joined.append((grant.binding.id, grant.role.id))
                judged.append(self._judge_grant(grant, subject))
        never = set(self._rank) - {control_id for ids in set(judged) for control_id in ids}
        never -= {skip.control for skip in self._skips}
        skips = [self._skip(c) for c in self._controls if c.id in never]
        return Judgement(
            tuple(self._findings),
            (*self._resources, *subjects),
            tuple(judged),
            tuple(joined),
            tuple(sorted((*self._skips, *skips), key=lambda skip: self._rank[skip.control])),
            tuple(self._unread),
        )

    def _name_unknown_roles(self) -> None:
        """A binding to a role that was not read may allow anything: it is no pass."""
        for binding, role in unknown_roles(self._inventory.rbac):
            why = f"its role {role} was not read, so what it allows is unknown"
            self._unread.append(Unread(_where(binding), why, hint="scan it together with the role"))

    def _file(self, control: BuiltControl, settings: Settings) -> None:
        """Puts a control under what it looks at, or among the skipped."""
        if control.manual:
            self._skips.append(Skip(control.id, control.manual, "manual"))
        elif control.check is None or control.subject is None:
            self._skips.append(Skip(control.id, f"not built yet: needs {control.needs}", "not built"))
        elif control.cloud and self._cloud not in ("", control.cloud):
            self._skips.append(Skip(control.id, f"for {control.cloud} clusters only"))
        else:
            chosen = {name: settings.get(name, default) for name, default in control.settings.items()}
            if control.needs_setting and not any(chosen.values()):
                names = " or ".join(sorted(chosen))
                self._skips.append(Skip(control.id, f"nothing set for {names}", "settings"))
                return
            bound = (control.id, self._bind(control, chosen), control.applies)
            if control.subject is Resource:
                for kind in (EVERY_KIND,) if EVERY_KIND in control.kinds else control.kinds:
                    self._on_kind[kind].append(bound)
            else:
                self._on[control.subject].append(bound)

    def _bind(self, control: BuiltControl, chosen: dict[str, tuple[str, ...]]) -> Callable[[Any], Violations]:
        check = control.check
        assert check is not None
        arguments: dict[str, Any] = dict(chosen)
        if control.joins:
            arguments[check.__code__.co_varnames[1]] = self._inventory
        return partial(check, **arguments) if arguments else check

    def _workloads_of(self, resource: Resource) -> tuple[Workload, ...]:
        """The workloads of a resource, built once; only those of resources that have some are kept."""
        found = self._workloads.get(id(resource))
        if found is None:
            found = workloads_of(resource)
            if found:
                self._workloads[id(resource)] = found
        return found

    def _judge(self, resource: Resource) -> tuple[str, ...]:
        kind = kind_name(resource)
        first = len(self._findings)
        judged: list[str] = []
        if bounds := self._on_kind.get(kind):
            self._run(bounds, resource, resource, "", judged)
        if bounds := self._on_kind.get(EVERY_KIND):
            self._run(bounds, resource, resource, "", judged)
        if kind == "Namespace" and self._on[Namespace]:
            self._run(self._on[Namespace], Namespace(resource), resource, "", judged)
        workloads = self._workloads_of(resource) if self._looks_at_pods else ()
        if workloads and (bounds := self._on_kind.get(WORKLOADS)):
            self._run(bounds, resource, resource, "", judged)
        for workload in workloads:
            self._judge_workload(workload, judged)
        if kind == "Pod" and self._looks_at_processes:
            process = process_of(resource)
            if process is not None:
                self._run(self._on[type(process)], process, resource, "", judged)
        if len(self._findings) - first > 1:
            rank = self._rank
            self._findings[first:] = sorted(self._findings[first:], key=lambda f: rank[f.control])
        return self._scope(self._counted(judged, first))

    def _judge_workload(self, workload: Workload, judged: list[str]) -> None:
        resource = workload.resource
        for path, wanted in malformed_fields(workload.template.get("spec")):
            where = f"{workload.pod_path}{path}".rstrip(".")
            self._unread.append(
                Unread(
                    _where(resource),
                    f"{where} must be {wanted}",
                    hint="Kubernetes refuses such an object; fix the field",
                )
            )
        self._run(self._on[Workload], workload, resource, workload.pod_path, judged)
        for container in workload.containers:
            self._run(self._on[Container], container, resource, container.path, judged)

    def _judge_grant(self, grant: Grant, subject: Resource) -> tuple[str, ...]:
        judged: list[str] = []
        first = len(self._findings)
        self._run(self._on[Grant], grant, subject, "", judged, (grant.binding.id, grant.role.id))
        return self._scope(self._counted(judged, first))

    def _counted(self, judged: list[str], first: int) -> list[str]:
        """``judged`` without controls that gave up on a part: the rest may pass, the whole may not. Failures count."""
        if not self._gave_up:
            return judged
        failed = {finding.control for finding in self._findings[first:]}
        counted = [i for i in judged if i not in self._gave_up] + sorted(self._gave_up & failed)
        self._gave_up.clear()
        return counted

    def _run(
        self,
        bounds: Iterable[Bound],
        subject: Any,
        resource: Resource,
        prefix: str,
        judged: list[str],
        related: tuple[str, ...] = (),
    ) -> None:
        found = self._findings
        for control_id, check, applies in bounds:
            try:
                if applies is not None and not applies(subject):
                    continue
                for violation in check(subject):
                    found.append(
                        Finding(control_id, resource.id, _rooted(violation, prefix, resource.id), related)
                    )
                judged.append(control_id)
            except NotJudged as reason:
                self._keep(control_id, reason)
                self._gave_up.add(control_id)
            except (Exception, SystemExit) as fault:
                self._gave_up.add(control_id)
                self._not_judged.setdefault(control_id, _FAULT)
                log_of(__name__).exception("control %s failed on %s", control_id, resource.title)
                why = f"{control_id} could not judge it: a fault in the control ({type(fault).__name__})"
                fix = "fix the control" if control_id in self._of_users else "please report it"
                self._unread.append(Unread(_where(resource), why, hint=f"{fix}; --debug shows the details"))

    def _keep(self, control_id: str, reason: NotJudged) -> None:
        """What could not be read is told once, and outweighs that a control looks at other kinds."""
        known = self._not_judged.get(control_id)
        if known is None or (known.unread is None and reason.unread is not None):
            self._not_judged[control_id] = reason
        if reason.unread is not None and reason.unread not in self._told:
            self._told.add(reason.unread)
            self._unread.append(reason.unread)

    def _skip(self, control: BuiltControl) -> Skip:
        """Why a control that was asked judged nothing."""
        reason = self._not_judged.get(control.id)
        if reason is None:
            return Skip(control.id, _nothing_to_judge(control))
        return Skip(control.id, reason.why, "not read" if reason.unread or reason is _FAULT else "no objects")

    def _scope(self, judged: list[str]) -> tuple[str, ...]:
        """The controls of one resource, each once; resources with the same ones share the tuple."""
        key = tuple(judged)
        scope = self._scopes.get(key)
        if scope is None:
            rank = self._rank
            scope = self._scopes[key] = tuple(sorted(set(judged), key=rank.__getitem__))
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
    whole = path if on else (prefix + path).rstrip(".")
    if violation.__class__ is Set:
        return Set(whole, violation.value)
    return Remove(whole) if violation.__class__ is Remove else Review(whole)


def _where(resource: Resource) -> str:
    return f"{resource.origin.file}: {resource.title}" if resource.origin.file else resource.title


def _nothing_to_judge(control: BuiltControl) -> str:
    subject = control.subject
    if subject is not None and issubclass(subject, ControlPlaneProcess):
        return f"no {subject.program} Pod"
    if subject is Resource:
        return "no " + " or ".join(kind.partition(".")[0] for kind in control.kinds)
    return {Grant: "no role bound to anyone", Namespace: "no Namespace"}.get(
        subject or object, "no workload it applies to"
    )
