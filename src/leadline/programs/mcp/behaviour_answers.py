"""What containers were recorded to do, what policies would have blocked of it, and drafts."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta

from leadline.errors import SourceError, UsageError
from leadline.model.profile import Peer, Profile
from leadline.model.rehearsal import Outcome
from leadline.programs.mcp.answer import Answer, Question, Start, Word, rows_of
from leadline.programs.mcp.posture_answers import SENTENCE
from leadline.scans.access.unused import unused_by_logs
from leadline.scans.answering.evidence import Evidence, named
from leadline.scans.answering.suggestions import Proposal, made, stored
from leadline.scans.library import fix
from leadline.scans.rehearsing.profiles import read_profiles
from leadline.scans.rehearsing.rehearsal import RehearsalOptions, container_title, rehearse
from leadline.scans.rehearsing.written import moment, observed

MOST_POLICY = 256 << 10
"""Characters of policies to rehearse."""
_DRAFT_BYTES = 20_000
_NAMED = 30
_HOW = "a person reads it, applies it outside of this conversation, and undoes it by reverting the change of the file"


class Behaviour(Question, frozen=True):
    workload: Annotated[Word, Meta(description="NAMESPACE/KIND/NAME or a part of it; empty for all.")] = ""
    start: Start = 0


class Rehearse(Question, frozen=True):
    policies: Annotated[
        str,
        Meta(
            max_length=MOST_POLICY,
            description="YAML of network policies, workloads, seccomp profiles, roles and bindings, beside those that were read.",
        ),
    ]
    start: Start = 0


class Draft(Question, frozen=True):
    what: Annotated[
        Literal["fix", "hardening", "role"],
        Meta(
            description="fix: edits for findings; hardening: of one workload by its recorded behaviour; role: the smallest by audit logs."
        ),
    ]
    control: Annotated[Word, Meta(description="fix: of this control alone.")] = ""
    risky: Annotated[bool, Meta(description="fix: also edits that may stop what runs.")] = False
    workload: Annotated[
        Word, Meta(description="hardening: NAMESPACE/KIND/NAME; of a store empty for all.")
    ] = ""
    subject: Annotated[
        Word, Meta(description="role: NAMESPACE/ServiceAccount/NAME; empty for every role.")
    ] = ""
    start: Start = 0


def behaviour(evidence: Evidence, asked: Behaviour) -> Answer:
    quoting = evidence.quoting
    recording = read_profiles(_profiles(evidence))
    chosen = named(
        recording.profiles,
        lambda one: container_title(one.container).partition(",")[0],
        quoting.meant(asked.workload),
    )
    if asked.workload and not chosen:
        raise UsageError(f"nothing was recorded of {asked.workload}", hint="ask without a workload for all")
    facts = {"linesNotRead": len(recording.unread), "programArguments": "are recorded and never shown here"}

    def row(one: Profile) -> dict[str, Any]:
        return {
            "container": quoting.text(container_title(one.container)),
            "completion": quoting.text(one.completion),
            "why": quoting.texts(one.reasons[:_NAMED]),
            "since": moment(one.since_s),
            "until": moment(one.until_s),
            "programs": _first(evidence, sorted({ran.path for ran in one.executed})),
            "filesOpened": len(one.opened),
            "filesChanged": _first(evidence, sorted({changed.path for changed in one.changed})),
            "connections": _first(evidence, map(_peer, one.peers)),
            "capabilities": quoting.texts(one.capabilities[:_NAMED]),
            "systemCalls": len(one.syscalls),
            "users": list(one.users[:_NAMED]),
            "lost": sum(one.lost.values()) + sum(one.collapsed.values()),
        }

    return rows_of(chosen, asked.start, row, facts)


def rehearsed(evidence: Evidence, asked: Rehearse) -> Answer:
    quoting, given = evidence.quoting, evidence.given
    wanted = RehearsalOptions(_profiles(evidence), given.audit_logs, policies=quoting.meant(asked.policies))
    report = rehearse(given.roots, wanted, evidence.options)
    order = {"blocked": 0, "unknown": 1, "allowed": 2}
    outcomes = sorted(
        ((container_title(one.container), outcome) for one in report.containers for outcome in one.outcomes),
        key=lambda both: order[both[1].verdict],
    )
    facts = {
        "blocked": report.number("blocked"),
        "unknown": report.number("unknown"),
        "allowed": report.number("allowed"),
        "judgedBy": quoting.texts(report.policies[:_NAMED]),
        "notJudged": quoting.texts(f"{one.where}: {one.why}" for one in report.not_judged[:_NAMED]),
        "notJudgedTotal": len(report.not_judged),
        "notRead": quoting.texts(f"{one.where}: {one.why}" for one in report.unread[:_NAMED]),
        "recorded": [
            {"container": quoting.text(container_title(one.container)), "how": quoting.text(observed(one))}
            for one in report.containers[:_NAMED]
        ],
        "notes": quoting.texts(report.notes),
    }

    def row(both: tuple[str, Outcome]) -> dict[str, Any]:
        container, one = both
        return {
            "verdict": one.verdict,
            "container": quoting.text(container),
            "what": quoting.text(one.what),
            "why": quoting.text(one.why),
            "by": quoting.text(one.by),
            "times": one.use.times,
            "last": moment(one.use.last_s),
        }

    return rows_of(outcomes, asked.start, row, facts)


def draft(evidence: Evidence, asked: Draft) -> Answer:
    if not evidence.given.roots and asked.what != "hardening":
        raise SourceError(
            "drafts are made for files", hint="a person starts leadline mcp with a folder of manifests"
        )
    match asked.what:
        case "fix":
            return _fix(evidence, asked)
        case "hardening":
            return _hardening(evidence, asked)
        case "role":
            return _roles(evidence, asked)


def _fix(evidence: Evidence, asked: Draft) -> Answer:
    quoting = evidence.quoting
    controls = (asked.control.upper(),) if asked.control else ()
    found = fix(evidence.given.roots, evidence.options_for(controls), risky=asked.risky)
    text, is_whole = quoting.lines(found.diff.splitlines(), _DRAFT_BYTES)
    facts = {
        "draft": text,
        "isWhole": is_whole,
        "edits": found.made,
        "findingsBefore": found.failed_before,
        "findingsAfter": found.failed_after,
        "leftOutAsTheyMayStopWhatRuns": quoting.texts(found.risky[:_NAMED]),
        "decisionsForAPerson": found.decisions,
        "checked": "tried on a copy and judged again: each edit removes its finding and brings none",
        "howToApply": _HOW,
    }
    return Answer(facts, rest="leadline fix PATH --dry-run prints all of it")


def _hardening(evidence: Evidence, asked: Draft) -> Answer:
    quoting = evidence.quoting
    workload = quoting.meant(asked.workload)
    if evidence.given.store:
        chosen = named(stored(evidence), lambda one: one.workload, workload)
    elif workload:
        chosen = [made(evidence, workload, _profiles(evidence))]
    else:
        raise UsageError("no workload is named", hint="write NAMESPACE/KIND/NAME as behaviour shows it")

    def row(one: Proposal) -> dict[str, Any]:
        text, is_whole = quoting.lines(one.lines, _DRAFT_BYTES // 2)
        return {
            "workload": quoting.text(one.workload),
            "state": quoting.text(one.state),
            "digest": quoting.text(one.digest),
            "sentences": quoting.texts(one.sentences, SENTENCE),
            "draft": text,
            "isWhole": is_whole,
        }

    facts = {"howToApply": _HOW}
    return rows_of(
        chosen, asked.start, row, facts, "leadline harden workload NAME PATH --profile FILE prints all of it"
    )


def _roles(evidence: Evidence, asked: Draft) -> Answer:
    quoting, given = evidence.quoting, evidence.given
    if not given.audit_logs:
        raise SourceError("no audit log is given", hint="a person starts leadline mcp with --audit-log")
    with evidence.access() as target:
        use = unused_by_logs(target, given.audit_logs, secrets=evidence.options.secrets)
    subject = quoting.meant(asked.subject)
    chosen = [
        one for one in use.roles if not subject or any(holder.title == subject for holder in one.holders)
    ]
    facts = {
        "recordedFrom": quoting.text(use.observed.first),
        "recordedTo": quoting.text(use.observed.last),
        "requests": use.observed.events,
        "notes": quoting.texts(use.notes),
        "checked": "every recorded request is still allowed with every draft applied",
        "howToApply": _HOW,
    }

    def row(one: Any) -> dict[str, Any]:
        text, is_whole = quoting.lines(one.patch, _DRAFT_BYTES // 2)
        return {
            "role": quoting.text(one.role),
            "holders": quoting.texts(holder.title for holder in one.holders[:_NAMED]),
            "requests": one.requests,
            "unused": quoting.texts(one.unused[:_NAMED]),
            "notKnown": quoting.texts(one.unknown[:_NAMED]),
            "draft": text,
            "isWhole": is_whole,
            "whyNoDraft": quoting.text(one.why_no_patch),
        }

    return rows_of(chosen, asked.start, row, facts)


def _profiles(evidence: Evidence) -> tuple[str, ...]:
    if not evidence.given.profiles:
        raise SourceError(
            "no recorded behaviour is given", hint="a person starts leadline mcp with --profile"
        )
    return evidence.given.profiles


def _first(evidence: Evidence, texts: Iterable[str]) -> dict[str, Any]:
    every = list(texts)
    return {"total": len(every), "first": evidence.quoting.texts(every[:_NAMED])}


def _peer(one: Peer) -> str:
    names = f" ({', '.join(one.names[:3])})" if one.names else ""
    return f"{one.direction} {one.address}:{one.port}/{one.protocol}{names}"
