"""The report as data, places and source lines included: ``leadline.decode`` reads it, without what was scanned."""

from typing import IO

import orjson

from leadline.outputs.format import Page, PostureReport, encode, format, json_text, sealed


@format("report", suffix=".report.json")
def report_document(report: PostureReport, out: IO[str], page: Page) -> None:
    out.write(json_text(orjson.loads(encode(sealed(report, page.places)))) + "\n")
