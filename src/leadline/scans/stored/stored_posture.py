"""The posture report that a store's results amount to, so that it is shown, gated and counted as a scan's."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
from msgspec import Struct, structs

from leadline.api.kind import PREFIX
from leadline.api.posture_reading import Accepted, StoredResult, stored_result
from leadline.api.posture_results import SCANS, SUMMARIES
from leadline.api.protocol import Entry, Store
from leadline.api.risk_results import RISKS, stored_risk
from leadline.api.selection import labels_of
from leadline.errors import SourceError
from leadline.kube.workload import POD_KINDS
from leadline.model.control import Control, Framework
from leadline.model.finding import Finding, Skip
from leadline.model.report import FrameworkWaived, PostureReport, Target, TargetKind, Waived
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.rows.no_places import NoPlaces
from leadline.posture.verdicts import Judgement
from leadline.scans.options import PostureOptions
from leadline.scans.posture.policies import Policies, choose_policies
from leadline.scans.posture.selection import in_namespaces, selected
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE, UNHEARD, all_of
from leadline.scans.waivers.waiving import Waiving, waived, waivers_of_files
from leadline.waivers.apply import moment_of

Body = dict[str, Any]
FOLLOWED = (FOLLOWING, STALE)


class _Run(Struct, frozen=True):
    """A ScanRun, as far as it is read here."""

    name: str
    phase: str
    message: str
    is_full: bool
    spec: Body
    status: Body


async def stored_posture(store: Store, options: PostureOptions) -> PostureReport:
    """The newest results of every object, narrowed by the choice that ``options`` make.

    Raises:
        UsageError: an unknown control, framework or workload.
        SourceError: nothing is stored.
        StoreError: the store cannot be read.
    """
    runs = await all_of(store, RUNS)
    results = [stored_result(entry) for entry in await all_of(store, SCANS)]
    if not results and not runs:
        raise _nothing_stored()
    risks = [stored_risk(entry)[1] for entry in await all_of(store, RISKS)]
    return posture_of(results, runs, risks, options)


def posture_of(
    results: Sequence[StoredResult],
    recorded: Iterable[Entry],
    risks: Iterable[WorkloadRisk],
    options: PostureOptions,
) -> PostureReport:
    """What ``results`` amount to; ``recorded`` are the ScanRuns.

    Raises: ``UsageError`` for an unknown control, framework or workload.
    """
    policies = choose_policies(options)
    known = {control.id: control for control in policies.known}
    results = [_with_scopes(one, known) for one in results]
    runs = _posture_runs(recorded)
    is_narrowed = bool(options.controls or options.frameworks or options.exclude_controls)
    wanted = {control.id for control in policies.controls} if is_narrowed else None
    base = _base(runs)
    judgement = selected(options, _judgement(results, wanted))
    controls = _controls(results, base, policies, wanted)
    report = _report(judgement, controls, policies.frameworks, _Coverage(base, runs))
    kept = {one.id for one, ids in zip(report.resources, report.judged, strict=True) if ids}
    accepted = [
        one
        for result in results
        for one in result.accepted
        if one.finding.resource in kept and (wanted is None or one.finding.control in wanted)
    ]
    waiving = Waiving(
        waivers_of_files(options.waivers), policies.known, options, is_of_frameworks=policies.is_of_frameworks
    )
    if not is_narrowed and not options.waivers:
        # Ranks rest on all controls, and on what was accepted when they were worked out.
        report = structs.replace(report, risks=tuple(one for one in risks if one.resource in kept))
    shown = _with_accepted(waived(report, NoPlaces(), waiving), accepted)
    return _with_accepted_in(shown, [one for one in results if one.resource.id in kept])


async def stored_risks(store: Store, options: PostureOptions) -> PostureReport:
    """The ranks of the workloads of the namespaces that ``options`` choose, and what was not read; nothing else.

    Raises:
        SourceError: nothing is stored.
        StoreError: the store cannot be read.
    """
    runs = await _runs(store)
    rows = [stored_risk(entry) for entry in await all_of(store, RISKS)]
    if not rows:
        summaries = await all_of(store, SUMMARIES)
        if not (runs or summaries):
            raise _nothing_stored()
        if any(map(_is_failing_workload, summaries)):
            raise SourceError(
                "the stored results have no ranks of workloads",
                hint="store a scan of everything with this version, or upgrade the operator",
            )
    wanted = in_namespaces(options)
    rows = [row for row in rows if wanted is None or wanted(row[0])]
    coverage = _Coverage(_base(runs), runs)
    return PostureReport(
        target=coverage.target,
        resources=tuple(resource for resource, _ in rows),
        controls=(),
        findings=(),
        judged=((),) * len(rows),
        unread=coverage.unread(),
        objects=coverage.objects,
        risks=tuple(risk for _, risk in rows),
        is_sealed=True,
    )


def _is_failing_workload(summary: Entry) -> bool:
    if labels_of(summary.content.metadata).get(f"{PREFIX}workload-kind") not in POD_KINDS:
        return False
    counts = (orjson.loads(summary.content.body).get("spec") or {}).get("severities") or {}
    return any(counts.values())


def _nothing_stored() -> SourceError:
    return SourceError("no results are stored", hint="a scan of the cluster can store its own")


async def _runs(store: Store) -> list["_Run"]:
    return _posture_runs(await all_of(store, RUNS))


def _posture_runs(recorded: Iterable[Entry]) -> list["_Run"]:
    """The scans of objects, the oldest first."""
    runs = map(_run, sorted(recorded, key=lambda entry: entry.revision))
    return [run for run in runs if run.spec.get("subject", "posture") == "posture"]


def _with_accepted(report: PostureReport, accepted: list[Accepted]) -> PostureReport:
    """``report`` with what was accepted when it was scanned, beside what is accepted now."""
    if not accepted:
        return report
    first = len(report.waivers)
    counts = Counter(one.waiver for one in accepted)
    places = {waiver: first + number for number, waiver in enumerate(counts)}
    return structs.replace(
        report,
        waived=(*report.waived, *(Waived(one.finding, places[one.waiver]) for one in accepted)),
        waivers=(*report.waivers, *(WaiverUse(waiver, "used", number) for waiver, number in counts.items())),
    )


def _with_accepted_in(report: PostureReport, results: Iterable[StoredResult]) -> PostureReport:
    """``report`` with what some frameworks alone accepted when it was scanned."""
    names = {framework.name for framework in report.frameworks}
    rows: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        for control, frameworks in result.accepted_in.items():
            for framework, waiver in frameworks.items():
                if framework in names:
                    rows.setdefault((control, result.resource.id, waiver), []).append(framework)
    if not rows:
        return report
    counts = Counter(waiver for _, _, waiver in rows)
    places = {waiver: len(report.waivers) + number for number, waiver in enumerate(counts)}
    found = (
        FrameworkWaived(control, resource, places[waiver], tuple(frameworks))
        for (control, resource, waiver), frameworks in rows.items()
    )
    return structs.replace(
        report,
        waived_in_frameworks=(*report.waived_in_frameworks, *found),
        waivers=(
            *report.waivers,
            *(WaiverUse(Waiver(name=name, matches=()), "used", number) for name, number in counts.items()),
        ),
    )


class _Coverage(Struct, frozen=True):
    """What the recorded scans looked at."""

    base: _Run | None
    runs: list[_Run]

    def unread(self) -> tuple[Unread, ...]:
        found: list[Unread] = []
        newest = next((run for run in reversed(self.runs) if run.phase not in FOLLOWED), None)
        following = self.base if self.base is not None and self.base.phase in FOLLOWED else None
        if following is not None and (why := _why_old(following)):
            hint = "see the log of the operator"
            found.append(Unread(f"ScanRun {following.name}", why, hint=hint, reason="incomplete"))
        # What went wrong before changes were followed says nothing about what is followed since.
        if newest is not None and newest.phase != "Succeeded" and not _is_older(newest, following):
            why = f"the newest scan is {newest.phase}{f': {newest.message}' if newest.message else ''}; results are older"
            found.append(Unread(f"ScanRun {newest.name}", why, reason="incomplete"))
        if self.base is None or not self.base.is_full:
            why = "no scan of a whole cluster is recorded: what was not looked at is not known"
            found.append(Unread("the stored results", why, reason="incomplete"))
        # Two scans of parts may name the same file.
        return (*found, *dict.fromkeys(one for run in self._rested_on() for one in _unread_of(run)))

    def _rested_on(self) -> list[_Run]:
        """The scans whose objects are shown, the newest first: one of everything, else the newest of each part."""
        if self.base is None or self.base.is_full:
            return [] if self.base is None else [self.base]
        newest: dict[tuple[str, ...], _Run] = {}
        for run in reversed(self.runs):
            if run.phase in ("Succeeded", *FOLLOWED):
                newest.setdefault(_part(run), run)
        return list(newest.values())

    def _by_target(self) -> dict[str, _Run]:
        """The newest scan of each cluster or path, the newest first."""
        found: dict[str, _Run] = {}
        for run in self._rested_on():
            found.setdefault(str((run.spec.get("target") or {}).get("name") or ""), run)
        return found

    def skips(self, judged: set[str], asked: set[str]) -> tuple[Skip, ...]:
        coverage = (self.base.status.get("coverage") or {}) if self.base else {}
        skipped = {
            str(one.get("control")): Skip(
                str(one.get("control")), str(one.get("why") or ""), one.get("kind") or "no objects"
            )
            for one in coverage.get("skips") or ()
            if isinstance(one, dict)
        }
        nothing = "no stored result is of it"
        return tuple(skipped.get(id) or Skip(id, nothing) for id in sorted(asked - judged))

    @property
    def objects(self) -> int:
        """Those of folders that overlap are counted twice."""
        return sum(
            int((run.status.get("coverage") or {}).get("objects") or 0) for run in self._by_target().values()
        )

    @property
    def target(self) -> Target:
        target = (self.base.spec.get("target") or {}) if self.base else {}
        kinds: tuple[TargetKind, ...] = get_args(TargetKind)
        names = reversed(self._by_target())
        return Target(
            next((kind for kind in kinds if kind == target.get("kind")), "cluster"),
            " ".join(filter(None, names)) or "the stored results",
            server_version=str(target.get("serverVersion") or ""),
            cloud=str(target.get("cloud") or ""),
        )


def _report(
    judgement: Judgement,
    controls: tuple[Control, ...],
    frameworks: tuple[Framework, ...],
    coverage: _Coverage,
) -> PostureReport:
    judged = {id for ids in judgement.judged for id in ids}
    own = sum(resource.origin.kind != "derived" for resource in judgement.resources)
    return PostureReport(
        target=coverage.target,
        resources=judgement.resources,
        controls=controls,
        findings=judgement.findings,
        judged=judgement.judged,
        joined=judgement.joined,
        gave_up=judgement.gave_up,
        skips=coverage.skips(judged, {control.id for control in controls}),
        unread=coverage.unread(),
        frameworks=frameworks,
        objects=max(coverage.objects, own),
        is_sealed=True,
    )


def _with_scopes(result: StoredResult, known: Mapping[str, Control]) -> StoredResult:
    """With what was stored at the score of rights in one namespace marked as that, and its controls at their own."""
    scores = {control.id: control.score for control in result.controls}
    ids = {
        id
        for id, score in scores.items()
        if (ours := known.get(id)) is not None and score == ours.namespaced_score
    }
    if not ids:
        return result

    def marked(finding: Finding) -> Finding:
        return structs.replace(finding, is_namespaced=True) if finding.control in ids else finding

    return structs.replace(
        result,
        controls=tuple(
            structs.replace(one, score=known[one.id].score) if one.id in ids else one
            for one in result.controls
        ),
        findings=tuple(map(marked, result.findings)),
        accepted=tuple(structs.replace(one, finding=marked(one.finding)) for one in result.accepted),
    )


def _judgement(results: Iterable[StoredResult], wanted: set[str] | None) -> Judgement:
    """``wanted`` are ids of controls; ``None`` for all."""
    own: dict[str, Resource] = {}
    derived: dict[str, Resource] = {}
    judged: dict[str, tuple[str, ...]] = {}
    joined: dict[str, tuple[str, ...]] = {}
    parts: dict[str, Resource] = {}
    findings: list[Finding] = []
    gave_up: dict[str, tuple[Skip, ...]] = {}
    for result in results:
        resource = result.resource
        (derived if resource.origin.kind == "derived" else own)[resource.id] = resource
        ids = (control.id for control in result.controls)
        judged[resource.id] = tuple(id for id in ids if wanted is None or id in wanted)
        findings += [f for f in result.findings if wanted is None or f.control in wanted]
        if skips := tuple(s for s in result.gave_up if wanted is None or s.control in wanted):
            gave_up[resource.id] = skips
        parts |= {part.id: part for part in result.related}
        joined[resource.id] = tuple(part.id for part in result.related)
    own |= {id: part for id, part in parts.items() if id not in own and part.kind}
    resources = (*own.values(), *derived.values())
    return Judgement(
        tuple(findings),
        resources,
        tuple(judged.get(resource.id, ()) for resource in resources),
        tuple(joined[id] for id in derived),
        (),
        (),
        gave_up=gave_up,
    )


def _controls(
    results: Iterable[StoredResult], base: _Run | None, policies: Policies, wanted: set[str] | None
) -> tuple[Control, ...]:
    """Those that results are of and those that were asked for; with the stored score, which the counts rest on."""
    known: Mapping[str, Control] = {control.id: control.facts for control in policies.known}
    asked = [str(id) for id in (base.spec.get("controls") or ())] if base else []
    found: dict[str, Control] = {id: known[id] for id in asked if id in known}
    for result in results:
        for control in result.controls:
            ours = known.get(control.id, control)
            found[control.id] = (
                ours if ours.score == control.score else structs.replace(ours, score=control.score)
            )
    chosen = (control for id, control in found.items() if wanted is None or id in wanted)
    return tuple(sorted(chosen, key=lambda control: (-control.score, control.id)))


def _part(run: _Run) -> tuple[str, ...]:
    """What ``run`` looked at: a cluster or path, and the namespaces that it left out."""
    target, coverage = run.spec.get("target") or {}, run.status.get("coverage") or {}
    left_out = coverage.get("skippedNamespaces") or ()
    return (str(target.get("kind")), str(target.get("name")), *map(str, left_out))


def _unread_of(run: _Run) -> Iterator[Unread]:
    coverage = run.status.get("coverage") or {}
    places = [one for one in coverage.get("unreadPlaces") or () if isinstance(one, dict)]
    for one in places:
        where, why = str(one.get("where") or ""), str(one.get("why") or "")
        yield Unread(where, why, hint=str(one.get("hint") or ""), reason=one.get("reason") or "malformed")
    if (more := int(coverage.get("unread") or 0) - len(places)) > 0:
        why = f"and {more:,} more that were not recorded one by one"
        yield Unread(f"ScanRun {run.name}", why, reason="incomplete")


def _why_old(following: _Run) -> str:
    """Why results may be older than they seem; empty where changes are followed."""
    seen = moment_of(str(following.status.get("seenAt") or ""))
    if seen is not None and datetime.now(UTC) - seen < UNHEARD:
        return ""
    return f"changes are not followed since {following.status.get('seenAt') or 'an unknown moment'}; results are older"


def _is_older(run: _Run, following: _Run | None) -> bool:
    """Whether ``run`` ended, or was to begin, before what is followed began."""
    if following is None or not run.status.get("startedAt"):
        return False
    return str(run.status["startedAt"]) < str(following.status.get("startedAt") or "")


def _base(runs: list[_Run]) -> _Run | None:
    """The newest that succeeded or continues, of those that looked at everything where there are such."""
    succeeded = [run for run in runs if run.phase in ("Succeeded", *FOLLOWED)]
    return next(reversed([run for run in succeeded if run.is_full] or succeeded), None)


def _run(entry: Entry) -> _Run:
    whole = orjson.loads(entry.content.body)
    spec, status = whole.get("spec") or {}, whole.get("status") or {}
    phase, message = str(status.get("phase") or "unfinished"), str(status.get("message") or "")
    return _Run(entry.key.name, phase, message, spec.get("scope") == "everything", spec, status)
