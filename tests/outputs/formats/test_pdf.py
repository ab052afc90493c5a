"""The PDF as its reader gets it."""

import io
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.format_registry import find_format
from leadline.outputs.pdf.typeset import pdf_of
from leadline.programs.cli.output.destinations import destinations
from outputs.sample_report import REPORT, page

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")
HOSTILE = (
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.3.0"',
    "*bold* _it_ $x^2$ [a] = b",
    "\\#eval(1)",
    "<label> @ref `raw`",
    '"; #panic("out")',
    "#" * 30,
    "{{ x }} // gone /* gone */",
)


def data_of(report: PostureReport) -> str:
    out = io.StringIO()
    find_format("pdf", PostureReport).write(report, out, page())
    return out.getvalue()


def text_of(pdf: bytes, tmp_path: Path, first: int = 1, last: int = 10_000) -> str:
    (tmp_path / "report.pdf").write_bytes(pdf)
    words = ["pdftotext", "-f", str(first), "-l", str(last), "-layout", str(tmp_path / "report.pdf"), "-"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@needs_pdftotext
def test_the_first_page_is_the_overview_and_the_findings_follow(tmp_path: Path):
    pdf = pdf_of(data_of(REPORT))
    first, all = text_of(pdf, tmp_path, last=1), text_of(pdf, tmp_path)
    for words in ("Fix first", "Compliance", "What was not seen"):
        assert words in first
    assert "What to do" not in first
    assert "What to do" in all


@needs_pdftotext
@pytest.mark.parametrize("words", HOSTILE)
def test_what_looks_like_markup_is_shown_as_it_is(words: str, tmp_path: Path):
    report = replace(REPORT, unread=(Unread(words, words, "malformed"),))
    shown = re.sub(r"\s", "", text_of(pdf_of(data_of(report)), tmp_path))
    assert shown.count(re.sub(r"\s", "", words)) >= 2
    assert "root:" not in shown


def test_every_text_of_the_data_may_be_markup(tmp_path: Path):
    """No part of the template hands a text over to be read as source."""

    def poisoned(value: object) -> object:
        if isinstance(value, dict):
            return {key: value[key] if key == "at" else poisoned(below) for key, below in value.items()}
        if isinstance(value, list):
            return [poisoned(below) for below in value]
        return '#panic("source")' if isinstance(value, str) else value

    assert pdf_of(json.dumps(poisoned(json.loads(data_of(REPORT))))).startswith(b"%PDF")


def test_the_template_reads_and_imports_nothing():
    source = (files("leadline.outputs.pdf") / "report.typ").read_text()
    calls = r"#?\b(import|include|read|eval|plugin|image|bibliography|csv|yaml|toml|xml|cbor)\b\s*[(\"]"
    assert re.findall(calls, source) == []
    assert re.findall(r"json\((?!bytes\(sys\.inputs)", source) == []


def test_the_same_report_is_the_same_file():
    assert pdf_of(data_of(REPORT)) == pdf_of(data_of(REPORT))


def test_a_terminal_is_no_place_for_it():
    with pytest.raises(UsageError, match="not text for a terminal"):
        destinations(["pdf"], "", is_terminal=True)
    (destination,) = destinations([], "report.pdf", is_terminal=True)
    assert destination.format.name == "pdf"
