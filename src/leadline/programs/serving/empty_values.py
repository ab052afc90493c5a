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


class _NotEmpty:
    """Refuses empty words of a command line; a variable that is empty is not set."""

    def __init__(self, then: Any) -> None:
        self._then = then

    def __call__(self, ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        """Raises: ``UsageError``."""
        words = value if isinstance(value, tuple) else (value,)
        is_said = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if is_said and any(isinstance(word, str) and not word.strip(" \t,") for word in words):
            if isinstance(parameter, click.Argument):
                raise UsageError("an argument is empty", hint="is a variable of the shell unset?")
            shown = parameter.make_metavar(ctx)
            # Which of them was written, click does not say.
            flag, *others = [word for word in parameter.opts if word.startswith("--")] or parameter.opts
            named = " or ".join((flag, *others))
            raise UsageError(f"{named} is empty", hint=f"use {flag} {shown}, or leave {flag} away")
        return self._then(ctx, parameter, value) if self._then else value
