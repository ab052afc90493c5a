"""A command whose options are filled by ``leadline.toml`` and variables where the command line leaves them open."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from leadline.errors import UsageError
from leadline.model.unread import Unread
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.in_force import EXCLUDES, Configuration, Rendering, in_force
from leadline.programs.cli.options.option import UNMATCHED, Texts, Value
from leadline.programs.cli.options.search import Asked
from leadline.programs.cli.options.table import CHART, CONFIG, KEYS, OPTIONS, SECTIONS, Configured
from leadline.scans.options import ChartRendering

_SHOWN = 5


_MANY = 20
"""Flags from which on help is in sections."""


class ConfiguredCommand(click.Command):
    """What files and variables say becomes click's ``default_map``; the callback is given ``configured`` as well."""

    def __init__(
        self, *words: Any, targets: Callable[[Mapping[str, Any]], Texts], keys: str = "", **more: Any
    ) -> None:
        """``targets`` names what is scanned, by the parameters; ``keys`` is the command as rows of the table call it."""
        super().__init__(*words, **more)
        for field in CONFIG:
            OPTIONS[field].click_option()(self)
        self._keys = keys or str(self.name)
        self._targets = targets

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """In sections where there are many."""
        rows = {one.name: one.get_help_record(ctx) for one in self.get_params(ctx)}
        shown = {name: row for name, row in rows.items() if row is not None}
        if len(shown) < _MANY:
            super().format_options(ctx, formatter)
            return
        for title, fields in SECTIONS.items():
            # Empty where a command has none of them.
            if here := [shown.pop(field) for field in fields if field in shown]:
                with formatter.section(title):
                    formatter.write_dl(here)
        with formatter.section("Other"):
            formatter.write_dl(list(shown.values()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        written = self.make_parser(ctx).parse_args(list(args))[0]
        if "help" in written:
            return super().parse_args(ctx, args)
        targets = self._targets({one.name or "": _written(one, written) for one in self.params})
        folder = working_folder()
        if isinstance(ctx.obj, str):
            # Of a server, which is not started where its user's files are.
            folder, targets = ctx.obj, (ctx.obj,)
        found = in_force(asked_of(written, targets), os.environ, folder, is_terminal=os.isatty(1))
        fields = {one.name or "" for one in self.params}
        keys = [option for option in KEYS.values() if option.counts_for(self._keys, fields)]
        settings = {one.field: found.settings[one.name] for one in keys if one.name in found.settings}
        ctx.default_map = {field: self._taken(one.value) for field, one in settings.items()}
        rest = super().parse_args(ctx, args)
        filled = {
            field: setting.origins
            for field, setting in settings.items()
            if ctx.get_parameter_source(field) is ParameterSource.DEFAULT_MAP
        }
        frameworks = any(one.field == "frameworks" for one in keys)
        if frameworks:
            ctx.params["frameworks"] = settings["frameworks"].value if "frameworks" in settings else ()
        left_out = found.left_out(tuple(one.name for one in keys) + ((CHART,) if "values" in fields else ()))
        left_out += _excluded(ctx, found)
        if not ctx.params.get("quiet"):
            for part in left_out[:_SHOWN]:
                sys.stderr.write(f"note: {plain(part.where, 4096)}: {plain(part.why)}\n")
            if len(left_out) > _SHOWN:
                sys.stderr.write(f"note: and {len(left_out) - _SHOWN:,} more; leadline config shows all\n")
        ctx.params["configured"] = Configured(
            found.added_frameworks if frameworks else (),
            _charts(found.renderings) if "values" in fields else (),
            left_out,
            found.files.changed,
            filled,
        )
        return rest

    def _taken(self, value: Value) -> Value:
        """What the command can do with ``value``: a scan of objects knows nothing of packages."""
        if self._keys == "scan" and isinstance(value, tuple):
            return tuple(one for one in value if one != UNMATCHED)
        return value


def _written(parameter: click.Parameter, written: Mapping[str, Any]) -> Any:
    """The words for ``parameter``; empty where there are none."""
    value = written.get(parameter.name or "")
    if parameter.multiple or parameter.nargs == -1:
        return tuple(value) if isinstance(value, list | tuple) else ()
    return value if isinstance(value, str) else ""


def asked_of(flags: Mapping[str, Any], targets: Texts) -> Asked:
    """What the flags about configuration say."""
    return Asked(
        flags.get("config") or "",
        bool(flags.get("no_config")),
        bool(flags.get("trust_config")),
        targets,
        "" if flags.get("accept_from_change") else flags.get("since") or "",
    )


def working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "/"  # it was removed


def _charts(asked: Sequence[Rendering]) -> tuple[ChartRendering, ...]:
    """Raises: ``UsageError`` for a chart or a file that is not there."""
    for one in asked:
        chart = Path(one.chart.path)
        if not (chart / "Chart.yaml").is_file() and not chart.is_file():
            raise UsageError(
                f"{one.origin}: no chart: {one.chart.path}", hint="path names the folder of its Chart.yaml"
            )
        for file in one.chart.values:
            if not Path(file).is_file():
                raise UsageError(f"{one.origin}: no such file: {file}", hint="values names files of values")
    return tuple(ChartRendering(one.chart.path, one.chart.values, one.adds) for one in asked)


def _excluded(ctx: click.Context, found: Configuration) -> tuple[Unread, ...]:
    """Adds the patterns that come with the code; what is written of them where those are to be passed over."""
    field, flags = "exclude_paths", ctx.params
    is_open = ctx.get_parameter_source(field) is not ParameterSource.COMMANDLINE
    if not (found.target_excludes and found.files.inside and is_open and field in flags):
        return ()
    if flags.get("no_waivers_from_target"):
        where = f"{found.files.inside.place(EXCLUDES)} {EXCLUDES}"
        return (Unread(where, "not taken: --no-waivers-from-target", "left out", kind="setting"),)
    flags[field] = (*flags[field], *found.target_excludes)
    return ()
