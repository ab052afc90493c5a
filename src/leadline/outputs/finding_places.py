"""Where the findings of a report stand: as the report itself says once it is sealed, else by reading their files again."""

from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.place import Places
from leadline.outputs.plain import source_line
from leadline.outputs.redaction.lines import redacted_lines


class FindingPlaces:
    """The places and source lines of the findings of one report."""

    def __init__(self, report: PostureReport, places: Places) -> None:
        """``places`` is not asked for anything where the report is sealed."""
        self._report = report
        self._places = places
        self._is_sealed = report.is_sealed

    def holder(self, finding: Finding) -> Resource:
        """The object that the path of ``finding`` starts from."""
        return self._report.resource(finding.on)

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
        read = self._places.lines(holder, max(1, place.line - 1), place.line)
        return tuple(redacted_lines([source_line(line) for line in read], holder.body))
