"""Tables of flags as click knows them."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from leadline.programs.cli.words.flag import Flag


def with_flags(table: Sequence[Flag]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Gives a command all flags of ``table``, in its order."""

    def make(function: Callable[..., int]) -> Callable[..., int]:
        for flag in reversed(table):
            function = _option(flag)(function)
        return function

    return make


def _option(flag: Flag) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if flag.kind == "switch":
        return click.option(*flag.names, flag.field, is_flag=True, help=flag.help)
    return click.option(
        *flag.names,
        flag.field,
        multiple=flag.kind == "texts",
        type=float if flag.kind == "number" else str,
        default=flag.default,
        metavar=flag.metavar,
        help=flag.help,
    )
