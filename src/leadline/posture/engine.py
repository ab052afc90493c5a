"""Every control over every subject: of all objects at once, or of one in the midst of the others."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import BuiltControl
from leadline.model.resource import Resource
from leadline.posture.asking import BATCH, GRANTS, Asking, Tracer
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.questions import Questions, Settings
from leadline.posture.verdicts import Judgement, SubjectVerdict, Verdict, judgement_of
from leadline.posture.worlds import Worlds

T = TypeVar("T")


def judge(
    resources: Sequence[Resource],
    controls: Sequence[BuiltControl],
    *,
    settings: Settings | None = None,
    facts: Facts | None = None,
) -> Judgement:
    """Every violation, in the order of ``resources`` and, within one, of ``controls``."""
    return Judge(controls, settings, facts).everything(Worlds(resources, facts))


class Judge:
    """Controls with their settings, made ready once. It holds nothing of any run and may be asked from many threads."""

    def __init__(
        self,
        controls: Sequence[BuiltControl],
        settings: Settings | None = None,
        facts: Facts | None = None,
        *,
        about_fields: bool = True,
    ) -> None:
        """``about_fields``: whether a pod's fields of a wrong type are named, which takes no control."""
        self.controls = controls
        self.facts = facts or Facts()
        self._settings = settings or {}
        self._questions = Questions(controls, self._settings, self.facts, about_fields=about_fields)
        self.rank = self._questions.rank
        self.over_grants = frozenset(c.id for c in controls if c.subject in (Grant, Rights))

    def everything(self, worlds: Worlds) -> Judgement:
        """The verdicts about every object of ``worlds``."""
        asking = Asking(self._questions)
        own: list[SubjectVerdict] = []
        for batch in _batches(worlds.resources):
            own += asking.about((resource, worlds.around(resource)) for resource in batch)
        grants: list[SubjectVerdict] = []
        if self._questions.about_grants:
            for bindings in _batches(_bindings(worlds)):
                grants += asking.about_grants(bindings)
        return self.put_together(own, grants)

    def put_together(self, own: Sequence[SubjectVerdict], grants: Sequence[SubjectVerdict]) -> Judgement:
        """The verdicts about all objects of a target, and about all that its bindings give."""
        return judgement_of(self.controls, self._questions.left_out, own, grants)

    def one(self, resource: Resource, inventory: Inventory, tracer: Tracer | None = None) -> Verdict:
        """The verdict about ``resource`` in the midst of ``inventory``, be it part of that or not.

        ``tracer`` learns what each control read, which is what the verdict depends on in addition to the object.
        """
        asking, seen = Asking(self._questions, tracer), inventory.seen_from(resource)
        is_binding = self._questions.about_grants and inventory.is_binding(resource)
        (own,) = asking.about([(resource, seen)])
        return Verdict(own, tuple(asking.about_grants([(resource, seen)])) if is_binding else ())

    def only(self, ids: frozenset[str]) -> "Judge":
        """The controls of ``ids`` alone; ``GRANTS`` represents those over grants. It does not look at fields again."""
        chosen = [c for c in self.controls if c.id in ids or (GRANTS in ids and c.id in self.over_grants)]
        return Judge(chosen, self._settings, self.facts, about_fields=False)


def _bindings(worlds: Worlds) -> Iterator[tuple[Resource, Inventory]]:
    for inventory in worlds:
        for binding in inventory.bindings:
            yield binding, inventory.seen_from(binding)


def _batches(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(items)
    while batch := tuple(islice(rest, BATCH)):
        yield batch
