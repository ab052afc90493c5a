"""Changes between any two moments."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.history import Day, History
from leadline.scans.options import PostureOptions
from leadline.scans.pages.changes import Between, between, score_words
from leadline.scans.pages.page import Ask, Filter, Page, Table
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import Known, World
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from memory_store import MemoryStore

SHOP = Path(__file__).parents[3] / "examples" / "shop"
CHANGES = next(kind for kind in PAGES if kind.name == "changes")

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


@pytest.fixture(scope="module")
def known() -> Known:
    """What a stored scan of a folder begins a history with."""
    known, store = read_folder([str(SHOP)], PostureOptions()), MemoryStore()
    asyncio.run(store_posture(store, known.report, StoreOptions(is_full=True)))
    return replace(known, store=store)


def built(known: Known, seen: frozenset[str] | None = None, **query: str) -> Page:
    ask = Ask({name: (text,) for name, text in query.items()})

    async def build() -> Page:
        return await CHANGES.build(World(known, seen), ask)

    return asyncio.run(build())


def numbers(table: Table) -> list[int]:
    return [int(row[2].text.replace(",", "")) for row in table.rows]


def test_what_appeared_is_listed_and_counted_by_control(known: Known) -> None:
    page = built(known, since="1d")
    listed, by_control = (one for one in page.sections if isinstance(one, Table))
    assert listed.total == len({finding.pair for finding in known.report.findings})
    assert {row[1].text for row in listed.rows} == {"appeared"}
    assert by_control.total == len({finding.control for finding in known.report.findings})
    assert numbers(by_control) == sorted(numbers(by_control), reverse=True)
    (form,) = (one for one in page.sections if isinstance(one, Filter))
    assert [name for name, _, _ in form.moments] == ["since", "until"]


def test_before_it_was_looked_at_nothing_changed(known: Known) -> None:
    page = built(known, since="2020-01-01", until="2020-01-31")
    listed, _ = (one for one in page.sections if isinstance(one, Table))
    assert (listed.rows, listed.why_empty) == (
        (),
        "Nothing changed in this time, as far as it was looked at.",
    )


def test_what_is_no_time_is_said_on_the_page(known: Known) -> None:
    (table,) = built(known, since="2027-01-05", until="2027-01-01").sections
    assert isinstance(table, Table)
    assert "before" in table.why_empty


def test_changes_elsewhere_are_not_shown(known: Known) -> None:
    listed, _ = (one for one in built(known, frozenset({"shop"})).sections if isinstance(one, Table))
    assert listed.rows
    assert {row[4].text.partition("/")[0] for row in listed.rows} == {"shop"}


def test_the_score_of_two_days_is_compared_and_other_rules_are_named(known: Known) -> None:
    days = (
        Day("2027-01-01", {"high": 4}, score=70.0, rules="1.0 aaaa"),
        Day("2027-01-02", None),
        Day("2027-01-03", {"high": 3}, score=80.0, rules="1.1 bbbb"),
    )
    found = History("the cluster", "2027-01-01", "2027-01-03", days, ())
    span = Between("2027-01-01T00:00:00Z", "2027-01-03T23:59:59Z")
    first, *_ = score_words(World(known), found, span)
    assert "was 70.0 % at the end of 2027-01-01 and is 80.0 % on 2027-01-03: 10.0 points better" in first
    assert "other rules judged it in between" in first
    one_day = replace(span, first="2027-01-03T00:00:00Z")
    assert "not known" in next(iter(score_words(World(known), found, one_day)))
    # The score is of all namespaces.
    assert not [
        one for one in score_words(World(known, frozenset({"shop"})), found, span) if "Compliance" in one
    ]
