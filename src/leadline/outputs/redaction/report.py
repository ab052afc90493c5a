"""A report without secrets, and the places and lines of files without them."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import structs

from leadline.errors import LeadlineError
from leadline.model.control import Missing, Review, Set, Violation
from leadline.model.finding import Finding, Place, Skip
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.model.waiver import WaiverUse
from leadline.outputs.redaction.bodies import is_credential, known_values, redacted_object, storable_text
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.shapes import redacted_text
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.place import Places
from leadline.outputs.text.plain import source_line

_SHORTEST_SETTING = 3
_FEW_SECRETS = 10_000
_HELD = 64
"""Objects whose lines can be hidden without looking through them again."""
_SAYS_NOTHING = re.compile(r"true|false|null|[\d.]+")


_FIELD_NAMES = re.compile(r"[a-z][A-Za-z]{0,31}(?:\.[a-z][A-Za-z]{0,31}|\[[0-9]{1,9}\])*")
"""A path of names as Kubernetes calls its fields and of positions in lists: no key of a user's is in it."""


class Redaction:
    """What one scan has to hide. Is given the objects that were read before anything is said about them."""

    def __init__(self, found: SecretValues | None) -> None:
        """``found`` grows by every secret; ``None`` where no one else wants to know of them."""
        self.found = SecretValues() if found is None else found
        self._settled = 0
        """How many secrets there were when all objects were looked at last."""
        self._unsaid = SecretValues()
        """What objects may show and messages may not."""
        self._bodies: dict[int, dict[str, Any]] = {}
        self._read: Sequence[Resource] = ()
        """Bodies are known by their place in memory, which they have to keep."""

    def add_settings(self, pairs: Iterable[str]) -> None:
        """Values that the user gave to charts, as ``key=value,key=value``. No message repeats them."""
        for pair in pairs:
            for part in re.split(r"(?<!\\),", pair):
                key, _, value = part.partition("=")
                value = value.replace("\\,", ",").strip("{}")
                if len(value) >= _SHORTEST_SETTING and not _SAYS_NOTHING.fullmatch(value):
                    self._unsaid.add_exactly(value)
                if is_credential(key, value):
                    self.found.add(value, is_lasting=True)

    def add_objects(self, resources: Sequence[Resource]) -> None:
        """Finds the secrets of ``resources``."""
        self._read = resources
        self._bodies = {id(one.body): redacted_object(one.body, self.found) for one in resources}

    def learn_from(self, resources: Iterable[Resource]) -> None:
        """As ``add_objects``, for objects of which no body is shown: nothing of them is kept."""
        for one in resources:
            redacted_object(one.body, self.found)

    def renew(self, resources: Iterable[Resource]) -> None:
        """Forgets the secrets of what is gone, once twice as many are known as ``resources`` had: a watch may last months."""
        if len(self.found) > 2 * self._settled + _FEW_SECRETS:
            self.found.forget()
            self.learn_from(resources)
            self._settled = len(self.found)

    def message(self, text: str) -> str:
        """A sentence without secrets and without what the user gave to charts."""
        return self._unsaid.hide(self.text(text))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Takes secrets out of errors on their way through."""
        try:
            yield
        except LeadlineError as error:
            error.args = (self.message(str(error.args[0])), *error.args[1:])
            error.hint = self.message(error.hint)
            raise

    def text(self, text: str) -> str:
        """A name, path or message without secrets."""
        return storable_text(self.found.hide(redacted_text(text)))

    def unread(self, parts: Iterable[Unread]) -> Iterator[Unread]:
        for part in parts:
            where, why, hint = self.text(part.where), self.message(part.why), self.message(part.hint)
            if (where, why, hint) == (part.where, part.why, part.hint):
                yield part
            else:
                yield structs.replace(part, where=where, why=why, hint=hint)

    def report(self, report: PostureReport) -> PostureReport:
        """``report`` without secrets in bodies, names, findings and messages, and with nothing that JSON cannot hold.

        Here and nowhere else: what shows a report hides nothing again.
        """
        resources = tuple(self._resource(resource) for resource in report.resources)
        ids = {a.id: b.id for a, b in zip(report.resources, resources, strict=True) if a.id != b.id}
        return structs.replace(
            report,
            resources=resources,
            findings=tuple(self._findings(report.findings, ids)),
            waived=tuple(
                structs.replace(one, finding=finding)
                for one, finding in zip(
                    report.waived,
                    self._findings((one.finding for one in report.waived), ids),
                    strict=True,
                )
            ),
            waived_in_frameworks=tuple(
                structs.replace(one, resource=ids.get(one.resource, one.resource))
                for one in report.waived_in_frameworks
            ),
            waivers=tuple(map(self._waiver, report.waivers)),
            joined=tuple(tuple(ids.get(i, i) for i in parts) for parts in report.joined)
            if ids
            else report.joined,
            passed_by={
                ids.get(i, i): tuple((c, tuple(ids.get(o, o) for o in others)) for c, others in rows)
                for i, rows in report.passed_by.items()
            }
            if ids
            else report.passed_by,
            gave_up={ids.get(i, i): self._skips(skips) for i, skips in report.gave_up.items()},
            skips=self._skips(report.skips),
            unread=tuple(self.unread(report.unread)),
            left_out=tuple(self.unread(report.left_out)),
            target=structs.replace(report.target, name=self.text(report.target.name)),
        )

    def _skips(self, skips: Iterable[Skip]) -> tuple[Skip, ...]:
        return tuple(structs.replace(skip, why=self.message(skip.why)) for skip in skips)

    def _resource(self, resource: Resource) -> Resource:
        body = self._bodies.get(id(resource.body))
        if body is None:
            body = redacted_object(resource.body, self.found)
        if self.found:
            body = known_values(body, self.found)
        origin = resource.origin
        named = (resource.api_version, resource.kind, resource.namespace, resource.name, origin.path)
        if origin.kind != "derived":
            shown = tuple(map(self.text, named))
            if shown == named:
                return resource if body is resource.body else structs.replace(resource, body=body)
        return Resource(
            self.text(resource.api_version),
            self.text(resource.kind),
            self.text(resource.namespace),
            self.text(resource.name),
            body,
            origin
            if origin.path.isascii() and not self.found
            else structs.replace(origin, path=self.text(origin.path)),
            self.text(resource.id),
        )

    def _waiver(self, use: WaiverUse) -> WaiverUse:
        waiver = use.waiver
        said = {
            name: self.text(getattr(waiver, name)) for name in ("name", "reason", "owner", "ticket", "source")
        }
        return structs.replace(use, waiver=structs.replace(waiver, **said))

    def _findings(self, findings: Iterable[Finding], ids: Mapping[str, str]) -> Iterator[Finding]:
        for finding in findings:
            violation = self._violation(finding.violation, ids)
            if ids or violation is not finding.violation:
                related = tuple(ids.get(i, i) for i in finding.related)
                yield Finding(
                    finding.control, ids.get(finding.resource, finding.resource), violation, related
                )
            else:
                yield finding

    def _violation(self, violation: Violation, ids: Mapping[str, str]) -> Violation:
        if isinstance(violation, Missing):
            said = self.text(violation.what)
            return violation if said == violation.what else Missing(said)
        path, on = self._path(violation.path), violation.on
        is_same = path == violation.path and on not in ids
        if isinstance(violation, Set):
            value = self._value(violation.value)
            if not is_same or value is not violation.value:
                return Set(path, value, ids.get(on, on))
        elif isinstance(violation, Review) and violation.advice:
            advice = self.text(violation.advice)
            if not is_same or advice != violation.advice:
                return Review(path, ids.get(on, on), advice)
        elif not is_same:
            return type(violation)(path, ids.get(on, on))
        return violation

    def _path(self, path: str) -> str:
        """A path without secrets, which only keys of the user's own can be."""
        return path if _FIELD_NAMES.fullmatch(path) else self.text(path)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            said = self.text(value)
            return value if said == value else said
        if isinstance(value, tuple):
            value = list(value)
        return known_values(value, self.found) if self.found else value

    def places(self, places: Places, resources: Iterable[Resource], report: PostureReport) -> Places:
        """``places`` for ``report``, which this made of ``resources``; lines come without secrets."""
        raw = {new.id: old for old, new in zip(resources, report.resources, strict=True)}
        return _SafePlaces(places, raw, self.found)


class _SafePlaces:
    """Finds places in the objects as they were read, and hides what their lines must not show."""

    def __init__(self, places: Places, raw: Mapping[str, Resource], found: SecretValues) -> None:
        self._places = places
        self._raw = raw
        self._found = found
        self._hiders: OrderedDict[str, LineHider] = OrderedDict()

    def find(self, resource: Resource, path: str) -> Place | None:
        return self._places.find(self._raw.get(resource.id, resource), path)

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        raw = self._raw.get(resource.id, resource)
        hider = self._hiders.get(resource.id)
        if hider is None:
            hider = self._hiders[resource.id] = LineHider(raw.body, self._found)
            if len(self._hiders) > _HELD:
                self._hiders.popitem(last=False)
        return [hider.hide(source_line(line)) for line in self._places.lines(raw, first, last)]
