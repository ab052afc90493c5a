"""The verdicts about every object of a target, kept current with its changes.

While a verdict is worked out, what it reads of the other objects is written down. A change names the reads that it
makes stale, and only what rests on those is judged again: by the controls that ever read from there, and no others.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.posture.apply_unit import World, world_of
from leadline.posture.engine import GRANTS, Judge
from leadline.posture.index import Read
from leadline.posture.readers import Readers
from leadline.posture.verdicts import Judgement, SharedParts, SubjectVerdict, Verdict
from leadline.posture.worlds import Worlds

_SETTLED = 500
"""Objects that are judged before what was kept for their verdicts is let go of."""
_MOST_PARTS = 1_000
"""Sets of controls that are kept ready; a long watch meets many."""


class Difference(Struct, frozen=True):
    """What one change did to the findings."""

    appeared: tuple[Finding, ...] = ()
    went: tuple[Finding, ...] = ()
    subjects: tuple[Resource, ...] = ()
    """The objects that these are about, as they are now, else as they were."""
    judged_again: int = 0
    """Objects whose verdict the change could touch, those that were changed included."""
    touched: tuple[str, ...] = ()
    """The ids of those whose verdict is another now, or that are there no more."""
    stale: Mapping[World, AbstractSet[Read]] = {}
    """The reads that give another answer now, by world."""


class _Entry:
    """One object, the verdict about it, and where it read for that."""

    __slots__ = ("readers", "reads", "resource", "verdict")

    def __init__(self, resource: Resource, readers: Readers) -> None:
        self.resource = resource
        self.readers = readers
        self.verdict = Verdict(SubjectVerdict(resource))
        self.reads: tuple[Read, ...] = ()


class Followed:
    """A target whose changes are followed. Not to be used from several threads at once."""

    def __init__(self, judge: Judge, worlds: Worlds) -> None:
        self._judge = judge
        self._worlds = worlds
        self._entries: dict[str, _Entry] = {}
        self._readers: dict[World, Readers] = {}
        self._reads: dict[Read, Read] = {}
        """Each of the reads that verdicts rest on, by itself."""
        self._askers: dict[Hashable, set[str]] = {}
        """The controls that ever read from an index."""
        self._asks: dict[str, set[Hashable]] = {}
        """The same the other way round."""
        self._parts: dict[frozenset[str], Judge] = {}
        self._shared = SharedParts()
        resources = worlds.resources
        for first in range(0, len(resources), _SETTLED):
            part = resources[first : first + _SETTLED]
            for resource in part:
                self._judge_anew(resource)
            worlds.settle(part)
        # Questions about all objects look at them again.
        worlds.settle(resources)

    @property
    def judgement(self) -> Judgement:
        """All verdicts as they are now, the same as of a fresh scan of the same objects."""
        verdicts = {resource.id: self._entries[resource.id].verdict for resource in self._worlds.resources}
        grants = [
            grant
            for inventory in self._worlds
            for binding in inventory.bindings
            for grant in verdicts[binding.id].grants
        ]
        return self._judge.put_together([verdict.own for verdict in verdicts.values()], grants)

    @property
    def ids(self) -> Iterable[str]:
        """Of every object."""
        return self._entries.keys()

    def same(self, read: Read) -> Read:
        """The very read that a verdict rests on, where one rests on an equal one."""
        return self._reads.get(read, read)

    def verdict_of(self, id: str) -> Verdict | None:
        """The verdict about an object as it is now; ``None`` for one that is not there."""
        entry = self._entries.get(id)
        return entry.verdict if entry else None

    def change(self, removed: Iterable[str], added: Iterable[Resource]) -> Difference:
        """Takes out the objects of some ids and puts others in; what is added with such an id is the object changed."""
        removed = tuple(removed)
        before = {id: self.verdict_of(id) for id in removed}
        new, stale = self._worlds.change(removed, added)
        for id in removed:
            self._forget(id)
        for resource in new:
            before.setdefault(resource.id, None)
            self._judge_anew(resource)
        fresh = {resource.id for resource in new}
        for id, controls in self._touched_by(stale).items():
            if id not in fresh:
                before.setdefault(id, self._entries[id].verdict)
                self._judge_again(id, frozenset(controls))
        self._worlds.settle(entry.resource for id in before if (entry := self._entries.get(id)) is not None)
        return replace(self._difference(before), stale=stale)

    def _touched_by(self, stale: dict[World, set[Read]]) -> dict[str, set[str]]:
        """The objects whose verdicts a change can touch, each with the controls to ask again."""
        touched: dict[str, set[str]] = {}
        for world, reads in stale.items():
            for read, ids in self._readers.get(world, Readers()).of(reads):
                for id in ids:
                    touched.setdefault(id, set()).update(self._askers[read[0]])
        return touched

    def _judge_anew(self, resource: Resource) -> None:
        readers = self._readers.setdefault(world_of(resource.origin), Readers())
        entry = self._entries[resource.id] = _Entry(resource, readers)
        entry.verdict = self._shared.of(self._traced(self._judge, entry))

    def _judge_again(self, id: str, controls: frozenset[str]) -> None:
        entry = self._entries[id]
        if GRANTS in controls:  # of a role that no binding gives to anyone they judge the role itself
            controls |= self._judge.over_grants
        part = self._parts.get(controls)
        if part is None:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            part = self._parts[controls] = self._judge.only(controls)
        verdict = self._traced(part, entry)
        own = self._merged(entry.verdict.own, verdict.own, controls)
        grants = verdict.grants if GRANTS in controls else entry.verdict.grants
        if own is not entry.verdict.own or grants != entry.verdict.grants:
            entry.verdict = self._shared.of(Verdict(own, grants))

    def _merged(self, old: SubjectVerdict, new: SubjectVerdict, controls: frozenset[str]) -> SubjectVerdict:
        """``old`` with what ``controls`` now say; the very same where they say what they said."""
        findings = tuple(finding for finding in old.findings if finding.control in controls)
        judged = tuple(id for id in old.judged if id in controls)
        reasons = tuple(reason for reason in old.reasons if reason[0] in controls)
        unread = tuple(one for one in old.unread if one[0] in controls)
        passes = tuple(one for one in old.passes if one[0] in controls)
        known = (findings, judged, reasons, unread, passes)
        if known == (new.findings, new.judged, new.reasons, new.unread, new.passes):
            return old
        rank = self._judge.rank
        return replace(
            old,
            findings=tuple(
                sorted(
                    (*(f for f in old.findings if f.control not in controls), *new.findings),
                    key=lambda finding: rank[finding.control],
                )
            ),
            judged=tuple(
                sorted((*(id for id in old.judged if id not in controls), *new.judged), key=rank.__getitem__)
            ),
            reasons=(*(r for r in old.reasons if r[0] not in controls), *new.reasons),
            unread=(*(u for u in old.unread if u[0] not in controls), *new.unread),
            passes=(*(p for p in old.passes if p[0] not in controls), *new.passes),
        )

    def _traced(self, judge: Judge, entry: _Entry) -> Verdict:
        """What ``judge`` makes of the object; where it read for that is written down."""
        before = set(entry.reads)
        reads = before.copy()
        try:
            return judge.one(entry.resource, self._worlds.around(entry.resource), self._tracer(reads))
        finally:
            # One and the same for all that read it: there are ten reads for each object.
            new = tuple(self._reads.setdefault(read, read) for read in reads - before)
            entry.readers.add(entry.resource.id, new)
            entry.reads += new

    def _tracer(self, found: set[Read]) -> Callable[[str, set[Read]], None]:
        """Adds what is read to ``found``."""
        askers, asks = self._askers, self._asks

        def note(control: str, reads: set[Read]) -> None:
            found.update(reads)
            known = asks.setdefault(control, set())
            for source, _, _ in reads:
                if source not in known:
                    known.add(source)
                    askers.setdefault(source, set()).add(control)

        return note

    def _forget(self, id: str) -> None:
        entry = self._entries.pop(id, None)
        if entry is None:
            return
        for read in entry.readers.forget(id, entry.reads):
            self._reads.pop(read, None)

    def _difference(self, before: dict[str, Verdict | None]) -> Difference:
        appeared: list[Finding] = []
        went: list[Finding] = []
        subjects: dict[str, Resource] = {}
        touched: list[str] = []
        for id, verdict in before.items():
            now = self.verdict_of(id)
            if now is not verdict:
                touched.append(id)
                old, new = verdict.findings if verdict else (), now.findings if now else ()
                appeared += (finding for finding in new if finding not in old)
                went += (finding for finding in old if finding not in new)
                both = (*(verdict.subjects if verdict else ()), *(now.subjects if now else ()))
                subjects |= {subject.resource.id: subject.resource for subject in both}
        return Difference(tuple(appeared), tuple(went), tuple(subjects.values()), len(before), tuple(touched))
