"""Takes accepted findings out of a report about objects, and says what became of each waiver."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.workload import images_in
from leadline.model.control import Control
from leadline.model.finding import Finding
from leadline.model.report import AcceptedByChange, ChangeUse, FrameworkWaived, PostureReport, Waived
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver, WaiverMatch, WaiverUse
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import Places
from leadline.packages.reference import read_reference
from leadline.scans.options import PostureOptions
from leadline.scans.posture.reading import STDIN
from leadline.sources.regular_file import read_regular
from leadline.sources.waivers.marks import LARGEST_MARKED, MARK, Comment, annotated, comments
from leadline.sources.waivers.security_exceptions import is_security_exception, security_exception
from leadline.untyped import mapping
from leadline.waivers.apply import Waivers, why_unusable
from leadline.waivers.match import Problem, Subject, is_about, resolved

if TYPE_CHECKING:
    from leadline.scans.waivers.before_change import BeforeChange

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def waivers_of_files(paths: Iterable[str]) -> tuple[Waiver, ...]:
    """All of them, in order. Raises: as ``read_waivers``."""
    if not paths:
        return ()
    # An image is scanned in less time than the YAML parser takes to be imported.
    from leadline.sources.waivers.reader import read_waivers

    return tuple(waiver for path in paths for waiver in read_waivers(path))


def entries_of_files(paths: Iterable[str], now: str) -> tuple[WaiverUse, ...]:
    """What is odd about each entry, at ``now``, where nothing is scanned. Raises: as ``read_waivers``."""
    return tuple(Waivers(waivers_of_files(paths), now, lambda match: False).uses())


class Waiving(Struct, frozen=True):
    """What a scan needs to take accepted findings out of its reports."""

    given: tuple[Waiver, ...]
    """Of the files that the user named."""
    known: tuple[Control, ...]
    """Every control that there is, asked or not."""
    options: PostureOptions
    checkout: str = ""
    """The folder that files are relative to where they were fetched; empty for the working folder."""
    texts: Mapping[str, bytes] = {}
    """By file as an origin has it: what counts in the place of what is on disk."""
    is_of_frameworks: bool = False
    """Whether the scan is about the report's frameworks alone, so that what all of them accept is accepted."""


def waived(report: PostureReport, places: Places, waiving: Waiving) -> PostureReport:
    """``report`` without the findings that are accepted, by what the user gave or by what comes with the target."""
    given, options = waiving.given, waiving.options
    own, unread = waivers_of_objects(report.resources) if options.use_target_waivers else ((), ())
    given = in_namespaces(given, labels_of_namespaces(report.resources))
    has_files = report.target.kind != "cluster"
    marked = _Marked(report, places, waiving) if options.use_target_waivers and has_files else None
    waivers = [*given, *own]
    first_comment = len(waivers)
    if marked is not None:
        waivers += marked.waivers
        unread = (*unread, *marked.unread)
    before = options.before_change
    if not waivers:
        found = replace(report, unread=(*report.unread, *unread)) if unread else report
        return found if before is None else _held_to(before, report, found, _now())
    frameworks = _Frameworks(report, is_all=waiving.is_of_frameworks)
    problems = {control.id: _problem(control, frameworks.listing(control.id)) for control in report.controls}
    now = _now()
    every = [_problem(control) for control in waiving.known]
    held = Waivers(waivers, now, lambda match: _is_asked(match, problems.values(), every))
    subjects = _Subjects(report)
    accepted: list[Waived] = []
    taken: set[int] = set()
    for number, finding in enumerate(report.findings):
        place = held.find(problems[finding.control], *subjects.asked(finding))
        if marked is not None:
            for comment in marked.covering(finding):
                used = held.use(first_comment + comment, finding.pair)
                place = used if place is None else place
        if place is None:
            place = frameworks.found(held, finding, problems[finding.control], subjects.asked(finding))
        if place is not None:
            taken.add(number)
            accepted.append(Waived(finding, place))
    found = replace(
        report,
        findings=tuple(one for number, one in enumerate(report.findings) if number not in taken),
        waived=tuple(accepted),
        waived_in_frameworks=tuple(frameworks.waived()),
        waivers=held.uses(),
        unread=(*report.unread, *unread),
    )
    return found if before is None else _held_to(before, report, found, now)


def _now() -> str:
    return datetime.now(UTC).strftime(_MOMENT)


