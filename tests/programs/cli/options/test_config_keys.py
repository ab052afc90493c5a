"""The table of keys agrees with the flags, the schema and the documentation."""

import importlib
import json
import re
import tomllib
from pathlib import Path

import click
import pytest

import leadline.programs.cli
from leadline.outputs.format_registry import Asked, Page
from leadline.programs.cli.main import main
from leadline.programs.cli.options.file import checked
from leadline.programs.cli.options.option import Option
from leadline.programs.cli.options.table import KEYS, OPTIONS, Request, example, schema
from leadline.programs.cli.scanning.requests import gates_of, image_options, posture_options
from leadline.programs.cli.scanning.storing import StorePlace
from leadline.scans.gates import Gates
from leadline.scans.options import ChartOptions, ImageOptions, PostureOptions, silent


def command_of(words: str) -> click.Command:
    name, *more = words.split()
    found = importlib.import_module(f"leadline.programs.cli.commands.{name}").command
    for word in more:
        found = found.commands[word]
    return found


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_a_key_is_a_flag_of_the_commands_that_it_names(key: Option):
    assert key.key is not None
    commands = key.key.commands or ("scan", "image scan")
    flags = {
        (words, name, param.multiple)
        for words in commands
        for param in command_of(words).params
        if isinstance(param, click.Option) and param.name == key.field
        for name in param.opts
    }
    if key.name != "frameworks":  # which are words
        assert {name for _, name, _ in flags} >= {f"--{key.name}"}
        assert {many for _, _, many in flags} == {key.kind in ("texts", "files")}
        if key.key.commands:
            assert {words for words, _, _ in flags} == set(commands)


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_the_example_of_a_key_is_taken(key: Option):
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
    assert {key.name for key in KEYS.values() if key.counts_inside} == {
        "severity-threshold",
        "deny-licence",
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


TAKERS = (PostureOptions, ChartOptions, ImageOptions, Gates, Page, Asked, StorePlace)


def test_every_option_reaches_a_use_case_or_is_read_by_a_command():
    taken = {name for struct in TAKERS for name in struct.__struct_fields__}
    cli = Path(leadline.programs.cli.__file__).parent
    text = "".join(path.read_text() for path in cli.rglob("*.py"))
    read = set(re.findall(r"(?:request|flags\.get|flags)(?:\.|\(\"|\[\")(\w+)", text))
    assert {field for field in OPTIONS if field not in taken | read} == set()


def test_a_value_passes_by_the_name_of_its_field():
    request = Request(kube_context="staging", values=("v.yaml",), severity_threshold="high")
    options = posture_options(request, silent, with_scores=False)
    assert (options.kube_context, options.charts.values) == ("staging", ("v.yaml",))
    assert gates_of(request) == Gates(severity_threshold="high")
    assert image_options(Request(ca_file="ca.pem"), "", silent).ca_file == "ca.pem"
