"""Failed controls as a summary shows them: one row for those that ask for the same edits, worst first."""

from collections.abc import Container, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.control import CONSEQUENCES, SEVERITIES, Control, Severity
from leadline.model.report import ControlCount, PostureReport

_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_CONSEQUENCE_RANK = {consequence: rank for rank, consequence in enumerate(CONSEQUENCES)}

Urgency = tuple[int, int, float, str]
"""Severity, consequence, score and id, so that what is more urgent is less."""
Edits = set[tuple[str, str, str, str]]
"""Object, path, action and value of each edit."""


class ControlGroup(Struct, frozen=True):
    """A failed control, and those no more urgent whose edits are all among its own."""

    row: ControlCount
    contained: tuple[ControlCount, ...] = ()
    """Most urgent first."""

    @property
    def control(self) -> Control:
        return self.row.counts

    @property
    def severity(self) -> Severity:
        return self.row.counts.severity

    @property
    def key(self) -> tuple[str, bool]:
        """The control's id, and whether the group is of its findings in one namespace."""
        return self.row.control.id, self.row.counts is not self.row.control

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.row.control.id, *(row.control.id for row in self.contained))


def urgency(control: Control) -> Urgency:
    """The order in which controls are shown: by severity, then by what the problem leads to, then by score."""
    return (
        _SEVERITY_RANK[control.severity],
        _CONSEQUENCE_RANK[control.consequence],
        -control.score,
        control.id,
    )


def control_groups(report: PostureReport, least: Severity = "unknown") -> list[ControlGroup]:
    """The failed controls of at least that severity, those with the same edits in one group, in order of urgency."""
    rows = sorted(
        (r for r in report.by_control if r.failed and _SEVERITY_RANK[r.counts.severity] <= _SEVERITY_RANK[least]),
        key=lambda r: urgency(r.counts),
    )  # fmt: skip
    parents = _parents(report, {row.control.id: urgency(row.counts) for row in rows})
    contained: dict[str, list[ControlCount]] = {}
    for row in rows:
        parent = parents.get(row.control.id)
        if parent is not None:
            contained.setdefault(parent, []).append(row)
    groups = (
        ControlGroup(row, tuple(contained.get(row.control.id, ())))
        for row in rows
        if row.control.id not in parents
    )
    parts = (part for group in groups for part in _by_scope(group))
    return sorted(
        (part for part in parts if _SEVERITY_RANK[part.severity] <= _SEVERITY_RANK[least]),
        key=lambda part: urgency(part.control),
    )


def _by_scope(group: ControlGroup) -> Iterator[ControlGroup]:
    """``group``; in two where what it says of the cluster is graver than what it says of one namespace."""
    if not 0 < group.row.namespaced < group.row.failed:
        yield group
        return
    for is_namespaced in (False, True):
        row, *contained = (
            part for one in (group.row, *group.contained) if (part := _part(one, is_namespaced)).failed
        )
        yield ControlGroup(row, tuple(contained))


def _part(row: ControlCount, is_namespaced: bool) -> ControlCount:
    """The failures of one scope; those of the other count as passed."""
    failed = row.namespaced if is_namespaced else row.failed - row.namespaced
    return replace(row, failed=failed, passed=row.judged - failed, namespaced=failed if is_namespaced else 0)


def _parents(report: PostureReport, urgencies: Mapping[str, Urgency]) -> dict[str, str]:
    """For each control whose edits are all those of one at least as urgent: the widest such, that has none itself."""
    containers: dict[str, set[str]] = {}
    sizes: dict[str, int] = dict.fromkeys(urgencies, 0)
    grades = {control: urgency[:2] for control, urgency in urgencies.items()}
    for edits in _edits_by_object(report, urgencies):
        for control, own in edits.items():
            sizes[control] += len(own)
            known = containers.get(control)
            if known is None or known:
                candidates = edits.keys() if known is None else known & edits.keys()
                grade = grades[control]
                containers[control] = {
                    other
                    for other in candidates
                    if other != control and grades[other] <= grade and own <= edits[other]
                }
    parents: dict[str, str] = {}
    for control, others in containers.items():
        # Of two with the same edits, the more urgent holds the other.
        wider = [o for o in others if sizes[o] > sizes[control] or urgencies[o] < urgencies[control]]
        if wider:
            parents[control] = min(wider, key=lambda o: (-sizes[o], urgencies[o]))
    for control in parents:
        while parents[control] in parents:
            parents[control] = parents[parents[control]]
    return parents


def _edits_by_object(report: PostureReport, failed: Container[str]) -> Iterator[dict[str, Edits]]:
    """For each object that fails, the edits of each control; findings of one object are together."""
    resource, found = "", dict[str, Edits]()
    for finding in report.findings:
        if finding.resource != resource:
            yield found
            resource, found = finding.resource, {}
        control = finding.control
        if control in failed:
            edits = found.get(control)
            if edits is None:
                found[control] = {finding.edit}
            else:
                edits.add(finding.edit)
    yield found
