"""Rows that are kept from an earlier moment are those that are worked out anew."""

import random
from pathlib import Path

from msgspec import structs

from leadline.model.report import PostureReport
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.rows import Rows

SHOP = Path(__file__).parents[3] / "examples" / "shop"


def without(report: PostureReport, gone: set[str]) -> PostureReport:
    kept = tuple(one for one in report.findings if one.resource not in gone)
    return structs.replace(report, findings=kept)


def test_rows_kept_over_changes_are_the_same_as_new_ones() -> None:
    report = read_folder([str(SHOP)], PostureOptions()).report
    failing = sorted({one.resource for one in report.findings})
    chance = random.Random(4)
    rows = Rows(report)
    for _ in range(30):
        now = without(report, set(chance.sample(failing, chance.randrange(len(failing)))))
        rows = Rows(now, rows)
        assert rows.all == Rows(now).all


def test_a_change_of_one_object_makes_few_rows_anew() -> None:
    report = read_folder([str(SHOP)], PostureOptions()).report
    rows = Rows(report)
    assert rows.made == len(rows.all) > 100
    assert Rows(report, rows).made == 0
    one = report.findings[0].resource
    assert Rows(without(report, {one}), rows).made < len(rows.all) / 4
