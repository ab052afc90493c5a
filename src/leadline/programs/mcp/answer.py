"""An answer: facts, rows as far as they fit, and what was not seen."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from leadline.scans.answering.evidence import Evidence

T = TypeVar("T")
Word = Annotated[str, Meta(max_length=512)]
Start = Annotated[int, Meta(ge=0, le=10_000_000, description="The first row to show.")]
BUDGET_BYTES = 32_768
"""Of one answer; some 8,000 tokens."""
_NOT_SEEN_NAMED = 3
_REST_BYTES = 1_024
"""Kept for what is said around the rows."""


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """What one tool takes; its schema is what an assistant is shown."""


class Answer(Struct, frozen=True):
    facts: dict[str, Any] = {}
    rows: Iterable[Any] = ()
    """From ``start`` on; made one by one, as long as they fit."""
    total: int | None = None
    """Rows, before ``start`` as well; ``None`` for an answer that has none."""
    start: int = 0
    rest: str = ""
    """How to see what did not fit, beside asking with a later ``start``."""


def rows_of(
    chosen: Sequence[T],
    start: int,
    row: Callable[[T], Any],
    facts: dict[str, Any] | None = None,
    rest: str = "",
) -> Answer:
    """A row for each of ``chosen`` from ``start`` on."""
    return Answer(facts or {}, map(row, islice(chosen, start, None)), len(chosen), start, rest)


def written(answer: Answer, evidence: Evidence, budget: int) -> bytes:
    """The answer as JSON of at most ``budget`` bytes."""
    document = {**answer.facts, **_around(evidence)}
    left = budget - len(_encoded(document)) - _REST_BYTES
    rows: list[bytes] = []
    for row in answer.rows:
        encoded = _encoded(row)
        left -= len(encoded) + 1
        if left < 0:
            break
        rows.append(encoded)
    if answer.total is not None:
        document["rows"] = [msgspec.Raw(one) for one in rows]
        document["total"] = answer.total
        shown = answer.start + len(rows)
        if shown < answer.total:
            how = (
                f"ask again with start={shown}" if rows else "one row is larger than the budget of an answer"
            )
            document["truncated"] = {"next": shown, "left": answer.total - shown, "how": how}
    if answer.rest:
        document["more"] = answer.rest
    text = _encoded(document)
    if len(text) > budget:
        return _encoded(
            {"error": "the answer is larger than its budget", "how": "ask for less", **_around(evidence)}
        )
    return text


def _around(evidence: Evidence) -> dict[str, Any]:
    """What every answer says of what it does not rest on."""
    report, quoting = evidence.report, evidence.of_report
    unread = report.unread
    return {
        "readAt": evidence.at,
        "notSeen": {
            "total": len(unread),
            "first": [
                {"where": quoting.text(one.where), "why": quoting.text(one.why), "reason": one.reason}
                for one in unread[:_NOT_SEEN_NAMED]
            ],
            "how": "not_seen lists all" if unread else "everything that was found was read",
        },
    }


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)
