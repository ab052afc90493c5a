"""The command line on the same thing that a report ends with."""

import shlex

import click
import pytest

from leadline.programs.cli.commands.scan import command, rerun_words
from leadline.programs.cli.scanning.requests import request_of

OF_OUTCOME_OR_LOOK = {
    *("--format", "--output", "--set", "--set-string", "--config", "--no-config", "--trust-config"),
    *("--fail-on", "--allow-empty", "--severity-threshold", "--compliance-threshold", "--fix", "--yes"),
    *("--risky", "--accept-from-change", "--submit", "--submit-dry-run", "--submit-ca"),
    "--submit-account",
    *("--verbose", "--verbose-coverage", "--quiet", "--no-color", "--debug", "--watch", "--help"),
}


def again(*words: str) -> str:
    context = command.make_context("scan", list(words))
    flags = dict(context.params)
    return rerun_words(request_of(flags.pop("words"), flags), "scan", command.params)


def test_every_flag_that_chooses_what_is_scanned_is_said_again():
    for flag in command.params:
        word = next((one for one in flag.opts if one.startswith("--")), "")
        if not isinstance(flag, click.Option) or word in OF_OUTCOME_OR_LOOK:
            continue
        # A revision is looked up before anything is scanned.
        value = {"by": "control", "min_severity": "high", "since": "HEAD"}.get(flag.name or "", "x y")
        written = [word] if flag.is_flag else [word, value]
        target = [] if flag.name == "from_store" else ["deploy"]
        if flag.name == "accept_from_change":
            written = ["--since", "HEAD", *written]
        assert shlex.split(again(*target, *written)) == ["scan", *target, *written]


@pytest.mark.parametrize("word", ["--allow-empty", "--verbose", "--quiet", "--no-color", "--debug"])
def test_what_is_about_the_outcome_or_the_look_is_not(word: str):
    assert again("deploy", word) == "scan deploy"


def test_defaults_are_not_said():
    assert again("framework", "nsa", "a", "--store-namespace", "leadline") == "scan framework nsa a"
