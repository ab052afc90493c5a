"""What a later scan compares itself with: the findings without their lines, one to a line."""

from typing import IO

from leadline.outputs.format import Page, PostureReport, dated_baseline, encoded_baseline, format


@format("baseline", suffix=".json")
def baseline(report: PostureReport, out: IO[str], page: Page) -> None:
    out.write(encoded_baseline(dated_baseline(report, page.at, page.version)))
