"""Empty words of a command line, by one rule for all commands."""

from typing import Any

import click
from click.core import ParameterSource

from leadline.errors import UsageError


def refuse_empty_values(command: click.Command, kind: type[click.Parameter] = click.Parameter) -> None:
    """For every parameter of that kind of ``command`` and of those below it.

    A pipeline whose variable is not set would otherwise have no gate, another scope or no output, silently.
    """
    if isinstance(command, click.Group):
        for below in command.commands.values():
            refuse_empty_values(below, kind)
    for parameter in command.params:
        if isinstance(parameter, kind) and not isinstance(parameter.callback, _NotEmpty):
            parameter.callback = _NotEmpty(parameter.callback)
            if isinstance(parameter.type, click.Path) and parameter.type.type is not None:
                parameter.type = _PathNotEmpty(parameter.type)


class _NotEmpty:
    """Refuses empty words of a command line; a variable that is empty is not set."""

    def __init__(self, then: Any) -> None:
        self._then = then

    def __call__(self, ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        """Raises: ``UsageError``."""
        words = value if isinstance(value, tuple) else (value,)
        is_said = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if is_said and any(map(_is_empty, words)):
            raise _empty(parameter, ctx)
        return self._then(ctx, parameter, value) if self._then else value


class _PathNotEmpty(click.Path):
    """As another type of paths. An empty word would become the current folder before anything else sees it."""

    def __init__(self, path: click.Path) -> None:
        vars(self).update(vars(path))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises: ``UsageError``."""
        if param is not None and ctx is not None and _is_empty(value):
            raise _empty(param, ctx)
        return super().convert(value, param, ctx)


def _is_empty(word: object) -> bool:
    return isinstance(word, str) and not word.strip(" \t,")


def _empty(parameter: click.Parameter, ctx: click.Context) -> UsageError:
    if isinstance(parameter, click.Argument):
        return UsageError("an argument is empty", hint="is a variable of the shell unset?")
    shown = parameter.make_metavar(ctx)
    # Which of them was written, click does not say.
    flag, *others = [word for word in parameter.opts if word.startswith("--")] or parameter.opts
    named = " or ".join((flag, *others))
    return UsageError(f"{named} is empty", hint=f"use {flag} {shown}, or leave {flag} away")
