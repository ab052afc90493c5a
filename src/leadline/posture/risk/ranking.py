"""Workloads by what is at stake. The formula and its reasons: ``docs/decisions/risk.md``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from leadline.kube.workload import POD_KINDS
from leadline.model.control import Control
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.risk import AttackStep, ImageFacts, WorkloadRisk
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.risk.entries import BEHIND_POLICY, IN_CLUSTER, ON_NODE, OPEN, Entry, entries_of
from leadline.posture.risk.node_reach import node_gains
from leadline.posture.risk.token_reach import TokenRight, token_rights
from leadline.posture.risk.tracks import open_tracks
from leadline.posture.subject import Workload, mapping, mappings
from leadline.posture.worlds import Worlds

_REST = 0.1
"""Of what every further thing that is won counts beside the greatest."""
_NOTHING = 1.0
"""The impact of a workload that opens nothing else: itself."""
_OWN_SECRET = 3.0
_NAMED_STEPS = 3
"""Consequences that a sentence names."""
_FROM_OUTSIDE = frozenset({"C-0256", "C-0266", "C-0041", "C-0044"})
_GRAVE = frozenset({"cluster takeover", "node escape", "secrets"})
_PLAIN_CREDENTIAL = 6.8
"""Below the node's root user, also together with what opens less of the node."""
_CREDENTIALS = frozenset({"C-0012", "C-0259"})
_EASE = {"C-0013": 0.3, "C-0017": 0.15, "C-0016": 0.15, "C-0078": 0.1, "C-0274": 0.5}
"""What makes a takeover easier or more useful: root, a writable root, escalation, foreign images, no login."""
_DETAILS = {"C-0013": "root", "C-0017": "writable /"}
_IN_USE = 90.0
"""The least score of what is reachable from outside and has a vulnerability that is exploited and loaded."""
_EXPLOITED, _CRITICAL, _LOADED, _FIXABLE = 0.7, 0.4, 0.9, 0.1


class _Gain(Struct, frozen=True):
    """Something that an attacker wins."""

    step: AttackStep
    worth: float


def workload_risks(
    report: PostureReport,
    images: Mapping[str, ImageFacts] | None = None,
    *,
    body: Callable[[Resource], dict[str, Any]] | None = None,
    candidates: int | None = None,
) -> tuple[WorkloadRisk, ...]:
    """Every workload of the report that fails anything, most at stake first.

    ``images`` holds what is known of the images of workloads, by the id of the workload. With ``candidates`` only so
    many are looked at, those that can have most at stake as far as their findings alone say. ``body`` gives the bodies of
    the objects, where the report does not hold them.
    """
    controls = report.controls_by_id
    failed: dict[str, dict[str, Control]] = {}
    for finding in report.findings:
        failed.setdefault(finding.resource, {})[finding.control] = finding.control_of(controls)
    if candidates is not None and len(failed) > candidates:
        kept = sorted(failed, key=lambda one: -_most(failed[one].values()))[:candidates]
        failed = {id: failed[id] for id in kept}
    objects = [one for one in report.resources if one.origin.kind != "derived"]
    if candidates is not None:
        objects = [one for one in objects if one.id in failed or one.kind not in POD_KINDS]
    if body is not None:
        objects = [structs.replace(one, body=body(one)) for one in objects]
    facts = Facts(is_whole=report.target.kind == "cluster", server_version=report.target.server_version)
    known = images or {}
    risks = (
        risk_of(resource, world, tuple(failed[resource.id].values()), known.get(resource.id))
        for world in Worlds(objects, facts)
        for resource in world.resources
        if resource.id in failed
    )
    return ranked(risk for risk in risks if risk is not None)


def ranked(risks: Iterable[WorkloadRisk]) -> tuple[WorkloadRisk, ...]:
    """Most at stake first."""
    return tuple(sorted(risks, key=lambda risk: (-risk.score, risk.resource)))


