"""The short way past click reads a command line as click does, or not at all."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.programs.cli import image, scan
from leadline.programs.cli.imaging import flags as image_flags
from leadline.programs.cli.scanning import flags as scan_flags
from leadline.programs.cli.words.flag import Flag, plain_words

COMMANDS = [
    (scan.command, scan_flags.FLAGS, "words"),
    (image.sbom, image_flags.FLAGS, "image"),
    (image.scan, image_flags.SCAN_FLAGS, "image"),
]
ODD = ["-", "--", "-vq", "-fjson", "--nosuch", "--verbose=1", "", "a.yaml", "50", "nan", "x y"]


def typed(table: tuple[Flag, ...]) -> st.SearchStrategy[list[str]]:
    names = [name for flag in table for name in flag.names]
    values = st.sampled_from(["", "json", "1.5", "-", "a=b"])
    word = st.one_of(
        st.sampled_from([*names, *ODD]), st.builds("{}={}".format, st.sampled_from(names), values)
    )
    return st.lists(word, max_size=6)


def by_click(command: click.Command, words: list[str], name: str) -> tuple[object, dict[str, object]] | None:
    try:
        context = command.make_context(command.name, list(words))
    except (click.ClickException, click.exceptions.Exit):
        return None
    flags = dict(context.params)
    return flags.pop(name), flags


@pytest.mark.parametrize(("command", "table", "name"), COMMANDS)
@given(data=st.data())
def test_what_is_read_past_click_is_what_click_reads(command, table, name, data):
    words = data.draw(typed(table))
    parsed = plain_words(words, table)
    if parsed is None or (name == "image" and len(parsed[0]) != 1):
        return
    argument, flags = by_click(command, words, name)
    assert repr(parsed[0] if name == "words" else parsed[0][0]) == repr(argument)
    assert {k: repr(v) for k, v in parsed[1].items()} == {k: repr(v) for k, v in flags.items()}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-"],
        ["deploy/", "-f", "json", "--format", "sarif", "-o", "-", "-v"],
        ["framework", "nsa", "x", "--compliance-threshold=80", "--exclude-path", "*.yml"],
    ],
)
def test_plain_command_lines_pass_by_click(words: list[str]):
    assert plain_words(words, scan_flags.FLAGS) is not None


@pytest.mark.parametrize(
    "words", [["--help"], ["-vq"], ["--frmat", "json"], ["-f"], ["-f", "-v"], ["--", "x"]]
)
def test_the_rest_is_left_to_click(words: list[str]):
    assert plain_words(words, scan_flags.FLAGS) is None
