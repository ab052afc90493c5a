"""What fails, why the score is what it is, what is at stake, and what was not seen."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES, Severity
from leadline.model.risk import WorkloadRisk
from leadline.model.unread import Unread
from leadline.programs.mcp.answer import Answer, Question, Start, Word, rows_of
from leadline.scans.answering.evidence import Evidence, named
from leadline.scans.explaining.risk import explained_risk
from leadline.scans.explaining.score import explained_score
from leadline.scans.library import ShownFinding

SENTENCE = 1_000
"""Characters of one."""
_LINES_BYTES = 4_000
_RELATED = 20
_PAGE = 12_000


class Overview(Question, frozen=True):
    again: Annotated[
        bool, Meta(description="Read everything again first; other tools answer from the same reading.")
    ] = False


class Findings(Question, frozen=True):
    severity: Annotated[Severity | None, Meta(description="Of this severity alone.")] = None
    control: Annotated[Word, Meta(description="Of this control alone, such as C-0057.")] = ""
    object: Annotated[
        Word, Meta(description="Of this namespace, kind, name or NAMESPACE/KIND/NAME alone.")
    ] = ""
    start: Start = 0


class OneFinding(Question, frozen=True):
    id: Annotated[Word, Meta(description="As in the rows of findings.")]


class Explain(Question, frozen=True):
    what: Annotated[
        Word, Meta(description="score, the id of a control, or a workload whose risk is to be explained.")
    ]


class OfWorkloads(Question, frozen=True):
    workload: Annotated[Word, Meta(description="NAMESPACE/KIND/NAME or a part of it; empty for all.")] = ""
    start: Start = 0


class Rows(Question, frozen=True):
    start: Start = 0


def overview(evidence: Evidence, asked: Overview) -> Answer:
    if asked.again:
        evidence.read_anew()
    report, quoting = evidence.report, evidence.of_report
    counts, numbers = report.severities(), report.numbers
    facts = {
        "target": quoting.text(report.target.name),
        "objects": report.objects,
        "objectsJudged": report.objects_judged,
        "findings": {name: counts[name] for name in SEVERITIES if counts[name]},
        "edits": numbers.edits,
        "decisions": numbers.decisions,
        "accepted": numbers.accepted,
        "controlsThatJudged": sum(1 for row in report.by_control if row.judged),
        "controlsThatDidNot": sum(1 for row in report.by_control if not row.judged),
        "score": quoting.texts(explained_score(report), SENTENCE),
        "frameworks": [
            {"framework": quoting.text(one.title), "score": _rounded(report.compliance(one))}
            for one in report.frameworks
        ],
        "mostAtStake": [_risk_row(evidence)(one) for one in (report.risks or ())[:3]],
    }
    return Answer(facts, rest="findings, risk and not_seen have the rows")


def findings(evidence: Evidence, asked: Findings) -> Answer:
    control = asked.control.upper()
    facts: dict[str, Any] = _judged(evidence, control) if control else {}
    if control and not facts:
        raise UsageError(f"no control {asked.control} judged here", hint="explain has the page of a control")
    every = named(evidence.findings, lambda both: both[1].object, asked.object)
    if not every:
        _refuse_unknown(evidence, asked.object)
    chosen = [
        both
        for both in every
        if asked.severity in (None, both[1].severity) and control in ("", both[1].control)
    ]
    # As everywhere else a control that fails in several places of an object counts once; each place has a row.
    facts["findings"] = len({raw.pair for raw, _ in chosen})
    return rows_of([one for _, one in chosen], asked.start, _finding_row(evidence), facts)


def finding(evidence: Evidence, asked: OneFinding) -> Answer:
    report, quoting = evidence.report, evidence.of_report
    raw, one = next((both for both in evidence.findings if id_of(both[1]) == asked.id), (None, None))
    if raw is None or one is None:
        raise UsageError(
            "no finding has this id", hint="findings shows the ids; they change with what they are of"
        )
    control = raw.control_of(evidence.ours) if one.control in evidence.ours else None
    facts = {
        **_finding_row(evidence)(one),
        "consequence": control.consequence if control else "",
        "why": " ".join(control.doc.strip().split("\n\n", 1)[0].split()) if control else "",
        "lines": quoting.lines(raw.lines, _LINES_BYTES)[0],
        "restsOn": quoting.texts(report.resource(id).title for id in raw.related[:_RELATED]),
    }
    return Answer(facts, rest="explain with its control says how it is fixed; draft makes the edit as text")


def explain(evidence: Evidence, asked: Explain) -> Answer:
    report, quoting = evidence.report, evidence.of_report
    if asked.what.lower() == "score":
        return Answer({"sentences": quoting.texts(explained_score(report), SENTENCE)})
    control = evidence.ours.get(asked.what.upper())
    if control is not None:
        facts: dict[str, Any] = {
            "control": control.id,
            "title": control.title,
            "severity": control.severity,
            "page": control.doc[:_PAGE],
        }
        return Answer(facts | _judged(evidence, control.id))
    found = named(report.risks or (), lambda one: report.resource(one.resource).title, asked.what)
    if len(found) != 1:
        what = (
            f"{len(found):,} workloads fit {asked.what}"
            if found
            else f"nothing is known here of {asked.what}"
        )
        raise UsageError(what, hint="write score, the id of a control, or a workload as risk shows it")
    return Answer({"sentences": quoting.texts(explained_risk(report, found[0]), SENTENCE)})


def risk(evidence: Evidence, asked: OfWorkloads) -> Answer:
    report = evidence.report
    chosen = named(report.risks or (), lambda one: report.resource(one.resource).title, asked.workload)
    if not chosen:
        _refuse_unknown(evidence, asked.workload)
    return rows_of(chosen, asked.start, _risk_row(evidence))


def not_seen(evidence: Evidence, asked: Rows) -> Answer:
    report, quoting = evidence.report, evidence.of_report

    def part(what: str, one: Unread) -> dict[str, Any]:
        said = {"where": one.where, "why": one.why, "hint": one.hint}
        return {
            "what": what,
            "reason": one.reason,
            **{key: quoting.text(text) for key, text in said.items() if text},
        }

    every = [
        *(part("not read", one) for one in report.unread),
        *(part("left out by choice", one) for one in report.left_out),
        *(
            {
                "what": "objects not decided",
                "control": quoting.text(one.control),
                "why": quoting.text(one.why),
                "objects": len(one.resources),
            }
            for one in report.undecided
        ),
        *(
            {
                "what": "control judged nothing",
                "control": quoting.text(one.control),
                "why": quoting.text(one.why),
            }
            for one in report.skips
        ),
    ]
    return rows_of(every, asked.start, lambda row: row)


def id_of(one: ShownFinding) -> str:
    """Stays as long as control, file, object and edit do."""
    words = "\0".join((one.control, one.file, one.object, one.path, one.advice))
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _judged(evidence: Evidence, control: str) -> dict[str, Any]:
    """How many objects a control judged, or why none; empty for one that is not in the report."""
    row = next((one for one in evidence.report.by_control if one.control.id == control), None)
    if row is None:
        return {}
    counts: dict[str, Any] = {"failed": row.failed, "passed": row.passed}
    return counts | ({"judgedNothing": evidence.of_report.text(row.skip.why)} if row.skip else {})


def _refuse_unknown(evidence: Evidence, asked: str) -> None:
    """Nothing that fails is no answer about an object that was never read. Raises: ``UsageError``."""
    if asked and not named(evidence.report.resources, lambda one: one.title, asked):
        raise UsageError(
            f"nothing that was read is called {asked}", hint="write NAMESPACE/KIND/NAME or a part of it"
        )


def _finding_row(evidence: Evidence) -> Callable[[ShownFinding], dict[str, Any]]:
    quoting = evidence.of_report

    def row(one: ShownFinding) -> dict[str, Any]:
        control = evidence.ours.get(one.control)
        return {
            "id": id_of(one),
            "control": control.id if control else quoting.text(one.control),
            "severity": one.severity,
            "problem": control.problem or control.title if control else quoting.text(one.problem),
            "object": quoting.text(one.object),
            "place": quoting.text(f"{one.file}:{one.line}" if one.line else one.file),
            "advice": quoting.text(one.advice),
        }

    return row


def _risk_row(evidence: Evidence) -> Callable[[WorkloadRisk], dict[str, Any]]:
    report, quoting = evidence.report, evidence.of_report

    def row(one: WorkloadRisk) -> dict[str, Any]:
        return {
            "workload": quoting.text(report.resource(one.resource).title),
            "score": one.score,
            "why": quoting.text(one.sentence, SENTENCE),
            "way": quoting.texts(step.text for step in one.path),
        }

    return row


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
