"""The report as data, places and source lines included: ``leadline.decode`` reads it, without what was scanned."""

from typing import IO

import orjson

from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import encode
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.format_registry import Page, format
from leadline.outputs.text.json_text import json_text


@format("report", suffix=".report.json")
def report_document(report: PostureReport, out: IO[str], page: Page) -> None:
    out.write(json_text(orjson.loads(encode(sealed(report, page.places)))) + "\n")
