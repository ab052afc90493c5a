"""Where the findings of a report are: as the report itself says once it is sealed, else by reading their files again."""

from collections import OrderedDict
from typing import Any

from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.place import ShownPlaces

_HELD = 64
"""Spots whose lines are known at a time."""


class FindingPlaces:
    """The places and source lines of the findings of one report."""

    def __init__(self, report: PostureReport, places: ShownPlaces) -> None:
        """``places`` is not asked for anything where the report is sealed."""
        self._report = report
        self._places = places
        self._is_sealed = report.is_sealed
        self._lines: OrderedDict[tuple[int, int], tuple[str, ...]] = OrderedDict()

    def holder(self, finding: Finding) -> Resource:
        """The object that the path of ``finding`` starts from."""
        return self._report.resource(finding.on)

    def body(self, resource: Resource) -> dict[str, Any]:
        """The body of an object of the report, as it may be shown."""
        return resource.body if self._is_sealed else self._places.body(resource)

    def read_body(self, resource: Resource) -> dict[str, Any]:
        """The same to judge by and never to show; what follows from it goes through ``shown_risk``."""
        return resource.body if self._is_sealed else self._places.read_body(resource)

    def shown_risk(self, risk: WorkloadRisk) -> WorkloadRisk:
        return risk if self._is_sealed else self._places.shown_risk(risk)

    def find(self, finding: Finding) -> Place | None:
        """Where the path leads, or its deepest parent that exists; ``None`` for objects without a file."""
        return finding.place if self._is_sealed else self._places.find(self.holder(finding), finding.path)

    def start(self, resource: Resource) -> Place | None:
        """Where an object begins that findings are related to."""
        return self._report.starts.get(resource.id) if self._is_sealed else self._places.find(resource, "")

    def lines(self, finding: Finding, place: Place) -> tuple[str, ...]:
        """The line of ``place``, which ``find`` gave, after the one before it; without secrets, safe to print."""
        if self._is_sealed:
            return finding.lines
        holder = self.holder(finding)
        spot = id(holder), place.line
        lines = self._lines.get(spot)
        if lines is None:
            # Objects of the report live as long as it does, so that none gets the place in memory of another.
            lines = tuple(self._places.lines(holder, max(1, place.line - 1), place.line))
            self._lines[spot] = lines
            if len(self._lines) > _HELD:
                self._lines.popitem(last=False)
        return lines
