"""How old a vulnerability database is: its oldest feed decides, and a date in the future proves nothing."""

import pytest

from leadline.errors import DatabaseError
from leadline.model.vulnerability import DatabaseState, FeedState
from leadline.scans.images.vulnerabilities import age_days, check_age

TODAY = "2027-01-31"


def state(*dates: str, built: str = "2027-01-30T10:00:00Z") -> DatabaseState:
    feeds = (FeedState(name=f"feed-{n}", title="", date=date) for n, date in enumerate(dates))
    return DatabaseState(built, tuple(feeds))


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (("2027-01-30", "2026-12-01"), "61 days old .the feed feed-1."),
        (("2027-01-30", "2099-01-01"), "how old the feed feed-1 is, is not known"),
        (("2027-01-30", ""), "how old the feed feed-1 is, is not known"),
    ],
)
def test_a_young_feed_does_not_hide_an_old_one(dates, words):
    with pytest.raises(DatabaseError, match=words):
        check_age(state(*dates), 7, TODAY)


def test_a_database_of_young_feeds_is_young():
    check_age(state("2027-01-30", "2027-01-26"), 7, TODAY)


def test_a_database_that_was_built_in_the_future_is_of_no_known_age():
    with pytest.raises(DatabaseError, match="unknown date"):
        check_age(state("2099-01-01", built="2099-01-02"), 7, TODAY)
    assert age_days("2027-02-01", TODAY) == 0
