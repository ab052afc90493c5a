"""The results of every object of a cluster in the form that a store keeps them, kept current with its changes.

A change judges again what it touches and nothing else; what comes out is the same as of a fresh scan of all objects.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from leadline.api.posture_results import Place, place_for, posture_puts, wanted_places
from leadline.api.protocol import Put
from leadline.api.risk_results import risk_puts
from leadline.api.selection import Key
from leadline.kube.workload import POD_KINDS
from leadline.model.access import Access
from leadline.model.control import Control
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.outputs.redaction.report import Redaction
from leadline.posture.engine import Judge
from leadline.posture.follow import Followed
from leadline.posture.risk.followed_risks import FollowedRisks
from leadline.posture.verdicts import Judgement, SubjectVerdict, Verdict
from leadline.posture.worlds import Worlds
from leadline.scans.access.target import access_in
from leadline.scans.access.to_admin import to_admin
from leadline.scans.options import PostureOptions
from leadline.scans.posture.exposed_objects import exposed_in
from leadline.scans.posture.policies import Policies
from leadline.scans.posture.posture_scan import asked_controls, facts_of, report_of
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.selection import selected
from leadline.scans.posture.settings import Settings
from leadline.scans.stored.workload_images import Owner, WorkloadImages, owner_of
from leadline.scans.waivers.waiving import (
    Waiving,
    controls_of,
    covered,
    in_namespaces,
    labels_of_namespaces,
    waived,
    waivers_of_files,
)
from leadline.sources.waivers.marks import annotated
from leadline.sources.waivers.security_exceptions import is_security_exception, security_exception
from leadline.waivers.apply import is_over, why_unusable

_ROLES = frozenset({"Role", "ClusterRole"})
_ACCESS = _ROLES | {"RoleBinding", "ClusterRoleBinding", "ServiceAccount"}
Covered = Mapping[str, int]
"""Findings that each waiver is about, by its source."""


class ScanRules(Struct, frozen=True):
    """What a scan judges by."""

    options: PostureOptions
    policies: Policies
    settings: Settings
    home: str = "leadline"
    """Namespace for results about objects that have none."""


class Results(Struct, frozen=True):
    """What a store is to hold now of some objects."""

    puts: tuple[Put, ...] = ()
    gone: tuple[Key, ...] = ()
    """Of deleted results."""
    ids: tuple[str, ...] = ()
    """Of all objects that it is about."""


class FollowedResults:
    """Not to be used from several threads at once."""

    def __init__(self, rules: ScanRules, reading: Reading) -> None:
        self.rules = rules
        self.reading = reading
        options = rules.options
        self._hidden = Redaction(options.secrets)
        self._hidden.learn_from(reading.resources)
        self._waiving = Waiving(
            waivers_of_files(options.waivers),
            tuple(rules.policies.known),
            options,
            is_of_frameworks=rules.policies.is_of_frameworks,
        )
        facts = facts_of(options, reading)
        self._judge = Judge(asked_controls(reading, rules.policies), rules.settings, facts)
        self._worlds = Worlds(reading.resources, facts)
        self._followed = Followed(self._judge, self._worlds)
        self._risks = FollowedRisks(self._worlds, self._followed.same)
        self.images = WorkloadImages()
        """What ranks count of images; who changes it says so to ``look_at_images``."""
        self._selecting = [
            one
            for one in self._waiving.given
            if any(match.namespace_labels is not None for match in one.matches)
        ]
        self._exceptions: dict[str, Resource] = {}
        self._read: dict[str, Waiver] = {}
        """Those of the exceptions that can be used, by id."""
        self._namespaces: dict[str, Resource] = {}
        self._expiring: dict[str, tuple[Waiver, ...]] = {}
        """Annotations that accept something until some day, by the id of their object."""
        self._looked = datetime.now(UTC)
        for resource in self._worlds.resources:
            self._note(resource)
        # What was read changes, and is not to be held twice.
        self.reading = replace(reading, resources=())
        self._claims = Claims()
        self._keys: dict[str, tuple[Key, ...]] = {}
        """Of the results of an object, and of what is derived from it, as they are now, by its id."""
        self._joins: dict[str, frozenset[str]] = {}
        """For each binding the ids of what its subjects were joined from."""
        self._covered: dict[str, Covered] = {}
        self.is_access_new = True
        """Whether roles, bindings or accounts changed; who asks for ``admin_paths`` takes it back."""
        self.pending: dict[str, None] = dict.fromkeys(self._followed.ids)
        """Ids of the objects whose results may be other than those that were taken last; the first waits longest."""

    @property
    def objects(self) -> int:
        return len(self._worlds.resources)

    @property
    def keys(self) -> Iterator[Key]:
        """Of the results of all that was taken so far."""
        return chain.from_iterable(self._keys.values())

    @property
    def exceptions(self) -> tuple[Resource, ...]:
        """The objects in which the cluster keeps accepted findings."""
        return tuple(self._exceptions.values())

    @property
    def covered(self) -> Covered:
        """Findings that each exception is about, of what was taken so far, by its source: those that expired as well."""
        counts: Counter[str] = Counter()
        for row in self._covered.values():
            counts.update(row)
        return counts

    def exposed(self) -> Mapping[str, tuple[str, ...]]:
        """What leads to an object from outside, by the title of the object."""
        titles = {resource.id: resource.title for resource in self._worlds.resources}
        return {titles[id]: ways for id, ways in exposed_in(self._worlds).items()}

    def take(
        self, removed: Collection[str], added: Collection[Resource], unread: Iterable[Unread] = ()
    ) -> None:
        """Follows a change; ``pending`` names what it touches."""
        self.reading = replace(self.reading, unread=(*self.reading.unread, *unread))
        self._hidden.renew(self._worlds.resources)
        self._hidden.learn_from(added)
        self.is_access_new |= not _ACCESS.isdisjoint(
            (
                *(one.kind for one in added),
                *(kind for id in removed for kind in id.rsplit("/", 2)[-2:-1]),
            )
        )
        before = self._waivers()
        difference = self._followed.change(removed, added)
        for id in removed:
            for held in (self._exceptions, self._read, self._namespaces, self._expiring):
                held.pop(id, None)
        for resource in added:
            self._note(resource)
        self.pending |= dict.fromkeys(difference.touched)
        self.pending |= dict.fromkeys(self._risks.touched(difference.stale))
        # Marks on a role accept findings about those who hold it, and change no verdict.
        roles = {one.id for one in added if one.kind in _ROLES}
        self.pending |= dict.fromkeys(id for id, parts in self._joins.items() if roles & parts)
        after = self._waivers()
        self._expect(one for source, one in before.items() if after.get(source) != one)
        self._expect(one for source, one in after.items() if before.get(source) != one)

    def look_at_time(self, now: datetime) -> None:
        """Has looked at again what was accepted until a moment that has passed since the last time."""
        since, self._looked = self._looked, now
        over = [
            one for one in (*self._waiving.given, *self._waivers().values()) if _has_ended(one, since, now)
        ]
        self._expect(over)
        for id, waivers in self._expiring.items():
            if any(_has_ended(one, since, now) for one in waivers):
                self.pending[id] = None
                self.pending |= dict.fromkeys(i for i, parts in self._joins.items() if id in parts)

    def look_at_images(self, owners: Collection[Owner]) -> None:
        """Has the workloads ranked again of whose images something else is known."""
        if owners:
            self.pending |= dict.fromkeys(
                one.id for one in self._worlds.resources if one.kind in POD_KINDS and owner_of(one) in owners
            )

    def results(self, ids: Collection[str], at: str) -> Results:
        """What a store is to hold of the objects called ``ids``, and of those whose place they take or leave."""
        part = self._part(ids)
        wants: dict[str, list[tuple[str, Place]]] = {id: [] for id in ids}
        for subject, place in wanted_places(part.report, self.rules.home):
            wants[part.owners[subject]].append((subject, place))
        contested = self._claims.take(wants) - wants.keys()
        if contested:
            return self.results((*ids, *contested), at)
        before = {key for id in ids for key in self._keys.pop(id, ())}
        places = {
            subject: self._claims.place(subject, want) for rows in wants.values() for subject, want in rows
        }
        for id in wants:
            self.pending.pop(id, None)
            self._covered.pop(id, None)
        self._covered |= part.covered
        puts = (
            *posture_puts(part.report, self.rules.home, at, places),
            *risk_puts(part.report, self._ranked(ids, part), at, places),
        )
        owners = {place: part.owners[subject] for subject, place in places.items()}
        for put in puts:
            id = owners[put.key.namespace, put.key.name]
            self._keys[id] = (*self._keys.get(id, ()), put.key)
        return Results(puts, tuple(sorted(before - {put.key for put in puts})), tuple(ids))

    def _ranked(self, ids: Iterable[str], part: "_Part") -> Iterator[WorkloadRisk]:
        """The ranks of those among ``ids`` that run pods and fail anything, as they may be shown."""
        controls = {control.id: control for control in part.report.controls}
        failed: dict[str, dict[str, Control]] = {}
        for finding in part.report.findings:
            failed.setdefault(finding.resource, {})[finding.control] = finding.control_of(controls)
        for id in ids:
            self._risks.forget(id)
        looked_at = []
        for shown, id in part.owners.items():
            resource = self._worlds.get(id)
            if shown in failed and resource is not None:
                looked_at.append(resource)
                facts = self.images.facts_of(resource)
                risk = self._risks.of(resource, tuple(failed[shown].values()), facts)
                if risk is not None:
                    yield replace(self._hidden.risk(risk), resource=shown)
        self._worlds.settle(looked_at)

    def admin_paths(self) -> tuple[Access, ...]:
        """Who can reach cluster admin as it is now, and is not Kubernetes' own; without secrets."""
        text = self._hidden.text
        found = to_admin(access_in(self._worlds, self.reading.target.name)).found
        return tuple(
            replace(one, steps=tuple(replace(step, text=text(step.text)) for step in one.steps))
            for one in found
        )

    def report(self) -> PostureReport:
        """All as it is now. Without bodies."""
        # What was looked at for others: changes let go only of what they judged.
        self._worlds.settle(self._worlds.resources)
        return self._shown(self._raw(self._followed.judgement))

    def _part(self, ids: Iterable[str]) -> "_Part":
        own: list[SubjectVerdict] = []
        grants: list[SubjectVerdict] = []
        owners: list[str] = []
        for id in ids:
            verdict = self._followed.verdict_of(id)
            self._joins.pop(id, None)
            if verdict is not None:
                own.append(verdict.own)
                grants += verdict.grants
                owners += [id] * sum(1 for grant in verdict.grants if grant.joined)
                if verdict.grants:
                    self._joins[id] = frozenset(i for grant in verdict.grants for i in grant.joined)
        judgement = self._judge.put_together(own, grants)
        first = len(own)
        others = self._beside(judgement)
        judgement = replace(
            judgement,
            resources=(*judgement.resources[:first], *others, *judgement.resources[first:]),
            judged=(*judgement.judged[:first], *((),) * len(others), *judgement.judged[first:]),
        )
        raw = self._raw(judgement)
        report = self._shown(raw)
        of = [*(one.resource.id for one in own), *(other.id for other in others), *owners]
        counts: dict[str, Counter[str]] = {}
        if self._exceptions:
            owner_of = {one.id: id for one, id in zip(raw.resources, of, strict=True)}
            spaces = _spaces(raw.resources)
            near = [one for one in self._waivers().values() if _is_near(_namespaces_of(one), spaces)]
            for subject, row in covered(raw, near).items():
                counts.setdefault(owner_of[subject], Counter()).update(row)
        return _Part(report, {one.id: id for one, id in zip(report.resources, of, strict=True)}, counts)

    def _beside(self, judgement: Judgement) -> tuple[Resource, ...]:
        """The objects that results name, and those that decide which findings are accepted."""
        there = {resource.id for resource in judgement.resources}
        ids = {id for parts in judgement.joined for id in parts} - there
        named = [one for id in sorted(ids) if (one := self._worlds.get(id)) is not None]
        spaces = _spaces((*judgement.resources, *named))
        # Thousands of exceptions of other namespaces are none of what is judged here.
        near = [one for one in self._exceptions.values() if not one.namespace or one.namespace in spaces]
        deciding = (*near, *(self._namespaces.values() if near or self._waiving.given else ()))
        return (*named, *(one for one in deciding if one.id not in there | ids))

    def _raw(self, judgement: Judgement) -> PostureReport:
        rules = self.rules
        judgement = selected(rules.options, judgement)
        report = report_of(self.reading, rules.policies, rules.settings, judgement, 0.0)
        return replace(report, objects=self.objects)

    def _shown(self, report: PostureReport) -> PostureReport:
        """``report`` without what is accepted, secrets and bodies."""
        return self._hidden.report(waived(report, self.reading.places, self._waiving))

    def _note(self, resource: Resource) -> None:
        if is_security_exception(resource.body):
            self._exceptions[resource.id] = resource
            waiver = security_exception(resource.body, resource.title)
            if isinstance(waiver, Waiver) and not why_unusable(waiver):
                self._read[resource.id] = waiver
        elif resource.kind == "Namespace":
            self._namespaces[resource.id] = resource
        expiring = tuple(one for one in annotated(resource) if one.expires)
        if expiring and self.rules.options.use_target_waivers:
            self._expiring[resource.id] = expiring

    def _waivers(self) -> dict[str, Waiver]:
        """Those that are objects of their own, and those of files that ask for labels of namespaces, by what names them."""
        own = self._read.values() if self.rules.options.use_target_waivers else ()
        found = [*self._selecting, *own]
        if not found:
            return {}
        known = in_namespaces(found, labels_of_namespaces(self._namespaces.values()))
        return {f"{one.source} {one.name}": one for one in known}

    def _expect(self, waivers: Iterable[Waiver]) -> None:
        """Has all looked at again that ``waivers`` may be about."""
        found = [(controls_of((one,), self._waiving.known), _namespaces_of(one)) for one in waivers]
        found = [row for row in found if row[0]]
        for id in self._followed.ids if found else ():
            verdict = self._followed.verdict_of(id)
            if verdict is not None and any(_may_be_about(verdict, *row) for row in found):
                self.pending[id] = None


