"""Why numbers of a history are others than before."""

from collections import Counter
from collections.abc import Iterator

from leadline.model.history import Day, History
from leadline.outputs.text.history_text import happened
from leadline.outputs.text.plain import count


def explained_history(history: History) -> Iterator[str]:
    """What was counted on the first and last day that someone looked, what came and went, and what else changed."""
    known = [day for day in history.days if day.failed is not None]
    if not known:
        yield f"Nothing was counted of {history.subject} from {history.since} to {history.until}."
    else:
        first, last = known[0], known[-1]
        yield f"On {first.day} {_failed(first)} failed in {history.subject}, on {last.day} {_failed(last)}."
        if first.score is not None and last.score is not None:
            yield f"The score was {first.score:.1f} and is {last.score:.1f} ({last.score - first.score:+.1f})."
        if first.rules != last.rules:
            yield "The rules changed in between: a part of the difference is theirs and not the cluster's."
        if first.unread != last.unread and first.unread is not None and last.unread is not None:
            yield f"Parts that could not be read: {first.unread:,} then, {last.unread:,} now."
    counts = Counter(what for _, _, what in happened(history))
    if counts:
        yield f"Findings: {', '.join(f'{number:,} {what}' for what, number in counts.most_common())}."
    by = Counter(change.by for _, change, _ in happened(history) if change.by)
    for cause, number in sorted(by.items()):
        yield f"{number:,} of these changes came with other {cause}."
    missing = len(history.days) - len(known)
    if missing and known:
        yield f"On {count(missing, 'day')} no one looked."


def _failed(day: Day) -> str:
    return count(day.total or 0, "pair of control and object", "pairs of control and object")
