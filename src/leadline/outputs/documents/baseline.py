"""What findings are known by from scan to scan, and the file that remembers them.

The file is JSON, a finding a line and before them what is accepted, so that a change of it reads well in a review::

    {"format": "leadline-baseline", "version": 1, "target": "deploy/", "at": "2027-01-31T10:00:00Z", …, "findings": [
    {"control": "C-0057", "object": "apps/Deployment/shop/web", "path": "spec/template/…/web/securityContext/privileged", …},
    …
    ]}
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.control import Control, Set
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import AccessRule
from leadline.outputs.rows.place import FindingPlaces, ShownPlaces, stable_path
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import value_text
from leadline.outputs.text.waiver_text import why_accepted
from leadline.untyped import MALFORMED

FORMAT: Final = "leadline-baseline"
VERSION: Final = 1
ALL_CONTROLS: Final = "all controls"
LARGEST_BYTES: Final = 256 << 20


class SeenFinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding, without anything that moves: neither line nor position in a list."""

    control: str
    object: str
    """``group/Kind/namespace/name`` of the object that fails; a generated name without its random end."""
    path: str = ""
    """Names in the place of positions: ``spec/containers/web/image``."""
    edit: str = ""
    """What is to be done there, and with which value."""
    on: str = ""
    """The object that ``path`` starts from, where that is another one."""
    file: str = ""
    """Where it is: it keeps apart what is otherwise the same, and may change."""
    first_seen: str = ""
    """RFC 3339 in UTC; the scan's own time where it is new."""
    is_namespaced: bool = False
    """As of a ``Finding``; false in the files of earlier versions."""

    def control_of(self, controls: Mapping[str, Control]) -> Control | None:
        """As ``Finding.control_of``; ``None`` for one that this program does not know."""
        control = controls.get(self.control)
        return control.in_one_namespace if control is not None and self.is_namespaced else control

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        return self.control, self.object, self.path, self.edit, self.on


def distinct(rows: Iterable[SeenFinding]) -> set[tuple[str, str, str]]:
    """The findings that ``rows`` are places of: control, object and, as copies of an object are several, its file.

    Where every path starts from other objects, as those of an RBAC subject do, the file is left empty.
    """
    rows = tuple(rows)
    own = {(one.control, one.object, one.file) for one in rows if not one.on}
    held = {(control, object) for control, object, _ in own}
    return own | {(o.control, o.object, "") for o in rows if o.on and (o.control, o.object) not in held}


class AcceptedFinding(msgspec.Struct, frozen=True, order=True):
    """What a waiver covers: named for who reads the file, never known, so that it is new once the waiver ends."""

    control: str
    object: str
    """As in ``SeenFinding``."""
    reason: str
    """With the waiver, its owner and its end."""


class Baseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """The findings of one scan, to compare others with."""

    findings: tuple[SeenFinding, ...]
    controls: tuple[str, ...] = ()
    """Ids of those that judged anything: others could not find anything."""
    unread: tuple[str, ...] = ()
    """What was not read."""
    left_out: tuple[str, ...] = ()
    """What was passed over by choice."""
    unlisted: tuple[AccessRule, ...] = ()
    """Kinds that a cluster did not list."""
    undecided: tuple[str, ...] = ()
    """``CONTROL OBJECT`` of each pair that a control gave up on, the object as in ``SeenFinding``."""
    accepted: tuple[AcceptedFinding, ...] = ()
    compliance: dict[str, float] = {}
    """Per cent for each framework by its name, and for all controls; without those that judged nothing."""
    target: str = ""
    targets: tuple[str, ...] = ()
    """Several paths that were scanned together, each as it was named; empty for one."""
    at: str = ""
    program: str = ""
    """The version that wrote it."""
    format: str = FORMAT
    version: int = VERSION


def baseline_of(report: PostureReport, places: ShownPlaces, at: str, program: str) -> Baseline:
    """What there is to remember of a report; ``findings`` in step with its own."""
    found = FindingPlaces(report, places)
    scores = {framework.name: report.compliance(framework) for framework in report.frameworks}
    scores[ALL_CONTROLS] = report.compliance()
    every = {
        AcceptedFinding(
            one.finding.control,
            _name(report.resource(one.finding.resource), report, found),
            why_accepted(report.waivers[one.waiver].waiver),
        )
        for one in report.waived
    }
    return Baseline(
        findings=tuple(_seen(finding, report, found, at) for finding in report.findings),
        controls=tuple(row.control.id for row in report.by_control if row.judged),
        unread=tuple(one.where for one in report.unread),
        left_out=tuple(one.where for one in report.left_out),
        unlisted=tuple(one.rule for one in report.unread if one.rule is not None),
        undecided=tuple(
            f"{skip.control} {_name(report.resource(id), report, found)}"
            for id, skips in report.gave_up.items()
            for skip in skips
        ),
        accepted=tuple(sorted(every)),
        compliance={name: round(score, 1) for name, score in scores.items() if score is not None},
        target=report.target.name,
        at=at,
        program=program,
    )


