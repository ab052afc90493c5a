"""Which alerts are accepted: by the waivers that hold for findings too, one ``accept`` for a rule's id or title."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec.structs import replace

from leadline.model.alert import Accepted, Alert
from leadline.model.container import Container
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.scans.stored.behaviour import workload_of
from leadline.scans.waivers.waiving import image_names, texts_of
from leadline.sources.waivers.marks import annotated
from leadline.waivers.apply import Waivers
from leadline.waivers.match import Problem, Subject

MOST_WORKLOADS = 4_096
Place: TypeAlias = tuple[str, str, str]
"""Namespace, kind and name."""


class Accepting:
    """Adds to each alert the waiver that accepts it. One that has expired accepts nothing."""

    def __init__(self, waivers: Sequence[Waiver]) -> None:
        """``waivers``: of files."""
        self._of_files = tuple(waivers)
        self._of_cluster: tuple[Waiver, ...] = ()
        self._workloads: OrderedDict[Place, Resource] = OrderedDict()
        self._asked: dict[Place, Container] = {}
        self.changes = 0
        """How often something else became accepted."""

    def take_cluster(self, waivers: Sequence[Waiver]) -> None:
        """All that SecurityExceptions accept by now."""
        if tuple(waivers) != self._of_cluster:
            self._of_cluster = tuple(waivers)
            self.changes += 1

    def take_workload(self, container: Container, resource: Resource) -> None:
        """The workload of a container, whose annotations may accept alerts."""
        place = _place(container)
        before = self._workloads.get(place)
        self._workloads[place] = resource
        self._workloads.move_to_end(place)
        while len(self._workloads) > MOST_WORKLOADS:
            self._workloads.popitem(last=False)
        if (annotated(before) if before else ()) != annotated(resource):
            self.changes += 1

    def asked(self) -> list[Container]:
        """One of each workload that raised alerts since the last call, so that its annotations are read again."""
        found = list(self._asked.values())
        self._asked.clear()
        return found

    def __call__(self, alert: Alert) -> Alert:
        one = alert.container
        place = _place(one)
        if one.workload and len(self._asked) < MOST_WORKLOADS:
            self._asked[place] = one
        resource = self._workloads.get(place)
        given = (*self._of_files, *self._of_cluster, *(annotated(resource) if resource else ()))
        found = None
        if given:
            problem = Problem(controls=(alert.rule, alert.title), severities=(alert.severity,))
            # Alerts are few; what one of them is kept for would only grow.
            waivers = Waivers(given, datetime.now(UTC).isoformat(), lambda match: True)
            found = waivers.find(problem, alert.id, lambda: tuple(_subjects(one, resource)))
        waiver = None if found is None else given[found]
        accepted = Accepted(waiver.name, waiver.reason, waiver.source) if waiver else None
        return alert if accepted == alert.accepted else replace(alert, accepted=accepted)


def _place(container: Container) -> Place:
    return (container.namespace, *workload_of(container))


def _subjects(one: Container, resource: Resource | None) -> Iterator[Subject]:
    """The container as a part of its workload, and of a run as a part of its CronJob too."""
    kind = one.workload_kind or ("Pod" if one.pod else "Container")
    name = one.workload or one.pod or one.name or one.id
    for asked in dict.fromkeys(((kind, name), workload_of(one) if one.workload else (kind, name))):
        known = resource if resource is not None and asked == (resource.kind, resource.name) else None
        yield Subject(
            kind=asked[0],
            group=None if known is None else known.group,
            name=asked[1],
            namespace=one.namespace,
            id="" if known is None else known.id,
            labels=dict(one.labels) | ({} if known is None else texts_of(known.body, "labels")),
            has_labels=bool(one.labels) or known is not None,
            annotations={} if known is None else texts_of(known.body, "annotations"),
            containers=(one.name,) if one.name else (),
            images=image_names(one.image) if one.image else (),
        )
