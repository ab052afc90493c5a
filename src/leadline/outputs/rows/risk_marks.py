"""Which findings a reader of a long list begins with: those of objects to fix first, and those that an attack path follows from."""

from msgspec import Struct

from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.overview import fixes_among, risks_of
from leadline.outputs.rows.place import FindingPlaces
from leadline.outputs.text.plain import plain

_GRAVE = ("critical", "high")


class RiskMark(Struct, frozen=True):
    """What is to be said of one finding."""

    text: str
    """``fix first, 1 of 5; entry of the path internet → Ingress shop → web``."""
    score: float
    """Of the object, 0 to 100."""
    first: int = 0
    """Its place among those to fix first, from 1; 0 for none."""
    role: str = ""
    """``entry``: the attacker comes in by it; ``path``: what is won, or what makes it easy; empty for none."""
    path: str = ""


class RiskMarks:
    """The marks of one report."""

    def __init__(self, report: PostureReport, places: FindingPlaces) -> None:
        risks = risks_of(report, places)
        self._controls = report.controls_by_id
        self._risks = {risk.resource: risk for risk in risks}
        fixes = fixes_among(report, risks)
        self._first = {one.resource: (number, one.score) for number, one in enumerate(fixes, 1)}
        self._most = len(fixes)

    def of(self, finding: Finding) -> RiskMark | None:
        """The mark of ``finding``; ``None`` where there is nothing to say."""
        number, score = 0, 0.0
        if finding.control_of(self._controls).severity in _GRAVE:
            number, score = self._first.get(finding.resource, (0, 0.0))
        risk = self._risks.get(finding.resource)
        role = _role(finding, risk) if risk else ""
        path = _path(risk) if risk and role else ""
        parts = [f"fix first, {number} of {self._most}"] if number else []
        parts += [f"{'entry of' if role == 'entry' else 'on'} the path {path}"] if role else []
        if not parts:
            return None
        return RiskMark("; ".join(parts), risk.score if risk else score, number, role, path)


def _role(finding: Finding, risk: WorkloadRisk) -> str:
    for step in risk.path:
        is_way = step.kind in ("start", "way")
        if is_way and step.object and step.object in (finding.on, *finding.related):
            return "entry"
        if finding.control in step.controls and finding.action != "add":
            return "path"
    return ""


def _path(risk: WorkloadRisk) -> str:
    """To the workload, and the worst of what it opens."""
    end = next((number for number, step in enumerate(risk.path) if step.kind == "workload"), 0)
    return " → ".join(plain(step.text) for step in risk.path[: end + 2])
