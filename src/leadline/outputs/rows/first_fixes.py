"""Where to begin: the objects with most at stake, each with the reason."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from leadline.model.control import Control
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.place import titles_of

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
    counted = {(one.id, False): one for one in report.controls}
    counted |= {(one.id, True): one.in_one_namespace for one in report.controls if one.namespaced_score}
    grave = [key for key, one in counted.items() if one.severity in _OF_OTHERS]
    order = sorted(grave, key=lambda key: urgency(counted[key]))
    urgent, rank = [counted[key] for key in order], {key: number for number, key in enumerate(order)}
    failed: dict[str, set[int]] = {}
    for finding in report.findings:
        if (number := rank.get((finding.control, finding.is_namespaced))) is not None:
            failed.setdefault(finding.resource, set()).add(number)
    title = titles_of(report)
    ranked = {risk.resource: risk for risk in risks}
    holders = _holders(risks)
    found: dict[str, tuple[float, str]] = {}
    for id, numbers in failed.items():
        risk, resource = ranked.get(id), report.resource(id)
        score = risk.score if risk else _score(urgent[min(numbers)], report, resource, holders)
        name = title(resource)
        if name not in found or score > found[name][0]:
            found[name] = score, id
    first = sorted(found.items(), key=lambda one: (-one[1][0], one[0]))[:most]
    return [
        FirstFix(
            id,
            name,
            ranked[id].sentence if id in ranked else _problems([urgent[one] for one in sorted(failed[id])]),
            score,
        )
        for name, (score, id) in first
    ]


def _holders(risks: Sequence[WorkloadRisk]) -> Mapping[str, tuple[int, WorkloadRisk]]:
    """For the id of each account the workload with most at stake that holds its token, with its rank."""
    found: dict[str, tuple[int, WorkloadRisk]] = {}
    for number, risk in enumerate(risks):
        for step in risk.path:
            if step.kind == "token":
                found.setdefault(step.object, (number, risk))
    return found


def _score(
    control: Control,
    report: PostureReport,
    resource: Resource,
    holders: Mapping[str, tuple[int, WorkloadRisk]],
) -> float:
    """Accounts and roles count as workloads do, by how near an attacker is to them and what they open."""
    if control.consequence == "cluster takeover":
        reach, ease = _nearness(report, resource, holders)
        return round(100 * reach * control.score / 10 * (0.6 + 0.4 * ease), 1)
    if control.severity == "critical":
        return _OF_CRITICAL.get(control.consequence, _OF_OTHERS["critical"])
    return _OF_OTHERS[control.severity]


def _nearness(
    report: PostureReport, resource: Resource, holders: Mapping[str, tuple[int, WorkloadRisk]]
) -> tuple[float, float]:
    """Reach and ease: of an account those of the workload with most at stake that holds its token."""
    if resource.kind in ("User", "Group"):
        reach = _EVERYONE.get(resource.name, _SOMEONE)
        return reach, float(reach == _ANYONE)
    parts = report.parts_of.get(resource.id, (resource.id,))
    held = [holders[part] for part in parts if part in holders]
    if not held:
        return _UNUSED, 0.0
    _, risk = min(held, key=lambda one: one[0])
    return risk.reach, risk.ease


def _problems(controls: Sequence[Control]) -> str:
    words = [control.problem or control.title for control in controls[:_PROBLEMS]]
    small = [word[:1].lower() + word[1:] if word[1:2].islower() else word for word in words]
    more = f" and {len(controls) - _PROBLEMS} more" if len(controls) > _PROBLEMS else ""
    return ", ".join(dict.fromkeys(small)) + more
