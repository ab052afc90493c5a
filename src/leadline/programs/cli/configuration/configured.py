"""Gives a command the values of its flags that the command line leaves open."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.unread import Unread
from leadline.outputs.text.plain import plain
from leadline.programs.cli.configuration.in_force import EXCLUDES, Configuration, Rendering, in_force
from leadline.programs.cli.configuration.keys import BY_NAME, CHART, KEYS, UNMATCHED, Value
from leadline.programs.cli.configuration.search import Asked
from leadline.scans.options import ChartRendering

FLAGS = (
    click.option("--config", default="", metavar="FILE", help="Take leadline.toml from there."),
    click.option("--no-config", is_flag=True, help="Read no leadline.toml."),
    click.option(
        "--trust-config", is_flag=True, help="Take a leadline.toml that comes with the code in full."
    ),
)
_SHOWN = 5
_OPEN = (ParameterSource.DEFAULT, None)
"""Where a flag has its value from that the command line says nothing about."""


class Configured(Struct, frozen=True):
    """What configuration says beside flags."""

    frameworks: tuple[str, ...] = ()
    """To judge by these alone."""
    added_frameworks: tuple[str, ...] = ()
    """To count their scores besides."""
    charts: tuple[ChartRendering, ...] = ()
    left_out: tuple[Unread, ...] = ()
    """What was written and not taken."""
    filled: Mapping[str, tuple[str, ...]] = {}
    """Flags that it filled, and where each value stands."""
    words: tuple[str, ...] = ()
    """The flags about configuration, as they were written."""

    def gates(self) -> Iterator[str]:
        """``--severity-threshold is of leadline.toml:1``, for each gate that no flag closed."""
        for flag in ("severity_threshold", "compliance_threshold", "fail_on"):
            if origins := self.filled.get(flag):
                yield f"--{flag.replace('_', '-')} is of {' and '.join(origins)}"

    @property
    def flags(self) -> frozenset[str]:
        """What click calls the flags about configuration."""
        return frozenset(("config", "no_config", "trust_config"))


def config_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flags that say which configuration counts."""
    for flag in reversed(FLAGS):
        function = flag(function)
    return function


def configured(
    command: str, targets: Callable[[Mapping[str, Any]], tuple[str, ...]]
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Lets ``leadline.toml`` and variables fill the flags of ``command``; it is called with ``configured`` besides.

    ``targets`` names what is scanned, by the flags.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def run(**flags: Any) -> int:
            asked = asked_of(flags, targets(flags))
            found = in_force(asked, os.environ, working_folder(), is_terminal=os.isatty(1))
            flags["configured"] = replace(_filled(command, flags, found), words=_words(asked))
            return function(**flags)

        return config_flags(run)

    return decorate


def asked_of(flags: dict[str, Any], targets: tuple[str, ...]) -> Asked:
    """Takes the flags about configuration out of ``flags``."""
    return Asked(flags.pop("config"), flags.pop("no_config"), flags.pop("trust_config"), targets)


def _words(asked: Asked) -> tuple[str, ...]:
    named = ("--config", asked.file) if asked.file else ()
    none = ("--no-config",) if asked.none else ()
    return (*named, *none, *(("--trust-config",) if asked.trusted else ()))


def working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "/"  # it was removed


def keys_of(command: str, flags: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that ``command`` takes."""
    return tuple(key.name for key in KEYS if (command in key.commands if key.commands else key.flag in flags))


def _filled(command: str, flags: dict[str, Any], found: Configuration) -> Configured:
    """Writes into ``flags``, and says on stderr what was not taken."""
    context = click.get_current_context()
    keys = keys_of(command, flags)
    filled: dict[str, tuple[str, ...]] = {}
    for name in keys:
        flag, setting = BY_NAME[name].flag, found.settings.get(name)
        if setting is not None and flag in flags and context.get_parameter_source(flag) in _OPEN:
            flags[flag] = _as_taken(command, setting.value)
            filled[flag] = setting.origins
    left_out = found.left_out((*keys, *([CHART] if "values" in flags else ())))
    left_out += _excluded(flags, found, is_open=context.get_parameter_source("exclude_path") in _OPEN)
    if not flags.get("quiet"):
        for part in left_out[:_SHOWN]:
            sys.stderr.write(f"note: {plain(part.where, 4096)}: {plain(part.why)}\n")
        if len(left_out) > _SHOWN:
            sys.stderr.write(f"note: and {len(left_out) - _SHOWN:,} more; leadline config shows all\n")
    frameworks = found.settings.get("frameworks") if "frameworks" in keys else None
    return Configured(
        frameworks.value if frameworks and isinstance(frameworks.value, tuple) else (),
        found.added_frameworks if "frameworks" in keys else (),
        _charts(found.renderings) if "values" in flags else (),
        left_out,
        filled,
    )


def _as_taken(command: str, value: Value) -> Value:
    """What ``command`` can do with ``value``: a scan of objects knows nothing of packages."""
    if command == "scan" and isinstance(value, tuple):
        return tuple(one for one in value if one != UNMATCHED)
    return value


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


def _excluded(flags: dict[str, Any], found: Configuration, *, is_open: bool) -> tuple[Unread, ...]:
    """Adds the patterns that come with the code; what is said of them where those are to be passed over."""
    if not (found.target_excludes and found.files.inside and is_open and "exclude_path" in flags):
        return ()
    if flags.get("no_waivers_from_target"):
        where = f"{found.files.inside.place(EXCLUDES)} {EXCLUDES}"
        return (Unread(where, "not taken: --no-waivers-from-target", "left out", kind="setting"),)
    flags["exclude_path"] = (*flags["exclude_path"], *found.target_excludes)
    return ()
