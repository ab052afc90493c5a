"""What several advisories say together about the one problem that they speak of."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from leadline.vulnerabilities.database import Detail, Record
from leadline.vulnerabilities.scoring import rating_of_score

_BEST_RATED = ("github", "nvd", "")
"""Feeds whose word for the severity is taken first, by how their names begin."""
_MOST_RATINGS = 6
_MOST_LINKS = 5

T = TypeVar("T")


def summed_up(records: Sequence[Record], names: Collection[str]) -> Detail:
    """One advisory in place of ``records``, which are in the order in which they were read.

    Those that go by one of ``names``, the problem's, come before updates, which are titled for a package. Withdrawn ones
    count only where they are alone.
    """
    standing = [record for record in records if not record.detail.withdrawn] or records
    records = sorted(standing, key=lambda record: record.name not in names)
    own = [record for record in records if record.name in names]
    details = [record.detail for record in records]
    scores = [cvss.score for detail in details for cvss in detail.cvss]
    ratings = (
        record.detail.severity
        for start in _BEST_RATED
        for record in records
        if record.feed.startswith(start) and record.detail.severity != "unknown"
    )
    return Detail(
        severity=next(ratings, rating_of_score(max(scores, default=0.0))),
        kind=next((detail.kind for detail in details), "security"),
        cvss=_each_once((cvss for detail in details for cvss in detail.cvss), _MOST_RATINGS),
        summary=_title(own) or _title(records),
        published=min((detail.published for detail in details if detail.published), default=""),
        modified=max((detail.modified for detail in details), default=""),
        withdrawn=min((detail.withdrawn for detail in details), default=""),
        references=_each_once((link for detail in details for link in detail.references), _MOST_LINKS),
        weaknesses=_each_once(cwe for detail in details for cwe in detail.weaknesses),
    )


def _title(records: Sequence[Record]) -> str:
    """The first that is a title; where all are whole sentences, out of longer texts, the first of them."""
    summaries = [record.detail.summary for record in records if record.detail.summary]
    titles = (one for one in summaries if not one.endswith((".", "…")))
    return next(titles, summaries[0] if summaries else "")


def _each_once(values: Iterable[T], most: int | None = None) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))[:most]
