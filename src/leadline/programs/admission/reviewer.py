"""Decides about one review. Pure: the same review, waivers and moment give the same decision."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.kinds import HANDS_POD_ON, canonical_key, kind_key
from leadline.kube.workload import CONTAINER_LISTS, descend, pod_paths
from leadline.model.control import SEVERITIES
from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.outputs.text.plain import count
from leadline.programs.admission.identities import Identities, Identity
from leadline.programs.admission.lines import about, lines_of, rows_of
from leadline.programs.admission.rules import GUARDED, kinds_of
from leadline.programs.admission.settings import ALL, FAIL, NONE, Settings
from leadline.programs.admission.wire import (
    LONGEST_WARNING,
    Answer,
    Body,
    Review,
    TooLarge,
    Undecodable,
    body_of,
    is_same_but_for_metadata,
)
from leadline.scans.posture.one_object import AloneJudge, AloneVerdict
from leadline.sources.waivers.marks import annotated
from leadline.untyped import mapping

MOST_CONTAINERS = 250
MOST_VOLUMES = 250
MOST_SUBJECTS = 1_000
"""Of one binding. Each bound keeps the time for an object below a second, so that none is let through for its cost."""
MOST_VALUES = 20_000
MOST_ENTRIES = 5_000
DEEPEST = 100
SUBRESOURCES = ("", "ephemeralcontainers", "resize")
"""Those through which a pod as a whole is written; of others the object is another, such as a Scale."""
_OPERATIONS = ("CREATE", "UPDATE")
_NODES = "system:nodes"
_MIRROR = "kubernetes.io/config.mirror"
CONTROLLERS = frozenset(
    {
        "system:kube-controller-manager",
        *(
            f"system:serviceaccount:kube-system:{name}-controller"
            for name in (
                "cronjob",
                "daemon-set",
                "deployment",
                "job",
                "replicaset",
                "replication",
                "statefulset",
            )
        ),
    }
)
"""Users that make pods, and what makes pods, out of an object that was judged when it was written."""


class Known(Struct, frozen=True):
    """What is accepted also by annotations."""

    waivers: tuple[Waiver, ...] = ()
    """Of files and of the cluster."""
    unread: str = ""
    """Why the cluster's own are not known; empty where they are."""


class Decision(Struct, frozen=True):
    answer: Answer
    outcome: str
    """``allowed``, ``warned``, ``denied``, or ``not judged``."""
    why: str = ""
    """Of what was not judged; one of a few texts."""
    effects: tuple[tuple[str, str], ...] = ()
    """Each control that failed, with what came of it: ``denied``, ``would deny``, ``warned``, ``accepted``, ``old``,
    or ``fault`` where it broke."""


