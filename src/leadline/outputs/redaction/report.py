"""A report without secrets, and the bodies, places and lines of its objects without them when one is asked for.

A report as a scan hands it out holds no bodies at all: an output that shows one asks ``ShownPlaces.body``, and one that
forgets to ask shows nothing. ``sealed`` and ``with_bodies`` put them in.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import structs

from leadline.errors import LeadlineError
from leadline.model.finding import Place, Skip
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.outputs.redaction.bodies import BodyHider, Looked, is_credential, learn_secrets, storable_text
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.shapes import redacted_text
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.redaction.walk import replaced
from leadline.outputs.rows.place import Places, ShownPlaces
from leadline.outputs.text.plain import source_line

_SHORTEST_SETTING = 3
_FEW_SECRETS = 10_000
_HELD = 64
"""Objects whose lines can be hidden without looking through them again."""
_BODIES = 8_192
"""Bodies that can be shown again without hiding anything again: of most clusters all that have findings."""
_MOST_TEXTS = 65_536
_NO_BODY: dict[str, Any] = {}
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
        self._hider = BodyHider(self.found)
        self._texts: dict[str, str] = {}
        """What names and messages have become, which repeat; only as long as no further secret is known."""
        self._known = 0

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

    def learn_from(self, resources: Iterable[Resource]) -> None:
        """Finds the secrets of ``resources``; nothing of them is kept."""
        looked: Looked = {}
        for one in resources:
            learn_secrets(one.body, self.found, looked)

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
        if self._known != len(self.found) or len(self._texts) > _MOST_TEXTS:
            self._texts.clear()
            self._known = len(self.found)
        shown = self._texts.get(text)
        if shown is None:
            shown = self._texts[text] = storable_text(self.found.hide(redacted_text(text)))
        return shown

    def report(self, report: PostureReport) -> PostureReport:
        """``report`` without bodies, without secrets in names, findings and messages, and with nothing that JSON cannot hold.

        Here and nowhere else: what shows a report hides nothing again.
        """
        return replaced(report, self)

    # What takes the place of each part: a ``Replacer``

    def target(self, target: Target) -> Target:
        return structs.replace(target, name=self.text(target.name))

    def resource(self, resource: Resource) -> Resource:
        origin, text = resource.origin, self.text
        path = text(origin.path)
        return Resource(
            text(resource.api_version),
            text(resource.kind),
            text(resource.namespace),
            text(resource.name),
            _NO_BODY,
            origin if path == origin.path else structs.replace(origin, path=path),
            text(resource.id),
        )

    def unknown_id(self, id: str) -> str:
        return self.text(id)

    def path(self, path: str) -> str:
        """A path without secrets, which only keys of the user's own can be."""
        return path if _FIELD_NAMES.fullmatch(path) else self.text(path)

    def value(self, value: Any, path: str) -> Any:
        return value if value.__class__ is bool else self._hider.value(value)

    def advice(self, text: str) -> str:
        return self.text(text)

    def place(self, place: Place) -> Place:
        return place

    def skip(self, skip: Skip) -> Skip:
        why = self.message(skip.why)
        return skip if why == skip.why else structs.replace(skip, why=why)

    def unread(self, part: Unread, ids: Mapping[str, str] | None = None) -> Unread:
        where, why, hint = self.text(part.where), self.message(part.why), self.message(part.hint)
        if (where, why, hint) == (part.where, part.why, part.hint):
            return part
        return structs.replace(part, where=where, why=why, hint=hint)

    def waiver(self, waiver: Waiver) -> Waiver:
        said = {
            name: self.text(getattr(waiver, name)) for name in ("name", "reason", "owner", "ticket", "source")
        }
        return structs.replace(waiver, **said)

    def risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        path = tuple(
            structs.replace(
                step,
                text=self.text(step.text),
                object=self.text(step.object),
                details=tuple(map(self.text, step.details)),
            )
            for step in risk.path
        )
        return structs.replace(risk, sentence=self.text(risk.sentence), path=path)

    def file(self, path: str) -> str:
        return self.text(path)

    def places(self, places: Places, resources: Iterable[Resource], report: PostureReport) -> ShownPlaces:
        """``places`` for ``report``, which this made of ``resources``; bodies and lines come without secrets."""
        raw = {new.id: old for old, new in zip(resources, report.resources, strict=True)}
        return _SafePlaces(places, raw, self)


class _SafePlaces:
    """Finds places in the objects as they were read, and hides what their bodies and lines must not show."""

    def __init__(self, places: Places, raw: Mapping[str, Resource], hidden: Redaction) -> None:
        self._places = places
        self._raw = raw
        self._hidden = hidden
        self._hider = BodyHider(hidden.found)
        """Of this report alone: it holds what the objects share."""
        self._hiders: OrderedDict[str, LineHider] = OrderedDict()
        self._bodies: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def find(self, resource: Resource, path: str) -> Place | None:
        return self._places.find(self._raw.get(resource.id, resource), path)

    def body(self, resource: Resource) -> dict[str, Any]:
        raw = self._raw.get(resource.id)
        if raw is None:
            return resource.body
        body = self._bodies.get(resource.id)
        if body is None:
            body = self._bodies[resource.id] = self._hider.shown(raw.body)
            if len(self._bodies) > _BODIES:
                self._bodies.popitem(last=False)
        return body

    def read_body(self, resource: Resource) -> dict[str, Any]:
        return self._raw.get(resource.id, resource).body

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return self._hidden.risk(risk)

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        raw = self._raw.get(resource.id, resource)
        hider = self._hiders.get(resource.id)
        if hider is None:
            hider = self._hiders[resource.id] = LineHider(raw.body, self._hidden.found)
            if len(self._hiders) > _HELD:
                self._hiders.popitem(last=False)
        return [hider.hide(source_line(line)) for line in self._places.lines(raw, first, last)]
