"""What a later scan compares itself with: the findings without their lines, one to a line."""

from typing import IO

from leadline.model.report import PostureReport
from leadline.outputs.documents.baseline import dated_baseline, encoded_baseline
from leadline.outputs.format_registry import Page, format


@format("baseline", suffix=".json")
def baseline(report: PostureReport, out: IO[str], page: Page) -> None:
    out.write(encoded_baseline(dated_baseline(report, page.places, page.at, page.version)))
