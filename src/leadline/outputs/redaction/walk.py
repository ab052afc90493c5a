"""One walk over a report, for whatever takes the place of its texts: redaction and pseudonyms."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from msgspec import structs

from leadline.model.control import Missing, Review, Set, Violation
from leadline.model.finding import Finding, Place, Skip
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver


class Replacer(Protocol):
    """What is written in place of each part. Gives back the very part where nothing of it changes."""

    def target(self, target: Target) -> Target: ...

    def resource(self, resource: Resource) -> Resource: ...

    def unknown_id(self, id: str) -> str:
        """In place of the id of an object that the report does not hold."""

    def path(self, path: str) -> str:
        """In place of the path of a field."""

    def value(self, value: Any, path: str) -> Any:
        """In place of what is to be written at ``path``."""

    def advice(self, text: str) -> str: ...

    def place(self, place: Place) -> Place: ...

    def skip(self, skip: Skip) -> Skip: ...

    def unread(self, part: Unread, ids: Mapping[str, str]) -> Unread:
        """``ids`` are those of the report's objects, old to new."""

    def waiver(self, waiver: Waiver) -> Waiver: ...

    def file(self, path: str) -> str: ...


class _Once(dict[str, str]):
    """What takes the place of each text; every one is worked out once, for many thousand findings repeat a few hundred."""

    def __init__(self, by: Callable[[str], str], known: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(known)
        self._by = by

    def __missing__(self, text: str) -> str:
        new = self[text] = self._by(text)
        return new


class _Texts:
    """What takes the place of ids, paths and advice in findings."""

    def __init__(self, by: Replacer, ids: Mapping[str, str]) -> None:
        self.by = by
        self.ids = _Once(by.unknown_id, ids)
        self.paths = _Once(by.path)
        self.advice = _Once(by.advice)


def replaced(report: PostureReport, by: Replacer) -> PostureReport:
    """``report`` with every text replaced. Lines of files are left out: they belong to who reads these again."""
    resources = tuple(map(by.resource, report.resources))
    ids = {old.id: new.id for old, new in zip(report.resources, resources, strict=True)}
    texts = _Texts(by, ids)
    of = texts.ids.__getitem__

    def skips(rows: Iterable[Skip]) -> tuple[Skip, ...]:
        return tuple(map(by.skip, rows))

    return structs.replace(
        report,
        target=by.target(report.target),
        resources=resources,
        findings=tuple([_finding(one, texts) for one in report.findings]),
        waived=tuple(structs.replace(one, finding=_finding(one.finding, texts)) for one in report.waived),
        waived_in_frameworks=tuple(
            structs.replace(one, resource=of(one.resource)) for one in report.waived_in_frameworks
        ),
        change=report.change
        and structs.replace(
            report.change,
            accepted=tuple(structs.replace(one, resource=of(one.resource)) for one in report.change.accepted),
            files=tuple(map(by.file, report.change.files)),
        ),
        waivers=tuple(structs.replace(use, waiver=by.waiver(use.waiver)) for use in report.waivers),
        skips=skips(report.skips),
        unread=tuple(by.unread(part, ids) for part in report.unread),
        left_out=tuple(by.unread(part, ids) for part in report.left_out),
        joined=tuple(tuple(map(of, parts)) for parts in report.joined),
        gave_up={of(id): skips(rows) for id, rows in report.gave_up.items()},
        passed_by={
            of(id): tuple((control, tuple(map(of, others))) for control, others in rows)
            for id, rows in report.passed_by.items()
        },
        starts={of(id): by.place(place) for id, place in report.starts.items()},
        # Their sentences quote names.
        risks=None,
    )


def _finding(finding: Finding, texts: _Texts) -> Finding:
    resource = texts.ids[finding.resource]
    violation = _violation(finding.violation, texts)
    related = tuple([texts.ids[one] for one in finding.related]) if finding.related else ()
    place = finding.place and texts.by.place(finding.place)
    if (
        violation is finding.violation
        and resource == finding.resource
        and related == finding.related
        and place is None
    ):
        return finding
    return Finding(finding.control, resource, violation, related, place, is_namespaced=finding.is_namespaced)


def _violation(violation: Violation, texts: _Texts) -> Violation:
    if isinstance(violation, Missing):
        said = texts.advice[violation.what]
        return violation if said == violation.what else Missing(said)
    path = texts.paths[violation.path]
    on = texts.ids[violation.on] if violation.on else ""
    is_same = path == violation.path and on == violation.on
    if isinstance(violation, Set):
        value = texts.by.value(violation.value, violation.path)
        return violation if is_same and value is violation.value else Set(path, value, on)
    if isinstance(violation, Review):
        advice = texts.advice[violation.advice] if violation.advice else ""
        return (
            violation if is_same and advice == violation.advice else Review(path, on, advice, violation.about)
        )
    return violation if is_same else type(violation)(path, on)
