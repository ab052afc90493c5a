"""Where to begin: the objects with most at stake, each with the reason."""

from collections.abc import Sequence

from msgspec import Struct

from leadline.model.control import Control
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.titles import titles_of

MOST = 5
_OF_CRITICAL = {
    "node escape": 55.0,
    "secrets": 50.0,
    "reachable from outside": 45.0,
}
"""What a critical problem of an object that runs nothing counts beside the scores of workloads, by its consequence."""
_OF_OTHERS = {"critical": 18.0, "high": 8.0}
_ANYONE, _SIGNED_IN, _SOMEONE, _UNUSED = 1.0, 0.6, 0.3, 0.1
"""Reach of an account: no credential is needed, any is enough, one of a person, that of a service account without pods."""
_EVERYONE = {
    "system:anonymous": _ANYONE,
    "system:unauthenticated": _ANYONE,
    "system:authenticated": _SIGNED_IN,
    "system:serviceaccounts": _SIGNED_IN,
}
_PROBLEMS = 3
"""Named of one object."""


class FirstFix(Struct, frozen=True):
    """One object to begin with."""

    resource: str
    """Its id."""
    title: str
    why: str
    score: float
    """0 to 100."""


def first_fixes(report: PostureReport, risks: Sequence[WorkloadRisk], most: int = MOST) -> list[FirstFix]:
    """The objects with most at stake. Workloads count as they are ranked, others by their worst problem.

    A workload of which nothing is critical or high is none to begin with.
    """
    controls = {control.id: control for control in report.controls}
    failed: dict[str, dict[str, None]] = {}
    for finding in report.findings:
        if controls[finding.control].severity in _OF_OTHERS:
            failed.setdefault(finding.resource, {})[finding.control] = None
    title = titles_of(report)
    ranked = {risk.resource: risk for risk in risks}
    found: list[FirstFix] = []
    for id, ids in failed.items():
        worst = sorted((controls[one] for one in ids), key=urgency)
        risk = ranked.get(id)
        name = title(report.resource(id))
        if risk is not None:
            found.append(FirstFix(id, name, risk.sentence, risk.score))
        else:
            score = _score(worst[0], report, report.resource(id), risks)
            found.append(FirstFix(id, name, _problems(worst), score))
    by_title: dict[str, FirstFix] = {}
    for fix in sorted(found, key=lambda fix: (-fix.score, fix.title)):
        by_title.setdefault(fix.title, fix)
    return list(by_title.values())[:most]


def _score(
    control: Control, report: PostureReport, resource: Resource, risks: Sequence[WorkloadRisk]
) -> float:
    """Accounts and roles count as workloads do, by how near an attacker is to them and what they open."""
    if control.consequence == "cluster takeover":
        reach, ease = _nearness(report, resource, risks)
        return round(100 * reach * control.score / 10 * (0.6 + 0.4 * ease), 1)
    if control.severity == "critical":
        return _OF_CRITICAL.get(control.consequence, _OF_OTHERS["critical"])
    return _OF_OTHERS[control.severity]


def _nearness(
    report: PostureReport, resource: Resource, risks: Sequence[WorkloadRisk]
) -> tuple[float, float]:
    """Reach and ease: of an account those of the workload with most at stake that holds its token."""
    if resource.kind in ("User", "Group"):
        reach = _EVERYONE.get(resource.name, _SOMEONE)
        return reach, float(reach == _ANYONE)
    parts = frozenset(report.parts_of.get(resource.id, (resource.id,)))
    for risk in risks:
        if any(step.kind == "token" and step.object in parts for step in risk.path):
            return risk.reach, risk.ease
    return _UNUSED, 0.0


def _problems(controls: Sequence[Control]) -> str:
    words = [control.problem or control.title for control in controls[:_PROBLEMS]]
    small = [word[:1].lower() + word[1:] if word[1:2].islower() else word for word in words]
    more = f" and {len(controls) - _PROBLEMS} more" if len(controls) > _PROBLEMS else ""
    return ", ".join(dict.fromkeys(small)) + more
