"""Who may do what."""

from typing import Annotated, Any

from msgspec import Meta

from leadline.errors import UsageError
from leadline.model.access import Access
from leadline.programs.mcp.answer import Answer, Question, Start, Word, rows_of
from leadline.scans.access.answers import rights_of, who_can
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.words import question_of, subject_of
from leadline.scans.answering.evidence import Evidence

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