class Reviewer:
    """Made once. It holds nothing of any review, and may be asked from many threads."""

    def __init__(
        self, settings: Settings, judge: AloneJudge, denying: frozenset[str], home: str = ""
    ) -> None:
        """``denying``: ids of controls that deny whatever their severity; ``home``: our own namespace."""
        self.settings = settings
        self.judge = judge
        self._denying = denying
        self._warns = _at_least(judge, settings.warn_severity)
        self._denies = _at_least(judge, settings.deny_severity) | denying
        self._excluded = frozenset({*settings.exclude_namespaces, *([home] if home else [])})
        self._controllers = CONTROLLERS | frozenset(settings.trusted_controllers)
        counting = self._denies if settings.enforce else self._denies | self._warns
        self._deniable = frozenset(kinds_of(one for one in judge.asked if one.id in counting)) | {"Secret"}

    def decide(self, review: Review, known: Known, now: datetime) -> Decision:
        """What becomes of a write."""
        if review.operation not in _OPERATIONS or review.sub_resource not in SUBRESOURCES:
            return _not_asked(review, "another operation")
        if review.namespace in self._excluded:
            return _not_asked(review, "namespace excluded")
        try:
            given = body_of(review.object)
            if given is None:
                return self.failed(review, "no object")
            if self._is_judged_at_owner(review, mapping(given.get("metadata"))):
                return _not_asked(review, "judged at its owner")
            body = _placed(review, given)
            _check_size(body)
        except TooLarge as reason:
            return self.too_large(review.uid, reason.why, is_old=_is_old(review))
        except Undecodable:
            return self.failed(review, "the object cannot be decoded")
        verdict = self.judge.verdict(body)
        if self._denies.intersection(verdict.faults) and self._fails_closed(review):
            return self.failed(review, "a fault of a control")
        # Taking a finalizer off must not be held up, and what is on its way out still holds until it is gone.
        is_going = bool(body["metadata"].get("deletionTimestamp"))
        takes_old = is_going or self.settings.updates != ALL
        old = self._identities_before(review) if takes_old else frozenset()
        return self._decided(review, verdict, old, (known, now))

    def denies(self, finding: Finding) -> bool:
        """Whether it may keep its object out of the cluster."""
        return finding.control in self._denying or self._is_at_least(finding, self.settings.deny_severity)

    def warns(self, finding: Finding) -> bool:
        return self._is_at_least(finding, self.settings.warn_severity)

    def _is_at_least(self, finding: Finding, severity: str) -> bool:
        return _rank(finding.control_of(self.judge.by_id).severity) <= _rank(severity)

    def may_deny(self, review: Review) -> bool:
        """Whether a control that denies looks at objects of its kind: what only warns need not be judged in time."""
        return _key_of(review) in self._deniable

    def _fails_closed(self, review: Review) -> bool:
        settings = self.settings
        is_guarded = _key_of(review) in GUARDED
        policy = settings.guarded_failure_policy if is_guarded else settings.failure_policy
        return settings.enforce and policy == FAIL

    def failed(self, review: Review, why: str) -> Decision:
        """For what could not be judged by no fault of the object."""
        uid, is_denied = review.uid, self._fails_closed(review)
        line = f"leadline: not judged: {why}"
        warning = f"{about(review.kind.kind, review.name)}not judged: {why}"
        answer = Answer(uid, not is_denied, (warning,), line, {"decision": "not judged", "why": why})
        return Decision(answer if not is_denied else replace(answer, warnings=()), "not judged", why)

    def _is_judged_at_owner(self, review: Review, metadata: Mapping[str, Any]) -> bool:
        """Anyone may name an owner in what they write, so it counts from Kubernetes' own controllers alone."""
        if _NODES in review.user_info.groups and _MIRROR in mapping(metadata.get("annotations")):
            # It runs already, by a file of the node; what is denied is only that it shows.
            return True
        if review.user_info.username not in self._controllers:
            return False
        owners = metadata.get("ownerReferences")
        for owner in owners if isinstance(owners, list) else ():
            if isinstance(owner, dict) and owner.get("controller") is True:
                group = str(owner.get("apiVersion") or "").rpartition("/")[0]
                return kind_key(group, str(owner.get("kind") or "")) in HANDS_POD_ON
        return False

    def too_large(self, uid: str, why: str, *, is_old: bool = False) -> Decision:
        """Such an object would hide from its judge what is in it, so no setting of failures lets it through.

        ``is_old``: whether it asked for the very same before.
        """
        is_denied = self.settings.enforce and not is_old
        line = f"leadline: too large to be judged: {why}"
        outcome = "denied" if is_denied else "not judged"
        warnings = () if is_denied else (line,)
        answer = Answer(uid, not is_denied, warnings, line, {"decision": outcome, "why": why})
        return Decision(answer, outcome, "too large")

    def _identities_before(self, review: Review) -> frozenset[Identity]:
        if review.operation != "UPDATE":
            return frozenset()
        try:
            given = body_of(review.old_object)
            if given is None:
                return frozenset()
            body = _placed(review, given)
            _check_size(body)
        except (TooLarge, Undecodable):
            return frozenset()
        verdict = self.judge.verdict(body)
        identities = Identities(verdict.resource.body)
        return frozenset(identities.of(one) for one in verdict.findings)

    def _decided(
        self, review: Review, verdict: AloneVerdict, old: frozenset[Identity], at: tuple[Known, datetime]
    ) -> Decision:
        sorted_out = _SortedOut(self, verdict, old, at)
        known = at[0]
        settings = self.settings
        controls = self.judge.by_id
        denied = sorted_out.of("denied")
        if denied:
            lines = [
                f"leadline: {line}" for line in lines_of(rows_of(denied, controls), settings.most_warnings)
            ]
            if sorted_out.by_annotation:
                lines.append("leadline: annotations of the object itself do not lift a denial here")
            if known.unread:
                lines.append(f"leadline: what the cluster accepts is not known: {known.unread}")
            audit = sorted_out.audit("denied")
            # The first line follows what the API server writes before it.
            message = "\n".join(lines).removeprefix("leadline: ")
            return Decision(Answer(review.uid, False, (), message, audit), "denied", "", sorted_out.effects)
        shown = rows_of((*sorted_out.of("would deny"), *sorted_out.of("warned")), controls)
        head = about(verdict.resource.kind, review.name or _given_name(verdict.resource))
        longest = LONGEST_WARNING - len(head)
        warnings = [head + line for line in lines_of(shown, settings.most_warnings, longest)]
        number = len(rows_of(sorted_out.of("old"), controls)) if warnings else 0
        if number:
            there = "was" if number == 1 else "were"
            warnings.append(f"{head}{count(number, 'finding')} {there} there before this change")
        if warnings and known.unread:
            warnings.append(f"leadline: what the cluster accepts is not known: {known.unread}")
        outcome = "warned" if shown else "allowed"
        answer = Answer(review.uid, True, tuple(warnings), "", sorted_out.audit(outcome))
        return Decision(answer, outcome, "", sorted_out.effects)


