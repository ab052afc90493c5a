"""Changes between any two moments."""

from datetime import UTC, datetime

import pytest

from leadline.errors import UsageError
from leadline.scans.pages.changes import Between, between

NOW = datetime(2027, 3, 10, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "span"),
    [
        ("7d", "", ("2027-03-03T00:00:00Z", "2027-03-10T12:30:00Z")),
        ("2027-03-01", "2027-03-01", ("2027-03-01T00:00:00Z", "2027-03-01T23:59:59Z")),
        ("2027-03-01T09:00", "2027-03-02T10:15", ("2027-03-01T09:00:00Z", "2027-03-02T10:15:00Z")),
        ("2027-03-01T09:00:00Z", "", ("2027-03-01T09:00:00Z", "2027-03-10T12:30:00Z")),
        ("2027-03-01T09:00+02:00", "", ("2027-03-01T07:00:00Z", "2027-03-10T12:30:00Z")),
    ],
)
def test_two_moments_are_spans_days_or_times(since: str, until: str, span: tuple[str, str]) -> None:
    assert between(since, until, NOW) == Between(*span)


@pytest.mark.parametrize(
    ("since", "until"), [("2027-03-05", "2027-03-01"), ("yesterday", ""), ("7d", "<b>"), ("99999d9", "")]
)
def test_what_is_no_time_is_refused(since: str, until: str) -> None:
    with pytest.raises(UsageError):
        between(since, until, NOW)