class _Part(Struct, frozen=True):
    report: PostureReport
    owners: Mapping[str, str]
    """For the id of each object, as it is shown, the id of the object that it comes from."""
    covered: Mapping[str, Covered]
    """For the objects with findings that exceptions are about, by id: how many, by the exception's source."""


class Claims:
    """Who wants which place for results: kinds of one name in two API groups want the same."""

    def __init__(self) -> None:
        self._claims: dict[Place, tuple[tuple[str, str], ...]] = {}
        """Ids of the one judged and of the object that it comes from."""
        self._wants: dict[str, tuple[tuple[str, Place], ...]] = {}

    def place(self, subject: str, want: Place) -> Place:
        """Where the results of ``subject`` go, which wants ``want``."""
        return place_for(subject, want, [one for one, _ in self._claims[want]])

    def take(self, wants: Mapping[str, Sequence[tuple[str, Place]]]) -> set[str]:
        """What objects want now, by their ids; returns the ids of all that share a place whose claims changed."""
        changed: dict[Place, None] = {}
        for id, rows in wants.items():
            old, new = self._wants.pop(id, ()), tuple(rows)
            if new:
                self._wants[id] = new
            if old != new:
                changed |= dict.fromkeys(place for _, place in (*old, *new))
                self._change(id, old, new)
        return {id for place in changed for _, id in self._claims.get(place, ())}

    def _change(self, id: str, old: Sequence[tuple[str, Place]], new: Sequence[tuple[str, Place]]) -> None:
        for subject, place in old:
            left = tuple(one for one in self._claims[place] if one != (subject, id))
            if left:
                self._claims[place] = left
            else:
                del self._claims[place]
        for subject, place in new:
            self._claims[place] = (*self._claims.get(place, ()), (subject, id))


def _spaces(resources: Iterable[Resource]) -> set[str]:
    """The namespaces that they are in, or are."""
    return {one.name if one.kind == "Namespace" else one.namespace for one in resources}


def _is_near(namespaces: frozenset[str] | None, spaces: set[str]) -> bool:
    return namespaces is None or not namespaces.isdisjoint(spaces)


def _namespaces_of(waiver: Waiver) -> frozenset[str] | None:
    """The namespaces that it is limited to; ``None`` for all, or where patterns say which."""
    names = [match.namespaces for match in waiver.matches]
    if not all(names) or any(set("*?[") & set(name) for row in names for name in row):
        return None
    return frozenset(chain.from_iterable(names))


def _may_be_about(verdict: Verdict, controls: frozenset[str], namespaces: frozenset[str] | None) -> bool:
    if namespaces is not None:
        held = [one.resource for one in verdict.subjects]
        if not any(one.namespace in namespaces or one.name in namespaces for one in held):
            return False
    return any(finding.control in controls for finding in verdict.findings)


def _has_ended(waiver: Waiver, since: datetime, now: datetime) -> bool:
    return bool(waiver.expires) and is_over(waiver, now) and not is_over(waiver, since)
