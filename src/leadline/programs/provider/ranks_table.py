"""Which workloads are to be fixed first, as their sources rank them."""

from leadline.api.provider.wire import Changes, NamedWorkload
from leadline.programs.provider.database import Writing, mark_of
from leadline.programs.provider.source_row import Source


def change_ranks(write: Writing, source: Source, changes: Changes) -> None:
    """A workload that is unranked and ranked in one message is ranked."""
    write.many(
        "DELETE FROM ranked WHERE source = ? AND mark = ?",
        [(source.id, _mark(one)) for one in changes.unranked],
    )
    write.many(
        "INSERT INTO ranked(tenant, source, mark, score, grp, kind, namespace, name, sentence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (source, mark) DO UPDATE SET score = excluded.score, sentence = excluded.sentence",
        [
            (
                *(source.tenant_id, source.id, _mark(one), float(one.score)),
                *(one.group, one.kind, one.namespace, one.name, one.sentence),
            )
            for one in changes.ranked
        ],
    )


def _mark(one: NamedWorkload) -> bytes:
    return mark_of(one.group, one.kind, one.namespace, one.name)