def _held_to(before: "BeforeChange", every: PostureReport, found: PostureReport, now: str) -> PostureReport:
    """``found`` without what the change alone accepts, unless that is approved. ``every``: before waivers were looked at."""
    from leadline.scans.waivers.before_change import acceptances  # where a change is scanned

    frameworks = _Frameworks(every, is_all=False)
    namespaces = labels_of_namespaces(every.resources)
    held = Waivers(in_namespaces(before.waivers, namespaces), now, lambda match: True)
    problems = {control.id: _problem(control, frameworks.listing(control.id)) for control in every.controls}
    subjects = _Subjects(every)
    marked = Counter(before.accepted)
    by_change: list[Waived] = []
    names = acceptances(every, tuple(one.finding for one in found.waived), NoPlaces())
    for one, name in zip(found.waived, names, strict=True):
        if marked[name]:
            marked[name] -= 1
            continue
        problem, asked = problems[one.finding.control], subjects.asked(one.finding)
        views = frameworks.listing(one.finding.control)
        if held.find(problem, *asked) is None and not (
            views and set(views) <= held.find_in_frameworks(problem, *asked, views).keys()
        ):
            by_change.append(one)
    in_frameworks = tuple(
        one for one in found.waived_in_frameworks if _was_in_frameworks(one, every, held, problems, subjects)
    )
    if not by_change and not before.changed and in_frameworks == found.waived_in_frameworks:
        return found
    accepted = dict.fromkeys(AcceptedByChange(*one.finding.pair, one.waiver) for one in by_change)
    change = ChangeUse(before.revision, tuple(accepted), before.changed, before.is_approved)
    if before.is_approved:
        return replace(found, change=change)
    waiting = {id(one) for one in by_change}
    kept = tuple(one for one in found.waived if id(one) not in waiting)
    still = {id(one.finding) for one in kept}
    used = {one.waiver for one in kept} | {one.waiver for one in in_frameworks}
    of_change = {one.waiver for one in by_change} | {one.waiver for one in found.waived_in_frameworks}
    waits = of_change - used
    uses = enumerate(found.waivers)
    return replace(
        found,
        findings=tuple(finding for finding in every.findings if id(finding) not in still),
        waived=kept,
        waived_in_frameworks=in_frameworks,
        waivers=tuple(replace(use, state="waiting") if place in waits else use for place, use in uses),
        change=change,
    )


def _was_in_frameworks(
    one: FrameworkWaived,
    report: PostureReport,
    held: Waivers,
    problems: Mapping[str, Problem],
    subjects: "_Subjects",
) -> bool:
    """Whether each of the frameworks accepted every finding of the pair before."""
    return all(
        set(one.frameworks)
        <= held.find_in_frameworks(problems[one.control], *subjects.asked(finding), one.frameworks).keys()
        for finding in report.findings
        if (finding.control, finding.resource) == (one.control, one.resource)
    )


def waivers_of_objects(resources: Sequence[Resource]) -> tuple[tuple[Waiver, ...], tuple[Unread, ...]]:
    """Those in annotations and in objects of ``SecurityException``, and what of them cannot be used."""
    found: list[Waiver] = []
    unread: list[Unread] = []
    for resource in resources:
        if is_security_exception(resource.body):
            waiver = security_exception(resource.body, resource.origin.file or resource.title)
            found_here: tuple[Waiver, ...] = () if isinstance(waiver, str) else (waiver,)
            if isinstance(waiver, str):
                unread.append(
                    Unread(resource.title, f"a waiver that is not in force: {waiver}", reason="unsupported")
                )
        else:
            found_here = annotated(resource)
        for one in found_here:
            why = why_unusable(one)
            if why:
                unread.append(Unread(one.source, f"a waiver that is not in force: {why}", reason="malformed"))
            else:
                found.append(one)
    # Which of several is named must not depend on the order in which a cluster's objects came.
    found.sort(key=lambda one: (one.kind, one.source if one.kind == "security exception" else ""))
    return in_namespaces(found, labels_of_namespaces(resources)), tuple(unread)


def in_namespaces(
    waivers: Iterable[Waiver], namespaces: Mapping[str, Mapping[str, str]]
) -> tuple[Waiver, ...]:
    """``waivers`` with the names of the namespaces that they select by labels."""
    return tuple(
        replace(one, matches=tuple(resolved(match, namespaces) for match in one.matches))
        if any(match.namespace_labels is not None for match in one.matches)
        else one
        for one in waivers
    )


