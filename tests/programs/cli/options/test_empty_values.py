"""An empty word of a command line is refused by every parameter of every command: a variable of a pipeline was not set."""

from collections.abc import Iterator

import click
import pytest

from leadline.errors import LeadlineError
from leadline.programs.cli.lazy_group import COMMANDS, leadline
from leadline.programs.cli.main import main

TOP = click.Context(leadline)


def below(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from below((*words, name), one)


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in COMMANDS:
        command = leadline.get_command(TOP, name)
        assert command is not None
        yield from below((name,), command)


def with_values() -> Iterator[tuple[tuple[str, ...], click.Option]]:
    for words, command in commands():
        for one in command.params:
            if isinstance(one, click.Option) and not one.is_flag and not one.count:
                yield words, one


def answer(words: tuple[str, ...], command: click.Command, given: list[str]) -> str:
    """What a command line of this one parameter is told. Where another is required too, click would complain of that first."""
    try:
        command.make_context(" ".join(words), given)
    except (LeadlineError, click.ClickException) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("empty", ["", "  ", " , "])
def test_no_flag_takes_an_empty_value(empty: str, monkeypatch: pytest.MonkeyPatch):
    taken = []
    total = 0
    for words, option in with_values():
        command = leadline.get_command(TOP, words[0])
        for name in words[1:]:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        assert command is not None
        for one in command.params:
            monkeypatch.setattr(one, "required", False)
        for flag in (*option.opts, *option.secondary_opts):
            total += 1
            said = answer(words, command, [flag, empty])
            # click looks at types first, and the file of settings is read before anything else.
            elsewhere = ("is not ", "cannot read ")
            if "is empty" not in said and not any(one in said for one in elsewhere):
                taken.append((*words, flag))
    assert not taken
    assert total > 300  # what walks the table sees the table


def test_an_empty_argument_is_refused():
    asked = 0
    for words, command in commands():
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        if arguments and (arguments[0].type is click.STRING or isinstance(arguments[0].type, click.Path)):
            said = answer(words, command, [""] * len(arguments))
            assert said.startswith("an argument is empty"), words
            asked += 1
    assert asked > 30


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path, capfd):
    (tmp_path / "pod.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}}")
    monkeypatch.chdir(tmp_path)
    for name in ("LEADLINE_VEX", "LEADLINE_FORMAT", "LEADLINE_SEVERITY_THRESHOLD"):
        monkeypatch.setenv(name, "")
    assert main(["scan", "pod.yaml", "-q"]) == 0
    assert "is empty" not in capfd.readouterr().err


@pytest.mark.parametrize("words", [["ui", ""], ["mcp", "deploy", " "]])
def test_programs_that_live_long_refuse_an_empty_argument_alike(capfd, words: list[str]):
    """Of their flags an empty one may mean something: it takes back what a file of settings says."""
    assert main(words) == 2
    assert capfd.readouterr().err == "leadline: an argument is empty; is a variable of the shell unset?\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scan", ".", "--severity-threshold="], "use --severity-threshold SEVERITY, or leave"),
        (
            ["scan", "image", "web", "--fail-on", "unread", "--fail-on", ""],
            "use --fail-on unread|unmatched, or",
        ),
        (["scan", ".", "--waivers", ""], "--exceptions or --waivers is empty; use "),
        (["scan", "image", "web", "--vex="], "use --vex FILE, or leave --vex away"),
    ],
)
def test_it_is_said_in_one_line_with_what_to_do(capfd, words: list[str], message: str):
    assert main(words) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert message in said