def risk_of(
    resource: Resource, inventory: Inventory, failed: Sequence[Control], image: ImageFacts | None = None
) -> WorkloadRisk | None:
    """What is at stake with ``resource``, which fails the controls ``failed``; ``None`` where it runs no pods.

    Of an object with several templates of pods the worst counts.
    """
    found = [_risk(one, inventory, failed, image) for one in inventory.workloads_of(resource)]
    return max(found, key=lambda risk: risk.score, default=None)


def _most(failed: Iterable[Control]) -> float:
    """What the score can be at most, in some unit, as far as the failed controls say."""
    reach, impact = IN_CLUSTER, _NOTHING
    for control in failed:
        if control.id in _FROM_OUTSIDE:
            reach = OPEN
        if control.consequence in _GRAVE:
            impact = max(impact, control.score)
    return reach * impact


def _risk(
    workload: Workload, inventory: Inventory, failed: Sequence[Control], image: ImageFacts | None
) -> WorkloadRisk:
    entry = entries_of(workload, inventory)[0]
    gains = _gains(workload, inventory, failed)
    impact = _impact(gain.worth for gain in gains)
    ease = _ease(failed, image)
    ids = {control.id for control in failed}
    return WorkloadRisk(
        resource=workload.resource.id,
        score=_score(entry.reach, impact, ease, image),
        reach=entry.reach,
        impact=impact,
        ease=ease,
        sentence=_sentence(entry, gains, failed, image),
        path=_path(workload, entry, gains, failed, image),
        tracks=open_tracks(ids, is_vulnerable=image is not None and bool(image.exploited + image.critical)),
    )


def _score(reach: float, impact: float, ease: float, image: ImageFacts | None) -> float:
    score = 100 * reach * impact / 10 * (0.6 + 0.4 * ease)
    if image is not None and image.loaded_exploited and reach >= ON_NODE:
        # What attackers use already, in what runs, where they come from: before all else, by the same order.
        score = _IN_USE + score * (100 - _IN_USE) / 100
    return round(score, 1)


def _impact(worths: Iterable[float]) -> float:
    """The greatest, and a little for every other: more to win never counts less."""
    ordered = sorted((_NOTHING, *worths), reverse=True)
    return min(10.0, ordered[0] + _REST * sum(ordered[1:]))


def _ease(failed: Sequence[Control], image: ImageFacts | None) -> float:
    """The chance that none of what helps is enough, taken from 1: more help never counts less."""
    left = 1.0
    for control in failed:
        left *= 1 - _EASE.get(control.id, 0.0)
    if image is not None:
        for number, part in (
            (image.loaded_exploited, _LOADED),
            (image.exploited, _EXPLOITED),
            (image.critical, _CRITICAL),
            (image.fixable, _FIXABLE),
        ):
            left *= 1 - part if number else 1.0
    return round(1 - left, 4)


def _gains(workload: Workload, inventory: Inventory, failed: Sequence[Control]) -> list[_Gain]:
    """What the workload opens, the most worth first."""
    gains = [_token_gain(right) for right in token_rights(workload, inventory)]
    for gain in node_gains(workload, failed):
        control = gain.control
        text = _small(control.problem or control.title)
        gains.append(
            _Gain(AttackStep("node", text, workload.resource.id, controls=(control.id,)), gain.worth)
        )
    if said := tuple(control.id for control in failed if control.id in _CREDENTIALS):
        step = AttackStep("secrets", "credential in plain text", workload.resource.id, controls=said)
        gains.append(_Gain(step, _PLAIN_CREDENTIAL))
    secrets = _mounted_secrets(workload)
    if secrets:
        text = f"{len(secrets)} Secret{'s' if len(secrets) > 1 else ''} mounted"
        gains.append(
            _Gain(AttackStep("secrets", text, workload.resource.id, controls=("C-0255",)), _OWN_SECRET)
        )
    return sorted(gains, key=lambda gain: -gain.worth)


def _token_gain(right: TokenRight) -> _Gain:
    return _Gain(AttackStep("token", f"token {right.text}", right.role), right.worth)


