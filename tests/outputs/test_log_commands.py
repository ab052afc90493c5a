"""Names that pipelines would take for commands when a report is printed into their logs."""

import io
import json
import re
from itertools import product

import pytest

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import find_format, formats_for
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import clipped, columns, plain, wrapped
from outputs.formats.test_hostile_names import hostile_places, hostile_report
from outputs.sample_report import page

COMMANDS = (
    "::error file=x::y",
    "word ::error file=x::y",
    "a.::set-output name=x::y",
    "##[add-mask]x",
    "###[group]x",
    "##vso[task.setvariable variable=x]y",
    "##VSO[task.complete]",
    "##teamcity[buildProblem]",
    "section_start:1:a\r\x1b[0K",
    "\u2028::warning::x",
)
GITHUB = re.compile(r"^\s*::[A-Za-z]", re.MULTILINE)
ANYWHERE = re.compile(r"##(\[|vso\[|teamcity\[)", re.IGNORECASE)

OWN = re.compile(r"^::(?:error|warning|notice) (?:file|title)=[^:]*::")


def takes_command(text: str) -> bool:
    return bool(GITHUB.search(text) or ANYWHERE.search(text) or "\x1b" in text or "\r" in text)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_survives_nor_comes_to_be_by_wrapping(command: str):
    shown = plain(f"{command} {command}")
    assert not takes_command(shown)
    for width in range(1, 60):
        assert not any(takes_command(line) for line in wrapped(shown, width))


@pytest.mark.parametrize("text", ["2001:db8::1", "[::1]:80", "std::string", "## heading", "a#[b]", "::1"])
def test_what_is_no_command_stays_as_it_is(text: str):
    assert plain(text) == text
    assert json.loads(json_text(text)) == text


@pytest.mark.parametrize("command", COMMANDS)
def test_json_means_the_same_and_gives_no_command(command: str):
    text = json_text({command: [command]})
    assert json.loads(text) == {command: [command]}
    assert not takes_command(text)


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
def test_no_format_gives_commands(name: str):
    for command, verbose, width in product(COMMANDS, (False, True), (40, 100)):
        out = io.StringIO()
        report = hostile_report(command)
        find_format(name, PostureReport).write(
            report, out, page(places=hostile_places(report, command), verbose=verbose, width=width)
        )
        lines = out.getvalue().splitlines(keepends=True)
        if name == "github":
            # Commands are what this format is made of: those of its own, with nothing but data in them.
            lines = [OWN.sub("", line) for line in lines]
        assert not any(map(takes_command, lines)), (command, verbose, width)


@pytest.mark.parametrize(
    ("text", "width", "expected"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("名名名", 4, "名…"), ("", 0, "")]
)
def test_text_is_clipped_by_columns(text: str, width: int, expected: str):
    assert clipped(text, width) == expected
    assert columns(clipped(text, width)) <= width