def labels_of_namespaces(resources: Iterable[Resource]) -> dict[str, Mapping[str, str]]:
    """By the name of each namespace that is known."""
    return {
        one.name: texts_of(one.body, "labels")
        for one in resources
        if one.kind == "Namespace" and one.api_version == "v1" and one.body
    }


def covered(report: PostureReport, waivers: Sequence[Waiver]) -> dict[str, Counter[str]]:
    """For each object with findings that some of ``waivers`` are about: how many, by the waiver's source.

    Those that have expired are about as many as before. ``report`` is one that nothing was taken out of.
    """
    frameworks = _Frameworks(report, is_all=False)
    problems = {control.id: _problem(control, frameworks.listing(control.id)) for control in report.controls}
    subjects = _Subjects(report)
    held = Waivers(waivers, "", lambda match: True)
    counts: dict[str, Counter[str]] = {}
    for finding in report.findings if waivers else ():
        for place in held.places_about(problems[finding.control], *subjects.asked(finding)):
            counts.setdefault(finding.resource, Counter())[waivers[place].source] += 1
    return counts


def accepting(
    resource: Resource, derived: Mapping[str, Resource], waivers: Sequence[Waiver], at: tuple[datetime, str]
) -> Callable[[Finding, Control], Waiver | None]:
    """What says of a finding on ``resource`` and its control which of ``waivers`` accepts it; ``None`` for none.

    ``derived``: what findings may be about in its place, by id. ``at``: the moment, and the name of the cluster.
    """
    now, cluster = at
    held = Waivers(waivers, now.strftime(_MOMENT), lambda _: True)

    def find(finding: Finding, control: Control) -> Waiver | None:
        others = [derived[finding.resource]] if finding.resource in derived else []
        subjects = [subject_of(one, cluster) for one in (*others, resource)]
        place = held.find(_problem(control), finding.resource, lambda: subjects)
        return None if place is None else waivers[place]

    return find


def controls_of(waivers: Sequence[Waiver], known: Iterable[Control]) -> frozenset[str]:
    """The ids of the controls whose findings some of ``waivers`` may be about."""
    matches = [match for waiver in waivers for match in waiver.matches]
    return frozenset(
        control.id for control in known if any(is_about(match, _problem(control)) for match in matches)
    )


def _problem(control: Control, frameworks: tuple[str, ...] | None = None) -> Problem:
    # A waiver for critical findings once accepted those of one namespace.
    severities = (control.severity, control.in_one_namespace.severity)
    return Problem(controls=(control.id, control.title), frameworks=frameworks, severities=severities)


def _is_asked(match: WaiverMatch, asked: Iterable[Problem], known: Iterable[Problem]) -> bool:
    """Whether it could be about something here. One that names a control which does not exist is about nothing anywhere."""
    is_mistaken = bool(match.controls) and not any(is_about(match, problem) for problem in known)
    return is_mistaken or any(is_about(match, problem) for problem in asked)


class _Frameworks:
    """What holds in some frameworks alone: an object passes a control in those that accept all that fails it."""

    def __init__(self, report: PostureReport, *, is_all: bool) -> None:
        self._is_all = is_all
        self._listing: dict[str, tuple[str, ...]] = {}
        for framework in report.frameworks:
            for control in dict.fromkeys(framework.control_ids):
                self._listing[control] = (*self._listing.get(control, ()), framework.name)
        self._pairs: dict[tuple[str, str], dict[str, int]] = {}
        """The waiver of each framework, by control and object."""

    def listing(self, control: str) -> tuple[str, ...]:
        """Names of the frameworks that list it."""
        return self._listing.get(control, ())

    def found(
        self, held: Waivers, finding: Finding, problem: Problem, asked: tuple[tuple[str, ...], Any]
    ) -> int | None:
        """The place of a waiver where every view of the scan accepts ``finding``; else remembers which do."""
        if not held.has_frameworks:
            return None
        names = self.listing(finding.control)
        places = held.find_in_frameworks(problem, *asked, names)
        if self._is_all and names and all(name in places for name in names):
            return places[names[0]]
        pair = (finding.control, finding.resource)
        before = self._pairs.get(pair, places)
        self._pairs[pair] = {name: place for name, place in before.items() if name in places}
        return None

    def waived(self) -> Iterator[FrameworkWaived]:
        for (control, resource), places in self._pairs.items():
            for waiver in dict.fromkeys(places.values()):
                names = tuple(name for name, place in places.items() if place == waiver)
                yield FrameworkWaived(control, resource, waiver, names)


