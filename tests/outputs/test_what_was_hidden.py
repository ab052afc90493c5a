"""What a scan passed over stands in every format, by name."""

import io
import json

import jsonschema
import msgspec
import pytest

from leadline.model.finding import Unread
from leadline.model.report import PostureReport
from leadline.outputs.format import find_format, formats_for
from leadline.outputs.summary import scanned
from outputs.sample_report import REPORT, page

HIDDEN = msgspec.structs.replace(
    REPORT,
    left_out=tuple(
        Unread(f"legacy/{number}", "left out by an ignore file", "left out") for number in range(9)
    ),
    unread=(Unread("evil.yaml", "it holds Pod, which nothing renders", "not rendered"),),
    rendering="files by Landlock, network by a namespace",
)


def written(name: str, *, verbose: bool = True, coverage: bool = False) -> str:
    out = io.StringIO()
    shown = msgspec.structs.replace(page(verbose=verbose), coverage=coverage)
    find_format(name, PostureReport).write(HIDDEN, out, shown)
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
def test_everything_left_out_and_not_rendered_is_named(name: str):
    text = written(name)
    assert [one.where for one in (*HIDDEN.left_out, *HIDDEN.unread) if one.where not in text] == []


def test_a_terminal_gets_the_first_and_the_number():
    text = written("pretty", verbose=False)
    assert "left out  9" in text
    assert "legacy/0, legacy/1, legacy/2 and 6 more" in " ".join(text.split())


def test_how_renderers_were_confined_stands_in_the_coverage():
    assert "rendered  files by Landlock, network by a namespace" in written("pretty", coverage=True)
    assert json.loads(written("json"))["coverage"]["rendering"] == HIDDEN.rendering


def test_the_schema_knows_it():
    from importlib.resources import files

    schema = json.loads((files("leadline.outputs") / "report_schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(written("json")), schema)


def test_the_head_says_how_many_were_not_rendered():
    assert scanned(HIDDEN).endswith("; 1 not rendered")
    assert "not rendered" not in scanned(REPORT)
