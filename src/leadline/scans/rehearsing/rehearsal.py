"""Rehearses policies: everything that was recorded, against each policy that has a say in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.kube.network_policy import policy_rules
from leadline.kube.reachability import End
from leadline.model.access import OTHER_NAME
from leadline.model.container import Container as Recorded
from leadline.model.profile import COMPLETE, Profile, Use
from leadline.model.rehearsal import Outcome, RehearsalReport, Rehearsed, Verdict
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.reach import end_of
from leadline.posture.subject import Container, Workload
from leadline.posture.worlds import Worlds
from leadline.runtime.rehearsal.files import file_outcomes
from leadline.runtime.rehearsal.network import Network, Services
from leadline.runtime.rehearsal.rights import rights_outcomes
from leadline.runtime.rehearsal.seccomp import Filter, filter_of, seccomp_outcomes
from leadline.scans.access.target import AccessWorld
from leadline.scans.access.unused import allowing, names_in_rules
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.addresses import services_of
from leadline.scans.rehearsing.profiles import read_recording
from leadline.scans.rehearsing.settings import (
    as_workload,
    container_of,
    filter_for,
    is_of,
    mounts_of,
    rights_of,
    seccomp_objects,
)
from leadline.scans.rehearsing.target import RehearsalTarget, read_target
from leadline.sources.audit.log import read_audit_logs
from leadline.sources.regular_file import is_regular, read_regular

_LARGEST_FILTER = 4 << 20
_ROLES = frozenset({"Role", "ClusterRole"})
_NAME = "kubernetes.io/metadata.name"


class RehearsalOptions(Struct, frozen=True):
    profiles: tuple[str, ...]
    """Files that the agent wrote."""
    audit_logs: tuple[str, ...] = ()
    workload: str = ""
    """``NAMESPACE/KIND/NAME[/CONTAINER]`` of containers that were recorded outside of a cluster."""
    policies: str = ""
    """YAML of further policies and workloads; they take the place of what is called alike among the targets."""


def rehearse(targets: Sequence[str], wanted: RehearsalOptions, options: PostureOptions) -> RehearsalReport:
    """``targets`` are files or folders of policies and workloads; the cluster where there is none.

    Raises: ``SourceError`` where a profile, or no policy at all, can be read; ``UsageError`` for a workload that makes no sense.
    """
    if wanted.workload and wanted.workload.count("/") not in (2, 3):
        raise UsageError(
            f"{wanted.workload}: not a workload",
            hint="write NAMESPACE/KIND/NAME or NAMESPACE/KIND/NAME/CONTAINER",
        )
    recording = read_recording(wanted.profiles, options)
    profiles, unread = recording.profiles, recording.unread
    filters, others = _split(targets)
    target = read_target(others, options) if others or not targets else RehearsalTarget((), (), ())
    if wanted.policies:
        target = _with_text(target, wanted.policies, options)
    unread += target.unread
    stage = Stage(target, filters, recording.ends)
    if wanted.workload:
        profiles = tuple(as_recorded(one, wanted.workload) for one in profiles)
    return stage.report(profiles, wanted.audit_logs, unread)


def _with_text(target: RehearsalTarget, text: str, options: PostureOptions) -> RehearsalTarget:
    """Raises: ``SourceError`` where no object is in the text."""
    added = read_target(("-",), replace(options, standard_input=text.encode("utf-8", "replace")))
    if not added.resources:
        raise SourceError(f"the policies hold no object: {added.unread[0].why}")

    def called(one: Resource) -> tuple[str, ...]:
        return one.group, one.kind, one.namespace or DEFAULT_NAMESPACE, one.name

    names = set(map(called, added.resources))
    kept = (one for one in target.resources if called(one) not in names)
    return RehearsalTarget((*kept, *added.resources), target.addresses, (*target.unread, *added.unread))


def as_recorded(profile: Profile, workload: str) -> Profile:
    known = profile.container
    return (
        profile if known.workload or known.pod else replace(profile, container=as_workload(profile, workload))
    )


def _split(targets: Sequence[str]) -> tuple[dict[str, Filter], tuple[str, ...]]:
    """Seccomp profiles as the kubelet reads them, by file name, and every other target."""
    filters: dict[str, Filter] = {}
    others: list[str] = []
    for target in targets:
        read = _filter(target) if target.endswith(".json") and is_regular(target) else None
        if read is None:
            others.append(target)
        else:
            filters[Path(target).name] = read
    return filters, tuple(others)


def _filter(path: str) -> Filter | None:
    with suppress(OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        body = msgspec.json.decode(read_regular(path, _LARGEST_FILTER))
        if isinstance(body, dict) and "kind" not in body:
            return filter_of(body, path)
    return None


class Stage:
    """Policies and workloads, ready to be asked about containers."""

    def __init__(
        self,
        target: RehearsalTarget,
        filters: Mapping[str, Filter],
        ends: Mapping[str, End] = MappingProxyType({}),
        services: Services | None = None,
    ) -> None:
        """``ends``: as ``Recording.ends``; ``services`` where they are known already."""
        resources = self._resources = [one for one in target.resources if one.origin.kind != "derived"]
        self._worlds = tuple(Worlds(resources, Facts()))
        rules = [rule for one in resources for rule in policy_rules(one)]
        if services is None:
            services = services_of([*resources, *target.addresses])
        self._network = Network(rules, replace(services, pods={**ends, **services.pods}))
        self._filters = {**seccomp_objects(resources), **filters}
        self._given = frozenset(filters)
        self._named: set[str] = set()
        """Seccomp profiles that a workload asks for."""
        for world in self._worlds:
            for workload in world.workloads:
                for container in workload.containers:
                    found = filter_for(container, self._filters)
                    self._named |= {name for name, one in self._filters.items() if one is found}

    def report(
        self, profiles: Iterable[Profile], audit_logs: Sequence[str], unread: tuple[Unread, ...]
    ) -> RehearsalReport:
        missing: list[Unread] = []
        found: list[Rehearsed] = []
        used: set[str] = set()
        for profile in profiles:
            matched = self._workload(profile.container)
            outcomes = tuple(self._outcomes(profile, matched, missing))
            if matched is not None:
                used.add(matched[0].resource.id)
            if not outcomes:
                why = (
                    "no policy has a say in what it did"
                    if matched
                    else "no policy selects it, and no workload that was read is its own"
                )
                missing.append(Unread(container_title(profile.container), why, "missing"))
            found.append(
                Rehearsed(
                    profile.container,
                    profile.completion,
                    profile.reasons,
                    profile.since_s,
                    profile.until_s,
                    outcomes,
                )
            )
        requests, more = self._requests(audit_logs)
        if requests:
            found.append(
                Rehearsed(
                    Recorded("", name="API requests of service accounts"), COMPLETE, (), 0.0, 0.0, requests
                )
            )
        missing += more
        missing += self._unused(used)
        policies = {one.by for container in found for one in container.outcomes if one.by}
        notes = _notes(found, self._network)
        return RehearsalReport(
            tuple(found), tuple(sorted(policies)), tuple(dict.fromkeys(missing)), unread, notes
        )

    def _workload(self, recorded: Recorded) -> tuple[Workload, Inventory] | None:
        every = [(one, world) for world in self._worlds for one in world.workloads if is_of(recorded, one)]
        # A template, where its pods were read too: it is what is to be changed.
        return next((one for one in every if one[0].is_templated), every[0] if every else None)

    def _outcomes(
        self, profile: Profile, matched: tuple[Workload, Inventory] | None, missing: list[Unread]
    ) -> Iterator[Outcome]:
        if self._network.rules:
            own = self._end(profile.container, matched)
            if own is None:
                missing.append(
                    Unread(
                        container_title(profile.container),
                        "its namespace is not known, so no network policy was judged",
                        "missing",
                    )
                )
            elif self._network.may_select(own):
                yield from self._network.outcomes(own, profile.peers)
        container = container_of(profile.container, matched[0]) if matched else None
        if matched and container is None:
            missing.append(
                Unread(
                    container_title(profile.container),
                    f"{matched[0].resource.title} has no such container",
                    "missing",
                )
            )
        wanted: Filter | str | None = None
        if container is not None:
            yield from self._of_settings(profile, container)
            wanted = filter_for(container, self._filters)
        for name in sorted(self._given - self._named) if wanted is None else ():
            yield from self._of_filter(profile, self._filters[name], missing)
        if isinstance(wanted, Filter):
            yield from self._of_filter(profile, wanted, missing)
        elif wanted is not None:
            missing.append(Unread(container_title(profile.container), wanted, "missing"))

    def _of_settings(self, profile: Profile, container: Container) -> Iterator[Outcome]:
        mounts = mounts_of(container)
        if mounts.is_root_read_only or mounts.read_only:
            yield from file_outcomes(profile, mounts)
        yield from rights_outcomes(profile, rights_of(container))

    def _of_filter(self, profile: Profile, wanted: Filter, missing: list[Unread]) -> Iterator[Outcome]:
        if not profile.syscalls:
            missing.append(
                Unread(container_title(profile.container), "its system calls were not recorded", "incomplete")
            )
        yield from seccomp_outcomes(profile, wanted)

    def _end(self, recorded: Recorded, matched: tuple[Workload, Inventory] | None) -> End | None:
        if matched is not None:
            # Any of its pods: the one that was recorded may be gone.
            return replace(end_of(*matched), name="", address="")
        if not recorded.namespace:
            return None
        spaces = {_NAME: recorded.namespace}
        return End(
            recorded.namespace, dict(recorded.labels), bool(recorded.labels), spaces, is_namespace_known=False
        )

    def _requests(self, audit_logs: Sequence[str]) -> tuple[tuple[Outcome, ...], list[Unread]]:
        roles = [one for one in self._resources if one.kind in _ROLES]
        if not audit_logs:
            hint = "give the audit logs of the API server"
            return (), [
                Unread(one.title, "which requests were made is in audit logs only", "missing", hint=hint)
                for one in roles
            ]
        worlds = [AccessWorld(inventory, "") for inventory in self._worlds]
        record = read_audit_logs(audit_logs, names_in_rules(worlds))
        found: list[Outcome] = []
        bound = set()
        for world in worlds:
            bound |= {grant.role.id for grant in world.grants}
            for request, times in sorted(record.requests.items()):
                if request.subject.kind != "ServiceAccount" or request.subject not in world.by_subject:
                    continue
                what = " ".join(filter(None, (
                    request.subject.title, "asks to", request.verb, request.path or request.resource,
                    request.name.replace(OTHER_NAME, ""), request.namespace and f"in {request.namespace}",
                )))  # fmt: skip
                by = next(allowing(world, request), None)
                why = "no role that is given to it here allows it" if by is None else ""
                title = f"{by[1].role.title}" if by else ""
                verdict: Verdict = "allowed" if by else "blocked"
                found.append(Outcome("request", what, verdict, why, title, Use(times=times)))
        unbound = [
            Unread(one.title, "no binding among the policies gives it to anyone", "missing")
            for one in roles
            if one.id not in bound
        ]
        return tuple(found), [*unbound, *record.unread]

    def _unused(self, used: set[str]) -> Iterator[Unread]:
        for world in self._worlds:
            for workload in world.workloads:
                if workload.is_templated and workload.resource.id not in used:
                    yield Unread(
                        workload.resource.title, "none of its containers is in the profiles", "missing"
                    )


def _notes(found: Sequence[Rehearsed], network: Network) -> tuple[str, ...]:
    notes = []
    if any(one.completion != COMPLETE for one in found):
        notes.append("a partial profile lacks what was done before it began or was lost: that is not judged")
    if network.rules and not network.knows_addresses:
        notes.append(
            "pods and Services were not read, so that it is not known whose the addresses of the cluster are"
        )
    return tuple(notes)


def container_title(container: Recorded) -> str:
    """``shop/Deployment/web, container web``."""
    if container.workload:
        place = f"{container.namespace}/{container.workload_kind}/{container.workload}"
    else:
        place = "/".join(filter(None, (container.namespace, container.pod)))
    name = f"container {container.name}" if container.name else f"container {container.id}"
    return f"{place}, {name}" if place else container.name or container.id