def _given_name(resource: Resource) -> str:
    """The beginning of it, where the rest is still to be made."""
    beginning = resource.body["metadata"].get("generateName")
    return resource.name or (beginning if isinstance(beginning, str) else "")


class _SortedOut:
    """The findings of a verdict by what comes of each."""

    def __init__(
        self, reviewer: Reviewer, verdict: AloneVerdict, old: frozenset[Identity], at: tuple[Known, datetime]
    ) -> None:
        settings, (known, now) = reviewer.settings, at
        own = annotated(verdict.resource) if settings.use_target_waivers else ()
        judge, cluster = reviewer.judge, settings.cluster_name
        lifting = (*known.waivers, *own) if settings.annotations_lift_denials else known.waivers
        lifts = judge.accepted(verdict, lifting, now, cluster)
        silences = judge.accepted(verdict, (*known.waivers, *own), now, cluster) if own else lifts
        identities = Identities(verdict.resource.body)
        self._by_effect: dict[str, list[Finding]] = {}
        self._undecided = dict.fromkeys((*verdict.undecided, *verdict.faults))
        self._faults = verdict.faults
        self.by_annotation = False
        for finding, lifted, silenced in zip(verdict.findings, lifts, silences, strict=True):
            denies, warns = reviewer.denies(finding), reviewer.warns(finding)
            if not denies and not warns:
                continue
            if old and identities.of(finding) in old:
                effect = "old"
            elif settings.enforce and denies and lifted is None:
                effect = "denied"
                self.by_annotation = self.by_annotation or silenced is not None
            elif silenced is not None:
                effect = "accepted"
            elif denies and lifted is None:
                effect = "would deny"
            else:
                effect = "warned"
            self._by_effect.setdefault(effect, []).append(finding)

    def of(self, effect: str) -> Sequence[Finding]:
        return self._by_effect.get(effect, ())

    @property
    def effects(self) -> tuple[tuple[str, str], ...]:
        pairs = ((one.control, effect) for effect, found in self._by_effect.items() for one in found)
        return tuple(dict.fromkeys((*pairs, *((id, "fault") for id in self._faults))))

    def audit(self, decision: str) -> dict[str, str]:
        lists = {
            effect: ",".join(dict.fromkeys(f.control for f in found))
            for effect, found in self._by_effect.items()
        }
        return {
            "decision": decision,
            **{effect.replace(" ", "-"): ids for effect, ids in lists.items() if ids},
        }


def _key_of(review: Review) -> str:
    return canonical_key(kind_key(review.kind.group, review.kind.kind))


def _at_least(judge: AloneJudge, severity: str) -> frozenset[str]:
    return frozenset(one.id for one in judge.asked if _rank(one.severity) <= _rank(severity))


def _rank(severity: str) -> int:
    words: Sequence[str] = SEVERITIES
    return -1 if severity == NONE else words.index(severity)


def _not_asked(review: Review, why: str) -> Decision:
    return Decision(Answer(review.uid), "not judged", why)


def _placed(review: Review, given: Body) -> Body:
    """The object, in the namespace that it is written to, whatever it says."""
    metadata = dict(mapping(given.get("metadata")))
    if review.namespace and given.get("kind") != "Namespace":
        metadata["namespace"] = review.namespace
    return {**given, "metadata": metadata}


def _is_old(review: Review) -> bool:
    try:
        return review.operation == "UPDATE" and is_same_but_for_metadata(review.object, review.old_object)
    except Undecodable:
        return False


def _check_size(body: Body) -> None:
    """Raises: ``TooLarge`` where judging it could take too long."""
    level: list[Any] = [body]
    values = 0
    for _ in range(DEEPEST):
        values += len(level)
        if values > MOST_VALUES:
            raise TooLarge(f"more than {MOST_VALUES:,} values")
        if any(len(one) > MOST_ENTRIES for one in level if isinstance(one, list)):
            raise TooLarge(f"a list of more than {MOST_ENTRIES:,} entries")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            break
    else:
        raise TooLarge(f"nested deeper than {DEEPEST} levels")
    api_version, kind = body.get("apiVersion"), body.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return
    if _length(body.get("subjects")) > MOST_SUBJECTS:
        raise TooLarge(f"more than {MOST_SUBJECTS:,} subjects")
    containers = volumes = 0
    for path in pod_paths(api_version, kind, body):
        spec = descend(body, (*path, "spec"))
        containers += sum(_length(spec.get(name)) for name in CONTAINER_LISTS)
        volumes += _length(spec.get("volumes"))
    for number, most, what in (
        (containers, MOST_CONTAINERS, "containers"),
        (volumes, MOST_VOLUMES, "volumes"),
    ):
        if number > most:
            raise TooLarge(f"more than {most} {what}")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0