class _Subjects:
    """What findings are about: their object; for one that was joined of others also these."""

    def __init__(self, report: PostureReport) -> None:
        self._report = report
        self._cluster = report.target.name if report.target.kind == "cluster" else ""

    def asked(self, finding: Finding) -> tuple[tuple[str, ...], Any]:
        resource = self._report.resource(finding.resource)
        related = finding.related if resource.origin.kind == "derived" else ()
        ids = (resource.id, *related)
        return ids, lambda: [self._subject(self._report.resource(id)) for id in ids]

    def _subject(self, resource: Resource) -> Subject:
        return subject_of(resource, self._cluster)


def subject_of(resource: Resource, cluster: str) -> Subject:
    origin = resource.origin
    found = list(images_in(resource.api_version, resource.kind, resource.body))
    paths: tuple[str, ...] = ()
    if origin.file:
        paths = tuple(dict.fromkeys((origin.file, origin.path, f"{origin.path}:{origin.document}")))
    return Subject(
        kind=resource.kind,
        group=_group_of(resource),
        name=resource.name,
        namespace=resource.namespace,
        id=resource.id,
        labels=texts_of(resource.body, "labels"),
        # What was joined of other objects, or read from a store, has no metadata of its own.
        has_labels=origin.kind != "derived" and isinstance(resource.body.get("metadata"), dict),
        annotations=texts_of(resource.body, "annotations"),
        containers=tuple(name for name, _ in found if name),
        paths=paths,
        images=tuple(name for _, image in found for name in image_names(image)),
        cluster=cluster,
    )


def _group_of(resource: Resource) -> str | None:
    """``None`` where only the name is known. Of a subject its version is not known, only its group."""
    group, slash, _ = resource.api_version.rpartition("/")
    if slash:
        return group
    if resource.origin.kind == "derived" and resource.kind:
        return resource.api_version
    return "" if resource.api_version else None


def image_names(written: str) -> tuple[str, ...]:
    """The ways in which an image is known. One that runs by tag and digest is the one that manifests name by tag alone."""
    reference = read_reference(written)
    if reference is None:
        return (written,)
    names = [written, reference.full, reference.familiar, reference.name]
    if reference.tag and reference.digest:
        tagged = replace(reference, digest="")
        names += [tagged.full, tagged.familiar]
    return tuple(dict.fromkeys(names))


def texts_of(body: Mapping[str, Any], field: str) -> dict[str, str]:
    """The labels or annotations of an object, as ``field`` says."""
    held = mapping(mapping(body.get("metadata")).get(field))
    return {key: value for key, value in held.items() if isinstance(value, str)}


class _Marked:
    """Comments beside the lines of files that findings point at."""

    def __init__(self, report: PostureReport, places: Places, waiving: Waiving) -> None:
        self._report = report
        self._places = places
        self._checkout = waiving.checkout
        self._stdin = waiving.options.standard_input
        self._texts = waiving.texts
        self.waivers: list[Waiver] = []
        self.unread: list[Unread] = []
        self._by_file: dict[str, list[tuple[int, Comment]]] = {}
        holders = dict.fromkeys([finding.on for finding in report.findings])
        for file in dict.fromkeys(report.resource(id).origin.file for id in holders):
            if file:
                self._take(file)

    def covering(self, finding: Finding) -> Iterator[int]:
        """Places, among ``waivers``, of the comments on the line of ``finding`` that name its control."""
        holder = self._report.resource(finding.on)
        marks = self._by_file.get(holder.origin.file)
        if not marks:
            return
        place = self._places.find(holder, finding.path)
        for number, comment in marks if place is not None else ():
            if place.line in comment.covers and finding.control.upper() in comment.controls:  # type: ignore[union-attr]
                yield number

    def _take(self, file: str) -> None:
        try:
            content = self._stdin if file == STDIN else self._texts.get(file)
            if content is None:
                content = read_regular(Path(self._checkout, file), LARGEST_MARKED)
        except OSError:
            return  # out of an archive, say: its lines are not there to be marked
        if MARK not in content:
            return
        for comment in comments(content.decode("utf-8", "replace").splitlines()):
            waiver = comment.waiver(file)
            why = why_unusable(waiver) or ("" if waiver.reason else "it has no reason")
            if why:
                self.unread.append(
                    Unread(file, f"a waiver that is not in force: {why}", "malformed", comment.line)
                )
                continue
            named = replace(comment, controls=tuple(one.upper() for one in comment.controls))
            self._by_file.setdefault(file, []).append((len(self.waivers), named))
            self.waivers.append(waiver)
