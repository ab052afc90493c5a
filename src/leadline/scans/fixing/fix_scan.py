"""Fixes files: edits in a copy, judged again until those that are left do what they should and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import ManifestError, SourceError, UsageError
from leadline.model.control import SEVERITIES, Control, Severity
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.documents.baseline import Baseline
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.text.patch import FixedFile, Hide
from leadline.posture.engine import judge
from leadline.posture.fact_kinds import HOST
from leadline.posture.verdicts import Judgement
from leadline.scans.fixing.drafts import DraftFile, drafts_of
from leadline.scans.fixing.literals import SecretKey, secret_key_of
from leadline.scans.fixing.proof import brought, changed_more, not_gone
from leadline.scans.fixing.spots import Given, NoSpotError, Spot, changed_text, changes_of, spots_of
from leadline.scans.fixing.wanted_edits import (
    Key,
    Wanted,
    WantedEdit,
    comment_beside,
    danger_of,
    wanted_edits,
)
from leadline.scans.fixing.working_copy import WorkingCopy
from leadline.scans.gates import Gates, Verdict, verdict
from leadline.scans.images.image_signatures import with_signatures
from leadline.scans.options import PostureOptions
from leadline.scans.posture.baselines import compared
from leadline.scans.posture.coverage import why_no_verdict
from leadline.scans.posture.policies import Policies, choose_policies
from leadline.scans.posture.posture_scan import asked_controls, facts_of, report_of
from leadline.scans.posture.read_targets import is_address, read
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.selection import selected
from leadline.scans.posture.settings import Settings, read_settings, shipped_settings
from leadline.scans.waivers.waiving import Waiving, waived, waivers_of_files
from leadline.sources.temporary_folder import temporary_folder

_PASSES = 3
"""What an edit brings to light may be edited as well."""
_ROUNDS = 10
_OF_NODE = (
    "the file holds what was read of a node; edit the static Pod on the node, or the settings it is made from"
)
_ALONE = 60
"""Edits of charts and kustomizations that are tried one by one when they do not work together."""


Agree = Callable[[WantedEdit, Resource], bool]


def is_safe(edit: WantedEdit, resource: Resource) -> bool:
    """Agrees to what cannot stop what runs."""
    del resource
    return not edit.risk


def agree_to_all(edit: WantedEdit, resource: Resource) -> bool:
    """Agrees to every edit."""
    del edit, resource
    return True


class FixAim(Struct, frozen=True, kw_only=True):
    """Which findings are to be edited, and what the result is held against."""

    least: Severity = "unknown"
    """What is below it is left as it is."""
    known: Baseline | None = None
    """What it knows is left as it is, and fails no gate."""
    known_by: str = ""
    """The file or revision that ``known`` is of."""
    gates: Gates = Gates()
    agrees: Agree = is_safe
    """Is asked about each edit that may stop what runs; it is made where this says so."""
    may_be_empty: bool = False
    """Whether a target without any object is right."""
    is_located: bool = False
    """Whether it is asked where each edit is made."""


class NotMade(Struct, frozen=True):
    """An edit that was asked for and is not made."""

    edit: WantedEdit
    why: str


class FixResult(Struct, frozen=True):
    """What was edited, and what was not."""

    files: tuple[FixedFile, ...]
    made: tuple[WantedEdit, ...]
    not_made: tuple[NotMade, ...]
    risky: tuple[WantedEdit, ...]
    """Edits that were not agreed to, each with its ``risk``."""
    decisions: tuple[Finding, ...]
    """Findings that a person has to decide about."""
    left_alone: int
    """Pairs of control and object that the aim leaves as they are."""
    controls: tuple[Control, ...]
    objects: Mapping[str, Resource]
    """Every object by its id, as it was before."""
    drafts: tuple[DraftFile, ...]
    """For what edits do not answer: objects that are missing, waivers."""
    failed_before: int
    """Pairs of control and object."""
    failed_after: int
    came: tuple[tuple[str, str], ...]
    """Control and object of what fails only now, less grave than what is gone from that object."""
    unread: tuple[Unread, ...]
    """Parts of the target that were not read, and so not fixed."""
    verdict_before: Verdict
    """Of the gates, as long as nothing is written."""
    verdict: Verdict
    lines: Mapping[Key, tuple[str, int]] = {}
    """Where it was asked for: file, as the user would open it, and line of each edit of an object that a file holds."""


class _Seen(Struct):
    """One look at the working copy."""

    reading: Reading
    judgement: Judgement
    report: PostureReport
    """Of what is in ``judgement``, held against what is known."""
    asked: tuple[Finding, ...]
    """The findings that are aimed at."""
    why_no_verdict: str
    """Empty where something was judged."""

    @property
    def failed(self) -> int:
        """Pairs of control and object that are aimed at."""
        return len(_pairs(self.asked))

    @property
    def objects(self) -> dict[str, Resource]:
        """Without the derived ones, which follow from the others."""
        return {r.id: r for r in self.judgement.resources if r.origin.kind != "derived"}


def fix_scan(
    targets: Sequence[str],
    options: PostureOptions,
    aim: FixAim = FixAim(),  # noqa: B008
) -> FixResult:
    """The edits for all below ``targets`` that ``aim`` asks for and that needs no person; nothing is written but in a copy.

    Raises:
        UsageError: what is asked for makes no sense.
        SourceError: a target cannot be read at all, or is too large to be copied.
    """
    if any(is_address(target) for target in targets):
        raise UsageError("a repository at an address cannot be fixed", hint="clone it and fix the folder")
    policies = choose_policies(options)
    known = shipped_settings(policies.known)
    settings = read_settings(options.settings_file, known) if options.settings_file else known
    try:
        with temporary_folder() as place, ExitStack() as stack:
            asked = (file for one in options.charts.renderings for file in one.values)
            copy = WorkingCopy(targets, place, (*options.charts.values, *asked))
            options = replace(options, charts=copy.charts(options.charts), kept_renders=copy.kept)
            if before := options.before_change:
                before = replace(before, files=copy.files_before(before.files))
                options = replace(options, before_change=before)
            stack.callback(copy.kept.close)
            return _Fixing(copy, options, policies, settings, aim).result()
    finally:
        for close in policies.closers:
            close()


class _Fixing:
    def __init__(
        self,
        copy: WorkingCopy,
        options: PostureOptions,
        policies: Policies,
        settings: Settings,
        aim: FixAim,
    ) -> None:
        self._copy = copy
        self._options = options
        self._aim = aim
        self._secrets = SecretValues() if options.secrets is None else options.secrets
        self._redaction = Redaction(self._secrets)
        self._signed: Reading | None = None
        """The first reading, with what registries say of its images, which no edit changes."""
        self._policies = policies
        self._settings = settings
        charts = options.charts
        self._given = Given(charts.values, (*charts.set, *charts.set_string))
        self._waiving = Waiving(
            waivers_of_files(options.waivers),
            tuple(policies.known),
            options,
            is_of_frameworks=policies.is_of_frameworks,
        )
        self._ways: dict[Key, list[Spot]] = {}
        """The ways to make each edit that were not tried yet; the first is the one at hand."""
        self._refused: dict[Key, str] = {}
        """Why edits are not made the way that was tried last."""
        self._risky: dict[Key, WantedEdit] = {}
        """What may stop what runs and was asked about."""
        self._agreed: set[Key] = set()
        self._by_file: dict[str, list[Resource]] = {}
        self._of_nodes: set[str] = set()
        """Files with facts of nodes: static Pods in them are copies of files that only the node has."""

    def result(self) -> FixResult:
        with self._look() as first:
            is_empty = not (first.report.objects or first.report.unread)
            if first.why_no_verdict and not (self._aim.may_be_empty and is_empty):
                raise SourceError(self._copy.named(first.why_no_verdict))
            wanted = self._agreed_to(first)
            lines = dict(self._located(wanted, first)) if self._aim.is_located else {}
        last, made, files = first, [], set()
        for _ in range(_PASSES):
            spots, last = self._proven(wanted, last)
            made += [edit for edit in wanted.edits if edit.key in spots]
            files |= {spot.file for spot in spots.values()}
            if not spots:
                break
            self._copy.begin_pass()
            wanted = self._agreed_to(last)
        fixed = [self._copy.fixed(file, self._hidden(file)) for file in sorted(files)]
        return FixResult(
            files=tuple(file for file in fixed if file.before != file.after),
            made=tuple(made),
            not_made=tuple(
                NotMade(edit, self._refused.get(edit.key, "it does not work together with the other edits"))
                for edit in wanted.edits
                if edit.goes_with is None
            ),
            risky=tuple(edit for key, edit in self._risky.items() if key not in self._agreed),
            decisions=wanted.decisions,
            left_alone=len(_pairs(first.judgement.findings) - _pairs(first.asked)),
            controls=tuple(control.facts for control in self._policies.controls),
            objects=last.judgement.by_id,
            drafts=drafts_of(
                last.judgement.by_id,
                wanted.decisions,
                self._secret_keys(first, (*made, *self._risky.values())),
                {control.id: control.facts for control in self._policies.controls},
            ),
            failed_before=first.failed,
            failed_after=last.failed,
            came=tuple((control, id) for id, control in brought(first.judgement, last.judgement)),
            unread=tuple(replace(one, where=self._copy.named(one.where)) for one in first.reading.unread),
            verdict_before=verdict(first.report, self._aim.gates),
            verdict=verdict(last.report, self._aim.gates),
            lines=lines,
        )

    def _located(self, wanted: Wanted, seen: _Seen) -> Iterator[tuple[Key, tuple[str, int]]]:
        for edit in wanted.edits:
            resource = seen.judgement.by_id[edit.on]
            place = seen.reading.places.find(resource, edit.path) if resource.origin.kind == "file" else None
            if place is not None:
                yield edit.key, (self._copy.shown(resource.origin.file), place.line)

    def _secret_keys(self, first: _Seen, edits: Iterable[WantedEdit]) -> list[SecretKey]:
        objects = first.judgement.by_id
        keys = (secret_key_of(edit.finding, objects[edit.on]) for edit in edits if edit.on in objects)
        return list(dict.fromkeys(key for key in keys if key is not None))

    def _wanted(self, seen: _Seen) -> Wanted:
        ranks = {c.id: rank for rank, c in enumerate(sorted(self._policies.controls, key=urgency))}
        return wanted_edits(seen.asked, seen.judgement.by_id, ranks)

    def _agreed_to(self, seen: _Seen) -> Wanted:
        """What is wanted, without the edits that may stop what runs unless they are agreed to."""
        wanted = self._wanted(seen)
        agreed = []
        for edit in wanted.edits:
            resource = seen.judgement.by_id[edit.on]
            if edit.goes_with is not None:
                agreed += [edit] if edit.goes_with in self._agreed else []
                continue
            comment = comment_beside(edit, resource, seen.reading.places)
            if comment:
                risk = "; ".join(filter(None, (edit.risk, f'beside it is written "{comment}"')))
                edit = replace(edit, risk=risk)
            is_refused = resource.origin.file in self._of_nodes or danger_of(edit, resource)
            if not edit.risk or is_refused or self._is_agreed(edit, resource):
                agreed.append(edit)
        return replace(wanted, edits=tuple(agreed))

    def _is_agreed(self, edit: WantedEdit, resource: Resource) -> bool:
        if edit.key not in self._risky:
            self._risky[edit.key] = edit
            if self._aim.agrees(edit, resource):
                self._agreed.add(edit.key)
        return edit.key in self._agreed

    def _hidden(self, file: str) -> dict[int, Hide]:
        """For each document of a file of the copy what hides its secrets; for other files what hides all that are known."""
        found = self._secrets
        hidden: dict[int, Hide] = {}
        for resource in self._by_file.get(file, ()):
            hidden[resource.origin.document] = LineHider(resource.body, found).hide
        return hidden or {0: LineHider({}, found).hide}

    @contextmanager
    def _look(self) -> Iterator[_Seen]:
        with read(self._copy.targets, self._options, self._policies.controls) as reading:
            if not self._by_file:
                self._learn(reading.resources)
            reading = self._with_signatures(reading)
            judgement = judge(
                reading.resources,
                asked_controls(reading, self._policies),
                settings=self._settings,
                facts=facts_of(self._options, reading),
            )
            chosen = selected(self._options, judgement)
            report = report_of(reading, self._policies, self._settings, chosen, 0.0)
            # What someone accepts is left as it is.
            kept = waived(report, reading.places, self._waiving)
            kept = self._held_against_known(kept, reading)
            yield _Seen(
                replace(reading, unread=kept.unread),
                replace(chosen, findings=kept.findings),
                kept,
                tuple(self._aimed_at(kept)),
                why_no_verdict(kept, reading.ignored, self._options),
            )

    def _learn(self, resources: Sequence[Resource]) -> None:
        """What to hide, and in which file: edits add no secret."""
        self._redaction.learn_from(resources)
        for resource in resources:
            self._by_file.setdefault(resource.origin.file, []).append(resource)
            if resource.api_version.startswith(f"{HOST.lstrip('.')}/"):
                self._of_nodes.add(resource.origin.file)

    def _with_signatures(self, reading: Reading) -> Reading:
        """Registries are asked once."""
        if not self._options.trust_policy:
            return reading
        if self._signed is None:
            signed = with_signatures(reading, self._options)
            self._signed = replace(signed, unread=signed.unread[len(reading.unread) :])
        return replace(
            reading,
            signatures=self._signed.signatures,
            unread=(*reading.unread, *self._signed.unread),
        )

    def _held_against_known(self, report: PostureReport, reading: Reading) -> PostureReport:
        """``report`` with what of it is known; that is compared as any scan compares it, without secrets."""
        if self._aim.known is None:
            return report
        shown = self._redaction.report(report)
        places = self._redaction.places(reading.places, report.resources, shown)
        named = tuple(replace(one, where=self._copy.named(one.where)) for one in shown.unread)
        held = compared(replace(shown, unread=named), places, self._aim.known, self._aim.known_by, "")
        return replace(report, baseline=held.baseline)

    def _aimed_at(self, report: PostureReport) -> Iterator[Finding]:
        aimed = SEVERITIES[: SEVERITIES.index(self._aim.least) + 1]
        controls = {one.id: one for one in self._policies.controls}
        yield from (one for one in report.new.findings if one.control_of(controls).severity in aimed)

    def _find_ways(self, edit: WantedEdit, resource: Resource, seen: _Seen) -> None:
        ways: list[Spot] = []
        if resource.origin.file in self._of_nodes:
            self._refused[edit.key] = _OF_NODE
            return
        if danger := danger_of(edit, resource):
            self._refused[edit.key] = danger
            return
        try:
            for spot in spots_of(edit, resource, seen.reading.places, self._given):
                if self._copy.text(spot.file) is None:
                    shown = self._copy.shown(spot.file)
                    self._refused[edit.key] = f"{shown} is a link, lies elsewhere or is not UTF-8"
                else:
                    ways.append(spot)
        except NoSpotError as error:
            self._refused[edit.key] = str(error)
        if ways:
            self._ways[edit.key] = ways

    # Trying

    def _proven(self, wanted: Wanted, before: _Seen) -> tuple[dict[Key, Spot], _Seen]:
        """The edits of one pass: those that are in the copy at its end, each proven; with the last look."""
        self._ways = {}
        with self._look() as before:
            for edit in wanted.edits:
                if edit.key not in self._refused:
                    self._find_ways(edit, before.judgement.by_id[edit.on], before)
        are_alone_tried = False
        for number in range(_ROUNDS):
            made = self._write(wanted.edits)
            if not made:
                return {}, before
            with self._look() as after:
                edits = [edit for edit in wanted.edits if edit.key in made]
                more = set(changed_more(wanted.edits, before.objects, after.objects))
                wrong = self._of_objects(more, edits, made, before, {})
                if not more:
                    wrong |= not_gone(edits, before.judgement, after.judgement)
                    new = {
                        id: control
                        for id, control in brought(before.judgement, after.judgement)
                        if not self._is_worth(id, control, edits)
                    }
                    wrong |= self._of_objects(set(new), edits, made, before, new)
            if not wrong:
                return made, after
            if more and not are_alone_tried:
                are_alone_tried = True
                alone = self._tried_alone([edit for edit in edits if edit.key in wrong], wanted, before)
                wrong = alone or wrong
            self._refuse(wrong, for_good=number >= _ROUNDS // 2)
        self._copy.restore()
        return {}, before

    def _is_worth(self, id: str, control: str, edits: Sequence[WantedEdit]) -> bool:
        """Whether what is gone from the object is graver than the control that fails now.

        Without the host's network, say, pods are held against network policies for the first time.
        """
        ranks = {one.id: SEVERITIES.index(one.severity) for one in self._policies.controls}
        gone = [ranks[by] for edit in edits for by, subject in edit.pairs if subject == id]
        return bool(gone) and min(gone) < ranks[control]

    def _of_objects(
        self,
        ids: set[str],
        edits: Sequence[WantedEdit],
        made: Mapping[Key, Spot],
        before: _Seen,
        brings: Mapping[str, str],
    ) -> dict[Key, str]:
        """The edits that may have done something to the objects called ``ids``: their own, else those of their files."""
        wrong: dict[Key, str] = {}
        for id in ids:
            why = f"{brings[id]} fails after it" if id in brings else "it would change more than this"
            resource = before.judgement.by_id.get(id)
            near = [
                edit for edit in edits if id == edit.on or any(id == subject for _, subject in edit.pairs)
            ]
            if not near and resource is not None and resource.origin.rendered_from:
                near = [e for e in edits if _is_of_unit(before.judgement.by_id[e.on], resource)]
            # What only comes with another edit goes first.
            near = [edit for edit in near if edit.goes_with is not None] or near
            for edit in near or edits:
                wrong[edit.key] = why
        return wrong

    def _tried_alone(self, edits: Sequence[WantedEdit], wanted: Wanted, before: _Seen) -> dict[Key, str]:
        """The edits of rendered objects that change more than they should also when no other one is made."""
        wrong: dict[Key, str] = {}
        units: dict[str, Mapping[str, Resource]] = {}
        for edit in edits[:_ALONE]:
            origin = before.judgement.by_id[edit.on].origin
            if not origin.rendered_from:
                continue
            folder = str(Path(origin.root, origin.rendered_from))
            self._copy.restore()
            if folder not in units:
                units[folder] = self._rendered(folder)
            # The same objects have other ids where another folder is the root.
            asked = _of_unit(wanted.edits, before, units[folder])
            while edit.key in self._ways:
                self._write([edit])
                if not set(changed_more(asked, units[folder], self._rendered(folder))):
                    break
                wrong[edit.key] = "it would change more than this"
                self._refuse({edit.key: wrong[edit.key]}, for_good=False)
            if edit.key in self._ways:
                wrong.pop(edit.key, None)
        return wrong

    def _rendered(self, folder: str) -> dict[str, Resource]:
        with read((folder,), self._options, self._policies.controls) as reading:
            return {_name_in_unit(r): r for r in reading.resources}

    def _write(self, edits: Iterable[WantedEdit]) -> dict[Key, Spot]:
        """Makes every edit that has a way left, beginning with the first texts; the edits made."""
        self._copy.restore()
        edits = list(edits)
        while True:
            by_file: dict[str, dict[Key, Spot]] = {}
            for edit in edits:
                if edit.goes_with is not None and edit.goes_with not in self._ways:
                    self._ways.pop(edit.key, None)
                if edit.key in self._ways:
                    spot = self._ways[edit.key][0]
                    by_file.setdefault(spot.file, {})[edit.key] = spot
            texts = {file: self._text_with(file, spots) for file, spots in by_file.items()}
            # Each turn takes one way at least from an edit that the text does not allow.
            if None not in texts.values():
                break
        for file, text in texts.items():
            if text is not None and text != self._copy.text(file):
                self._copy.write(file, text)
        return {key: spot for spots in by_file.values() for key, spot in spots.items()}

    def _text_with(self, file: str, spots: Mapping[Key, Spot]) -> str | None:
        """The text with the edits; ``None`` where one cannot be made, which has then lost that way."""
        before = self._copy.text(file) or ""
        try:
            return changed_text(before, changes_of(spots.values()))
        except ManifestError:
            made: list[Spot] = []
        wrong: dict[Key, str] = {}
        for key, spot in spots.items():
            try:
                changed_text(before, changes_of([*made, spot]))
            except ManifestError as error:
                wrong[key] = str(error)
            else:
                made.append(spot)
        self._refuse(wrong, for_good=False)
        return None

    def _refuse(self, wrong: Mapping[Key, str], *, for_good: bool) -> None:
        """Takes the way at hand from these edits; ``for_good`` all that are left as well."""
        for key, why in wrong.items():
            self._refused[key] = why
            ways = [] if for_good else self._ways.get(key, [])[1:]
            self._ways.pop(key, None)
            if ways:
                self._ways[key] = ways


def _pairs(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(finding.control, finding.resource) for finding in findings}


def _name_in_unit(resource: Resource) -> str:
    """Among all that is rendered of one folder; a chart may be rendered with several values."""
    with_values = ",".join(resource.origin.values)
    return f"{resource.kind}/{resource.namespace}/{resource.name}/{with_values}"


def _is_of_unit(one: Resource, other: Resource) -> bool:
    """Whether both were rendered from one chart or kustomization."""
    return (one.origin.root, one.origin.rendered_from) == (other.origin.root, other.origin.rendered_from)


def _of_unit(edits: Iterable[WantedEdit], before: _Seen, unit: Mapping[str, Resource]) -> list[WantedEdit]:
    """``edits`` of the objects in ``unit``, by the names that they have there."""
    found = []
    for edit in edits:
        resource = before.judgement.by_id[edit.on]
        name = _name_in_unit(resource)
        if name in unit:
            found.append(replace(edit, on=name))
    return found
