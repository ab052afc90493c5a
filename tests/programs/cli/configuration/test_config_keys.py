"""The table of keys agrees with the flags, the schema and the documentation."""

import importlib
import json
import tomllib

import click
import pytest

from leadline.programs.cli.configuration.file import checked
from leadline.programs.cli.configuration.keys import KEYS, Key, example, schema
from leadline.programs.cli.main import main


def command_of(words: str) -> click.Command:
    name, *more = words.split()
    found = importlib.import_module(f"leadline.programs.cli.commands.{name}").command
    for word in more:
        found = found.commands[word]
    return found


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_key_is_a_flag_of_the_commands_that_it_names(key: Key):
    commands = key.commands or ("scan", "image scan")
    flags = {
        (words, name, param.multiple)
        for words in commands
        for param in command_of(words).params
        if isinstance(param, click.Option) and param.name == key.flag
        for name in param.opts
    }
    if key.name != "frameworks":  # which are words
        assert {name for _, name, _ in flags} >= {f"--{key.name}"}
        assert {many for _, _, many in flags} == {key.kind in ("texts", "files")}
        if key.commands:
            assert {words for words, _, _ in flags} == set(commands)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_example_of_a_key_is_taken(key: Key):
    value = tomllib.loads(f"x = {key.example}")["x"]
    assert checked(key, tuple(value) if isinstance(value, list) else value)


def test_a_file_to_begin_with_says_nothing_and_all_of_it_can_be_turned_on():
    lines = list(example())
    assert tomllib.loads("\n".join(lines)) == {}
    on = [line.removeprefix("# ") for line in lines if " = " in line or line == "# [[chart]]"]
    table = tomllib.loads("\n".join(on))
    assert set(table) == set(schema()["properties"])


def test_the_schema_is_published(capsys: pytest.CaptureFixture[str]):
    assert main(["schema", "config"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_what_would_do_harm_does_not_count_from_a_file_that_comes_with_the_code():
    """The decision, key by key: a new key is added here knowingly."""
    assert {key.name for key in KEYS if key.counts_inside} == {
        "severity-threshold",
        "compliance-threshold",
        "fail-on",
        "frameworks",
        "no-waivers-from-target",
        "exclude-path",
        "format",
        "by",
        "min-severity",
        "verbose",
    }