def dated_baseline(report: PostureReport, places: ShownPlaces, at: str, program: str) -> Baseline:
    """As ``baseline_of``, with first-seen dates carried on where the report was compared with an earlier one."""
    found = baseline_of(report, places, at, program)
    if report.baseline is None:
        return found
    dates = report.baseline.first_seen
    dated = tuple(
        msgspec.structs.replace(s, first_seen=d or at) for s, d in zip(found.findings, dates, strict=True)
    )
    return msgspec.structs.replace(found, findings=dated)


def baseline_facts(report: PostureReport) -> dict[str, Any]:
    """What the findings were compared with, as JSON has it; empty where they were not."""
    use = report.baseline
    if use is None:
        return {}
    new = report.new.numbers.findings
    return {
        "baseline": {
            "name": use.name,
            "at": use.at,
            "new": new,
            "newByRules": len(use.by_rules),
            "known": report.numbers.findings - new,
            "gone": use.gone,
            "notSeenAgain": use.unseen,
        }
    }


def _seen(finding: Finding, report: PostureReport, places: FindingPlaces, at: str) -> SeenFinding:
    failing, holder = report.resource(finding.resource), report.resource(finding.on)
    violation = finding.violation
    _, _, action, value = finding.edit
    if isinstance(violation, Set) and not isinstance(violation.value, str):
        value = value_text(violation.value)
    origin = holder.origin
    return SeenFinding(
        control=finding.control,
        object=_name(failing, report, places),
        path=stable_path(places.body(holder), finding.path),
        edit=f"{action} {value}".strip() if finding.action != "review" else action,
        on="" if holder is failing else _name(holder, report, places),
        file=f"{origin.rendering}:{origin.path}" if origin.rendering else origin.path,
        first_seen=at,
        is_namespaced=finding.is_namespaced,
    )


def _name(resource: Resource, report: PostureReport, places: FindingPlaces) -> str:
    name = resource.name
    metadata = places.body(resource).get("metadata")
    stem = metadata.get("generateName") if isinstance(metadata, dict) else None
    if isinstance(stem, str) and stem and name.startswith(stem):
        name = f"{stem}*"
    elif resource.origin.is_random:
        name = f"*{resource.origin.document}"
    own = f"{resource.group}/{resource.kind}/{resource.namespace}/{name}"
    # A subject is known by what gives it its rights.
    parts = (report.resource(id) for id in report.parts_of.get(resource.id, ()))
    return ">".join([own, *(f"{part.kind}/{part.namespace}/{part.name}" for part in parts)])


def encoded_baseline(baseline: Baseline) -> str:
    """The file's text."""
    head = msgspec.to_builtins(msgspec.structs.replace(baseline, findings=(), accepted=()))
    head.pop("findings", None)
    head = {"format": FORMAT, "version": VERSION, **head}
    rows = sorted(baseline.findings, key=lambda seen: (seen.identity, seen.file))
    accepted = f'"accepted":{_lines(baseline.accepted)},' if baseline.accepted else ""
    return f'{json_text(head)[:-1]},{accepted}"findings":{_lines(rows)}}}\n'


def _lines(rows: Iterable[msgspec.Struct]) -> str:
    lines = ",\n".join(json_text(msgspec.to_builtins(row)) for row in rows)
    return f"[\n{lines}\n]"


def decoded_baseline(content: bytes, name: str) -> Baseline:
    """The baseline in the file called ``name``.

    Raises: ``SourceError`` where it is none, is damaged, or was written by a newer version of this program.
    """
    try:
        found = msgspec.json.decode(content, type=Baseline)
    except MALFORMED as error:
        raise SourceError(
            f"{name} is not a baseline: {in_words(error)}", hint="leadline baseline save writes one"
        ) from error
    if found.format != FORMAT:
        raise SourceError(f"{name} is not a baseline", hint="leadline baseline save writes one")
    if found.version > VERSION:
        raise SourceError(
            f"{name} has format version {found.version}, this program reads up to {VERSION}",
            hint="update leadline",
        )
    return msgspec.structs.replace(found, findings=tuple(map(_in_yaml, found.findings)))


def _in_yaml(seen: SeenFinding) -> SeenFinding:
    """Values once stood as Python writes them."""
    value = seen.edit.removeprefix("set ")
    if value is seen.edit or not _PYTHON.match(value):
        return seen
    from ast import literal_eval  # older baselines alone

    try:
        return msgspec.structs.replace(seen, edit=f"set {value_text(literal_eval(value))}")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return seen


_PYTHON = re.compile(r"(?:True|False|None)\Z|\[\]\Z|\{\}\Z|[\[{].*['TFN]")


def with_first_seen(
    findings: Sequence[SeenFinding], known: Sequence[SeenFinding | None]
) -> tuple[SeenFinding, ...]:
    """``findings`` with the day that each was first seen, carried on from what it was before."""
    return tuple(
        one if old is None else msgspec.structs.replace(one, first_seen=old.first_seen or one.first_seen)
        for one, old in zip(findings, known, strict=True)
    )
