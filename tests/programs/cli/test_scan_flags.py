"""The short way past click reads a command line as click does, or not at all."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.programs.cli.scan import command
from leadline.programs.cli.scanning.flags import FLAGS, plain_words

NAMES = [name for flag in FLAGS for name in flag.names]
WORD = st.one_of(
    st.sampled_from(
        [*NAMES, "-", "--", "-vq", "-fjson", "--nosuch", "--verbose=1", "", "a.yaml", "50", "nan", "x y"]
    ),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.sampled_from(["", "json", "1.5", "-", "a=b"])),
)


def by_click(words: list[str]) -> tuple[tuple[str, ...], dict[str, object]] | None:
    try:
        context = command.make_context("scan", list(words))
    except (click.ClickException, click.exceptions.Exit):
        return None
    flags = dict(context.params)
    return flags.pop("words"), flags


@given(st.lists(WORD, max_size=6))
def test_what_is_read_past_click_is_what_click_reads(words: list[str]):
    parsed = plain_words(words)
    if parsed is not None:
        assert repr(parsed[0]) == repr(by_click(words)[0])
        assert {k: repr(v) for k, v in parsed[1].items()} == {
            k: repr(v) for k, v in by_click(words)[1].items()
        }


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
    assert plain_words(words) is not None


@pytest.mark.parametrize(
    "words", [["--help"], ["-vq"], ["--frmat", "json"], ["-f"], ["-f", "-v"], ["--", "x"]]
)
def test_the_rest_is_left_to_click(words: list[str]):
    assert plain_words(words) is None
