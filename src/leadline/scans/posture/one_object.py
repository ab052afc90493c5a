"""The verdict about one object by itself, by the controls that need no other object to decide.

Admission asks for it: of what is beside an object nothing is known at that moment. A control that joins objects is
not asked, and named; one whose joins are of no kind that it names is asked, and where it looked for others all the
same, it is undecided. So every verdict here is the one that a scan of the object alone has. A binding is judged by what
it gives where that is a role that Kubernetes brings along.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import BuiltControl, Control
from leadline.model.finding import Finding, Skip
from leadline.model.resource import Resource, resource_of
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.posture.engine import GRANTS, Judge
from leadline.posture.index import Read
from leadline.posture.inventory import Facts, Inventory
from leadline.scans.images.image_signatures import CONTROLS as OVER_SIGNATURES
from leadline.scans.posture.settings import Settings
from leadline.scans.waivers.waiving import accepting
from leadline.sources.cluster.trim import SharedParts, trim

_OVER_SIGNATURES = "no registry is asked who signed the images"
_JOINS = "it takes other objects to decide"
_WHOLE = "it speaks of a whole cluster alone"
_LEFT_OUT: Mapping[str, str] = {
    "L-0001": "the API server itself warns of versions that end",
    "C-0026": _WHOLE,
    "C-0036": _WHOLE,
    "C-0039": _WHOLE,
    "C-0209": _WHOLE,
    "C-0233": _WHOLE,
}


class AloneVerdict(Struct, frozen=True):
    """What the controls made of an object by itself."""

    resource: Resource
    findings: tuple[Finding, ...]
    """By the order of the controls, worst first."""
    judged: frozenset[str]
    """The controls that decided."""
    undecided: tuple[str, ...]
    """Those that looked for other objects, and so did not."""
    unread: tuple[Unread, ...]
    """Fields of a wrong type, roles that are not known, and faults of controls."""
    faults: tuple[str, ...] = ()
    """Controls that broke on it."""
    derived: Mapping[str, Resource] = {}
    """Those who are given a role, by id, which findings about a binding are about."""


class AloneJudge:
    """Controls made ready once. It holds nothing of any object, and may be asked from many threads."""

    def __init__(
        self, controls: Sequence[BuiltControl], settings: Settings, facts: Facts | None = None
    ) -> None:
        self.not_asked = tuple(_not_asked(controls))
        left_out = {skip.control for skip in self.not_asked}
        self.asked = tuple(one for one in controls if one.check is not None and one.id not in left_out)
        self.by_id: Mapping[str, Control] = {control.id: control for control in controls}
        self.facts = facts or Facts(cloud="none")
        self._judge = Judge(self.asked, settings, self.facts)
        self._over_roles = frozenset(control.id for control in self.asked if control.subject is Rights)

    def verdict(self, body: dict[str, Any]) -> AloneVerdict:
        """About an object as the API server sends it; ``body`` is cut down to what controls look at."""
        trim(body, SharedParts())
        resource = resource_of(body)
        undecided: dict[str, None] = {}

        def note(control: str, reads: set[Read]) -> None:
            if reads and control != GRANTS:
                undecided[control] = None

        found = self._judge.one(resource, Inventory((resource,), self.facts), note)
        if "aggregationRule" in body:
            # What such a role allows is in others.
            undecided |= dict.fromkeys(self._over_roles.intersection(found.own.judged))
        findings = tuple(one for one in found.findings if one.control not in undecided)
        judged = frozenset(id for verdict in found.subjects for id in verdict.judged).difference(undecided)
        rows = [row for verdict in found.subjects for row in verdict.unread]
        faults = tuple(dict.fromkeys(id for id, one in rows if one.reason == "fault"))
        derived = {one.resource.id: one.resource for one in found.grants if one.joined}
        return AloneVerdict(
            resource,
            findings,
            judged,
            tuple(undecided),
            tuple(dict.fromkeys(one for _, one in rows)),
            faults,
            derived,
        )

    def accepted(
        self, verdict: AloneVerdict, waivers: Sequence[Waiver], now: datetime, cluster: str = ""
    ) -> tuple[Waiver | None, ...]:
        """For each finding the first of ``waivers`` that accepts it, ``None`` for none."""
        if not waivers:
            return (None,) * len(verdict.findings)
        accepts = accepting(verdict.resource, verdict.derived, waivers, (now, cluster))
        return tuple(accepts(one, self.by_id[one.control]) for one in verdict.findings)


def _not_asked(controls: Iterable[BuiltControl]) -> Iterable[Skip]:
    for control in controls:
        if control.check is None:
            continue
        if control.id in OVER_SIGNATURES:
            yield Skip(control.id, _OVER_SIGNATURES, "not read")
        elif control.id in _LEFT_OUT:
            yield Skip(control.id, _LEFT_OUT[control.id], "not read")
        elif control.subject is Grant or (control.joins and control.reads):
            yield Skip(control.id, _JOINS, "not read")
