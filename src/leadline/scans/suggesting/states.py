"""The state of a suggestion: it follows from what is recorded, what the cluster has, and what a person approved."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kinds.suggestions import HeldTo, LastRehearsal, Suggestion, SuggestionStatus, approves
from leadline.model.profile import Profile
from leadline.model.rehearsal import RehearsalReport, Verdict
from leadline.model.resource import Resource
from leadline.posture.subject import Container, Workload
from leadline.runtime.suggest.network import LearnedPolicy
from leadline.runtime.suggest.setting import Setting
from leadline.scans.rehearsing.hardening import Hardening, HeldContainer, has_setting
from leadline.scans.rehearsing.settings import mounts_of

DRAFT, REHEARSED, APPROVED, APPLIED, VERIFIED = "draft", "rehearsed", "approved", "applied", "verified"
_MOST_NAMED = 20
_VERDICTS: tuple[Verdict, ...] = ("allowed", "blocked", "unknown")


class Known(Struct, frozen=True):
    """What is known of a suggestion at one moment."""

    rehearsal: RehearsalReport
    """Of what it suggests, against everything recorded by now."""
    is_applied: bool
    """Whether the cluster has all of it."""
    after: Sequence[Profile]
    """Complete profiles of containers that run with it."""
    at: str


def followed(suggestion: Suggestion, known: Known) -> Suggestion:
    """With its state by now. An approval counts for what was approved, once that was rehearsed again after it."""
    spec, before = suggestion.spec, suggestion.status
    rehearsal = _last(spec, known)
    approval = before.approval
    is_approved = approval is not UNSET and approves(approval.digest, spec.digest)
    applied_at, verified_at = before.applied_at, before.verified_at
    state, why = REHEARSED, "a person with a right to it has to approve it"
    if rehearsal.blocked or not rehearsal.allowed:
        state = DRAFT
        why = (
            _blocked(rehearsal, is_approved)
            if rehearsal.blocked
            else "nothing is recorded to hold it against"
        )
    elif known.is_applied:
        state, why = APPLIED, "no container has been recorded completely since it was applied"
        applied_at = known.at if applied_at is UNSET else applied_at
        if known.after:
            state, why = (
                VERIFIED,
                f"{len(known.after)} recorded completely with it, and nothing of it blocked",
            )
            verified_at = known.at if verified_at is UNSET else verified_at
    elif is_approved:
        state, why = APPROVED, "a person has to apply it; it was rehearsed again since it was approved"
    elif approval is not UNSET:
        why = f"what {approval.by} approved was another suggestion, {approval.digest}; it has changed since"
    if not known.is_applied:
        applied_at = verified_at = UNSET
    status = SuggestionStatus(state, why, rehearsal, approval, applied_at, verified_at)
    return replace(suggestion, status=status)


def is_same(one: Suggestion, other: Suggestion) -> bool:
    """But for the moments of rehearsals and how much was recorded: an approval is always followed by a rehearsal."""
    return bool(_plain(one) == _plain(other))


def _plain(one: Suggestion) -> Any:
    rehearsal = one.status.rehearsal
    short = (rehearsal.digest, rehearsal.blocked, rehearsal.would_fail) if rehearsal is not UNSET else None
    return (one.spec.digest, one.spec.not_suggested, replace(one.status, rehearsal=UNSET), short)


def _last(spec: HeldTo, known: Known) -> LastRehearsal:
    report = known.rehearsal
    outcomes = [one for container in report.containers for one in container.outcomes]
    failing = [one for one in outcomes if one.verdict == "blocked"] + [
        one for one in outcomes if one.verdict == "unknown"
    ]
    named = tuple(dict.fromkeys(f"{one.what}: {one.why}" for one in failing))[:_MOST_NAMED]
    allowed, blocked, unknown = (report.number(verdict) for verdict in _VERDICTS)
    return LastRehearsal(known.at, spec.digest, allowed, blocked, unknown, named or UNSET)


def _blocked(rehearsal: LastRehearsal, is_approved: bool) -> str:
    first = next(iter(rehearsal.would_fail or ()), "") if rehearsal.would_fail is not UNSET else ""
    since = ", which was recorded since it was approved" if is_approved else ""
    return f"it would block what is recorded{since}: {first}"


def held_to(spec: HeldTo) -> Hardening:
    """The suggestion as edits again."""
    settings: dict[str, list[Setting]] = {}
    for one in spec.settings or ():
        folders = tuple(one.empty_volumes or ()) if one.empty_volumes is not UNSET else ()
        setting = Setting(tuple(one.path.split(".")), one.value, one.because, one.if_wrong, folders)
        settings.setdefault(one.container, []).append(setting)
    of_pod = tuple(settings.pop("", ()))
    containers = tuple(HeldContainer(name, (), tuple(its), ()) for name, its in settings.items())
    at = spec.workload
    title = f"{at.namespace}/{at.kind}/{at.name}"
    return Hardening(title, containers, LearnedPolicy({}, (), ()), (), (), (), of_pod)


def suggested_objects(spec: HeldTo) -> tuple[Resource, ...]:
    found = []
    for one in spec.objects or ():
        body = one.body if isinstance(one.body, dict) else {}
        metadata = body.get("metadata") or {}
        place = (str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))
        found.append(Resource(str(body.get("apiVersion")), str(body.get("kind")), *place, body))
    return tuple(found)


def is_applied(spec: HeldTo, workload: Workload, resources: Iterable[Resource]) -> bool:
    """Whether the cluster has every setting and every object of it, as far as they say something."""
    made = held_to(spec)
    containers = {one.name: one for one in workload.containers}
    for held in made.containers:
        container = containers.get(held.name)
        if container is None or not all(_has(container, one) for one in held.settings):
            return False
    if any(workload.pod.get(one.path[0]) != one.value for one in made.pod):
        return False
    there = {(one.kind, one.namespace, one.name): one.body for one in resources}
    return all(
        _covers((there.get((one.kind, one.namespace, one.name)) or {}).get("spec"), one.body.get("spec"))
        for one in suggested_objects(spec)
    )


def _has(container: Container, setting: Setting) -> bool:
    writable = mounts_of(container).writable
    return has_setting(container, setting) and all(folder in writable for folder in setting.folders)


def _covers(there: Any, wanted: Any) -> bool:
    """Whether ``there`` says all that ``wanted`` says; servers add defaults."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(
            _covers(there.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(there, list):
        return len(there) == len(wanted) and all(map(_covers, there, wanted))
    return bool(there == wanted) or (wanted in ([], {}) and there is None)