def _mounted_secrets(workload: Workload) -> set[str]:
    """Names of the Secrets that its pods read."""
    names = {str(mapping(volume.get("secret")).get("secretName", "")) for _, volume in workload.volumes}
    for container in workload.containers:
        for _, variable in container.env:
            names.add(str(mapping(mapping(variable.get("valueFrom")).get("secretKeyRef")).get("name", "")))
        for _, source in mappings(container.body.get("envFrom")):
            names.add(str(mapping(source.get("secretRef")).get("name", "")))
    return names - {""}


# Words


def _sentence(
    entry: Entry, gains: Sequence[_Gain], failed: Sequence[Control], image: ImageFacts | None
) -> str:
    parts = [_way(entry), *(gain.step.text for gain in _distinct(gains)[:_NAMED_STEPS])]
    parts += _vulnerabilities(image)
    if any(control.id == "C-0013" for control in failed):
        parts.append("may run as root")
    return ", ".join(parts)


def _way(entry: Entry) -> str:
    if entry.reach == IN_CLUSTER:
        return f"reachable from every pod of the cluster{f' at {entry.place}' if entry.place else ''}"
    if entry.reach == BEHIND_POLICY:
        return "reachable as far as network policies let"
    if entry.reach == ON_NODE:
        return f"reachable at {entry.place}"
    through = f" through {_name(entry.through[0])}" if entry.through else ""
    front = entry.front
    if front is not None and not front.is_read:
        return f"reachable from the internet{through} ({front.sentence}, is named in front of it)"
    return f"reachable from the internet{through}{f' behind {front.sentence}' if front else ''}"


def _name(resource: Resource) -> str:
    return f"{resource.kind} {resource.name}"


def _vulnerabilities(image: ImageFacts | None) -> list[str]:
    if image is None or not (image.exploited or image.critical):
        return []
    parts = []
    if image.exploited:
        loaded = f", {image.loaded_exploited} of them loaded" if image.loaded_exploited else ""
        parts.append(f"{_counted(image.exploited, 'exploited')}{loaded}")
    if image.critical:
        parts.append(_counted(image.critical, "critical"))
    if image.fixable:
        parts[-1] += f" ({image.fixable} fixed in newer versions)"
    return parts


def _counted(number: int, word: str) -> str:
    return f"{number} {word} vulnerabilit{'y' if number == 1 else 'ies'}"


def _path(
    workload: Workload,
    entry: Entry,
    gains: Sequence[_Gain],
    failed: Sequence[Control],
    image: ImageFacts | None,
) -> tuple[AttackStep, ...]:
    ids = [control.id for control in failed]
    start = "internet" if entry.through else entry.place or "any pod"
    if entry.reach == IN_CLUSTER:
        start = "any pod"
    if entry.reach == BEHIND_POLICY:
        start = "pods that a policy lets in"
    ways = [AttackStep("way", _name(one), one.id) for one in entry.through]
    if entry.front:
        name, said = entry.front.sentence.split(", ", 1)
        ways.insert(max(0, len(ways) - 1), AttackStep("way", name, details=(said,)))
    details = (*(_DETAILS[id] for id in ids if id in _DETAILS), *_vulnerabilities(image))
    pods = AttackStep(
        "workload", workload.name, workload.resource.id, details, tuple(id for id in ids if id in _EASE)
    )
    return (AttackStep("start", start), *ways, pods, *(gain.step for gain in _distinct(gains)))


def _distinct(gains: Sequence[_Gain]) -> list[_Gain]:
    """Those that say something of their own: ``shares the node's processes`` adds nothing beside ``… processes or IPC``."""
    kept: dict[str, _Gain] = {}
    for gain in gains:
        if not any(f"{other} ".startswith(f"{gain.step.text} ") for other in kept):
            kept[gain.step.text] = gain
    return list(kept.values())


def _small(problem: str) -> str:
    return problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
