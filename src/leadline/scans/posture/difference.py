"""What two scans differ in, written for a terminal, a program, a comment, a browser, a printer."""

from collections.abc import Mapping
from typing import Literal

from leadline.model.control import Control
from leadline.outputs.text.comparison_text import Sides, difference_document, difference_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import wrapped
from leadline.scans.posture.baselines import Compared

DifferenceForm = Literal["text", "json", "markdown", "html", "pdf"]


def written_difference(
    both: Compared, controls: Mapping[str, Control], form: DifferenceForm, *, width: int, head: str, at: str
) -> bytes:
    """``head`` is what text begins with; ``at`` when it is written, RFC 3339.

    Raises: ``UsageError`` for a PDF where its extra is not installed.
    """
    sides = Sides(both.old, both.new, both.difference, both.lines)
    match form:
        case "json":
            text = json_text(difference_document(sides)) + "\n"
        case "text":
            lines = [*wrapped(head, width), ""] if head else []
            text = "\n".join((*lines, *difference_lines(sides, controls, width))) + "\n"
        case _:
            from leadline.outputs.text import comparison_pages  # where one is asked for

            if form == "pdf":
                return comparison_pages.difference_pdf(sides, controls, at)
            if form == "html":
                return comparison_pages.difference_html(sides, controls).encode("utf-8", "replace")
            text = "".join(comparison_pages.difference_markdown(sides, controls))
    return text.encode("utf-8", "replace")
