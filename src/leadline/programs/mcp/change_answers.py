"""Who may do what, what changed since a revision or a day, and what is in images."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta

from leadline.errors import SourceError, UsageError
from leadline.model.access import Access
from leadline.model.vulnerability import RATINGS
from leadline.programs.mcp.answer import Answer, Question, Start, Word, rows_of
from leadline.programs.mcp.posture_answers import SENTENCE
from leadline.scans.access.answers import rights_of, who_can
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.words import question_of, subject_of
from leadline.scans.answering.changes import changed_since, store_changes
from leadline.scans.answering.evidence import Evidence
from leadline.scans.answering.images import ImageEvidence, images_of
from leadline.scans.explaining.score import explained_score_change


class Changes(Question, frozen=True):
    since: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._/~^@{}-]{0,199}$",
            description="Files: a revision of git such as main or HEAD~1. Stored results: 7d, 4w, or a day as 2027-01-31.",
        ),
    ]
    of: Annotated[Word, Meta(description="Stored results: a namespace, workload, control or CVE alone.")] = ""
    start: Start = 0


class Image(Question, frozen=True):
    image: Annotated[Word, Meta(description="A name as the rows have it; empty lists the images.")] = ""
    start: Start = 0


def changes(evidence: Evidence, asked: Changes) -> Answer:
    return _stored(evidence, asked) if evidence.given.store else _of_files(evidence, asked)


def _of_files(evidence: Evidence, asked: Changes) -> Answer:
    quoting = evidence.of_report
    found = changed_since(evidence, asked.since)
    facts = {
        "new": len(found.new),
        "gone": len(found.gone),
        "unchanged": found.unchanged,
        "notSeenAgain": found.unseen,
        "score": quoting.texts(explained_score_change(found.before, evidence.report), SENTENCE),
        "notReadBefore": len(found.before.unread),
    }
    rows = [("new", one) for one in found.new] + [("gone", one) for one in found.gone]

    def row(both: Any) -> dict[str, Any]:
        what, one = both
        return {
            "what": what,
            "control": quoting.text(one.control),
            "severity": control.severity if (control := one.control_of(evidence.ours)) else "unknown",
            "object": quoting.text(one.object),
            "path": quoting.text(one.path),
            "file": quoting.text(one.file),
        }

    return rows_of(rows, asked.start, row, facts, "findings has the lines of what is new")


def _stored(evidence: Evidence, asked: Changes) -> Answer:
    quoting = evidence.quoting
    found = store_changes(evidence, asked.of and quoting.meant(asked.of), asked.since, datetime.now(UTC))
    facts = {
        "sentences": quoting.texts(found.sentences, SENTENCE),
        "from": found.since,
        "to": found.until,
        "notes": quoting.texts(found.notes),
    }

    def row(one: Any) -> dict[str, Any]:
        return {
            "at": quoting.text(one.at),
            "what": quoting.text(one.what),
            "by": quoting.text(one.by),
            "severity": quoting.text(one.severity),
            "id": quoting.text(one.id),
            "title": quoting.text(one.title),
            "object": quoting.text(one.object),
        }

    return rows_of(found.events, asked.start, row, facts)


def image(evidence: Evidence, asked: Image) -> Answer:
    quoting, given = evidence.quoting, evidence.given
    if not (given.store or given.images):
        raise SourceError(
            "no report about images is given", hint="a person starts leadline mcp with --images"
        )
    every = images_of(evidence, quoting.meant(asked.image))
    if not asked.image:
        return rows_of(every, asked.start, lambda one: _image_row(evidence, one), {"images": len(every)})
    one = every[0]
    facts = {**_image_row(evidence, one), "notMatched": not one.is_matched}

    def row(found: Any) -> dict[str, Any]:
        return {
            "id": quoting.text(found.id),
            "severity": found.severity if found.severity in RATINGS else "unknown",
            "package": quoting.text(f"{found.package} {found.version}"),
            "fixedIn": quoting.texts(found.fixed_in[:5]),
            "exploited": found.is_exploited,
            "loaded": found.is_loaded,
        }

    return rows_of(one.vulnerabilities, asked.start, row, facts)


def _image_row(evidence: Evidence, one: ImageEvidence) -> dict[str, Any]:
    counts = Counter(found.severity for found in one.vulnerabilities) or Counter(one.counts)
    return {
        "image": evidence.quoting.text(one.name),
        "matched": one.is_matched,
        "vulnerabilities": {name: counts[name] for name in RATINGS if counts[name]},
        "exploited": sum(1 for found in one.vulnerabilities if found.is_exploited),
    }


_WORDS = 40
_NAMED = 10


class WhoCan(Question, frozen=True):
    verb: Annotated[Word, Meta(description="get, create, * …; together with kind.")] = ""
    kind: Annotated[
        Word, Meta(description="secrets, pods/exec, deployments.apps, *, or a path as /metrics.")
    ] = ""
    name: Annotated[Word, Meta(description="Of one object of that kind.")] = ""
    namespace: Annotated[Word, Meta(description="There alone.")] = ""
    subject: Annotated[
        Word,
        Meta(
            description="In place of verb and kind: NAMESPACE/ServiceAccount/NAME, User/NAME or Group/NAME; what it may do."
        ),
    ] = ""
    admins: Annotated[bool, Meta(description="In place of both: who is or can become cluster admin.")] = False
    start: Start = 0


def who_may(evidence: Evidence, asked: WhoCan) -> Answer:
    quoting = evidence.quoting
    if sum((bool(asked.verb and asked.kind), bool(asked.subject), asked.admins)) != 1:
        raise UsageError("ask by verb and kind, or by subject, or for admins", hint="one of these")
    within = (quoting.meant(asked.namespace),) if asked.namespace else ()
    with evidence.access() as target:
        if asked.admins:
            found = to_admin(target)
        elif asked.subject:
            found = rights_of(target, subject_of(target, quoting.meant(asked.subject)), (), within)
        else:
            name = quoting.meant(asked.name) or None
            found = who_can(target, question_of(target, asked.verb, quoting.meant(asked.kind), name), within)
    facts = {
        "complete": found.is_complete,
        "notes": quoting.texts(found.notes),
        "givesNothing": quoting.texts(found.stale[:_NAMED]),
        "mayHoldMore": quoting.texts(f"{one.where}: {one.why}" for one in found.unread[:_NAMED]),
    }

    def row(one: Access) -> dict[str, Any]:
        return {
            "subject": quoting.text(one.subject.title),
            "namespace": quoting.text(one.namespace),
            "allows": quoting.texts((*one.verbs, *one.resources, *one.urls)[:_WORDS]),
            "onlyNamed": quoting.texts(one.names[:_WORDS]),
            "steps": quoting.texts(step.text for step in one.steps),
        }

    return rows_of(found.found, asked.start, row, facts)
