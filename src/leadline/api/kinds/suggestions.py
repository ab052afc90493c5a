"""What a workload could be held to, by what it was seen doing, and what became of that: approved by a person, applied, verified."""

import hashlib
from typing import Annotated, Any

import orjson
from msgspec import UNSET

from leadline.api.kind import MIB, Body, Column, Writer, at, named_at, our_kind
from leadline.api.wire_type import List, Maybe, Texts, Wire, about
from leadline.untyped import mappings

DIGITS = 32
_DIGITS_BEFORE = 12


class HeldWorkload(Wire, frozen=True):
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class SuggestedSetting(Wire, frozen=True):
    """One thing to write into the manifest."""

    container: Annotated[str, about("Empty for the pod as a whole.")] = ""
    path: Annotated[str, about("From the container or the pod: securityContext.readOnlyRootFilesystem.")] = ""
    value: Any = None
    because: Annotated[str, about("What was recorded.")] = ""
    if_wrong: Annotated[str, about("What fails where the record is not all.")] = ""
    empty_volumes: Annotated[Maybe[Texts], about("Folders to be mounted as empty volumes along with it.")] = (
        UNSET
    )


class SuggestedObject(Wire, frozen=True):
    """An object to be created: a NetworkPolicy, say."""

    body: Any = None
    because: str = ""
    if_wrong: str = ""


class NotSuggested(Wire, frozen=True):
    container: str = ""
    what: str = ""
    why: str = ""


class ObservedTime(Wire, frozen=True):
    """How long and how completely the workload was recorded."""

    complete: Annotated[int, about("Profiles of containers that were watched from their start.")] = 0
    partial: int = 0
    since: str = ""
    until: str = ""
    reasons: Annotated[Texts, about("Why the others are partial.")] = None


class HeldTo(Wire, frozen=True):
    """What a workload could be held to."""

    workload: HeldWorkload = HeldWorkload()
    settings: List[SuggestedSetting] = None
    objects: Annotated[List[SuggestedObject], about("Objects to create.")] = None
    not_suggested: List[NotSuggested] = None
    observed: ObservedTime = ObservedTime()
    digest: Annotated[
        str, about("Of the workload, the settings and the objects; the server works it out.")
    ] = ""
    approve: Annotated[
        Maybe[str], about("The digest of the suggestion that a person approves; service accounts cannot.")
    ] = UNSET


class Approval(Wire, frozen=True):
    """Written by the server alone."""

    by: str = ""
    at: str = ""
    digest: str = ""


class LastRehearsal(Wire, frozen=True):
    """What the record says of the suggestion."""

    at: str = ""
    digest: str = ""
    allowed: int = 0
    blocked: int = 0
    unknown: int = 0
    would_fail: Annotated[Maybe[Texts], about("The first things that would be blocked or are not known.")] = (
        UNSET
    )


class SuggestionStatus(Wire, frozen=True):
    state: Annotated[str, about("draft, rehearsed, approved, applied or verified.")] = ""
    why: Annotated[str, about("What the next state waits for.")] = ""
    rehearsal: Maybe[LastRehearsal] = UNSET
    approval: Maybe[Approval] = UNSET
    applied_at: Maybe[str] = UNSET
    verified_at: Maybe[str] = UNSET


class Suggestion(Wire, frozen=True):
    spec: HeldTo = HeldTo()
    status: SuggestionStatus = SuggestionStatus()


def digest_of(spec: Body) -> str:
    """Names what is suggested, without the evidence, which grows with every day.

    Who writes suggestions must not find two of one digest: the second would count as approved with the first.
    """
    settings = [
        [one.get(name) for name in ("container", "path", "value", "emptyVolumes")]
        for one in mappings(spec.get("settings"))
    ]
    objects = [one.get("body") for one in mappings(spec.get("objects"))]
    content = orjson.dumps([spec.get("workload"), settings, objects], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def approves(digest: str, spec_digest: str) -> bool:
    """Whether an approval of ``digest`` is one of what has ``spec_digest``; those of twelve digits were given by earlier versions."""
    return digest == spec_digest or (len(digest) == _DIGITS_BEFORE and spec_digest.startswith(digest))


def _decided(new: Body | None, old: Body | None, writer: Writer) -> str:
    """Only the server says who approved what, and only a person approves, what was there before."""
    if new is None:
        return ""
    spec = new["spec"] = dict(new.get("spec") or {})
    status = new["status"] = dict(new.get("status") or {})
    spec["digest"] = digest_of(spec)
    before = at(old, "spec", "approve") or ""
    wanted = spec.get("approve") or ""
    known = at(old, "status", "approval")
    status.pop("approval", None)
    if wanted == before:
        if known:
            status["approval"] = known
        return ""
    if not wanted:
        return ""
    if writer.name.startswith("system:") and writer.name != "system:admin":
        return "a suggestion is approved by a person's own account"
    if wanted != at(old, "spec", "digest") or wanted != spec["digest"]:
        return "approve names another digest than that of the suggestion; read it again"
    status["approval"] = {"by": writer.name, "at": writer.at, "digest": wanted}
    return ""


def _number(body: Body) -> int:
    return sum(len(mappings(at(body, "spec", name))) for name in ("settings", "objects"))


SUGGESTIONS = our_kind(
    Suggestion,
    "suggestions",
    (
        Column("Workload", "string", named_at("spec", "workload"), "the workload"),
        Column("State", "string", "status.state", "draft, rehearsed, approved, applied or verified"),
        Column("Suggested", "integer", _number, "settings and objects"),
        Column("Approved By", "string", "status.approval.by", "whose account approved it"),
        Column("Why", "string", "status.why", "what the next state waits for", 1),
    ),
    max_bytes=MIB,
    decide=_decided,
    short_names=("sugg",),
)
