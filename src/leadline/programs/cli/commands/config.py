"""``leadline config``: what is configured, by whom, and what was not taken; the settings of controls."""

import os
from collections.abc import Iterator, Sequence
from glob import iglob
from pathlib import Path
from shlex import join
from typing import Any

import click

from leadline.errors import UsageError
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import columns, padded, plain, wrapped
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.options.configured import asked_of, working_folder
from leadline.programs.cli.options.in_force import EXCLUDES, Configuration, Rendering, in_force
from leadline.programs.cli.options.option import Value
from leadline.programs.cli.options.search import Asked, user_file
from leadline.programs.cli.options.table import CONFIG, FILE_NAME, KEYS, example, takes
from leadline.programs.cli.output.terminal import list_width
from leadline.scans.posture.policies import with_own
from leadline.scans.posture.read_targets import is_address
from leadline.scans.posture.reading import STDIN
from leadline.scans.posture.settings import read_settings, shipped_settings, users_of

PRECEDENCE = "flag > variable > your file > file that comes with the code > default"


def config_lines(found: Configuration, asked: Asked, folder: str, width: int | None) -> Iterator[str]:
    """The files, what counts, and what does not; ``width`` is ``None`` in a pipe."""
    rows = [*_settings(found), *_charts(found.renderings)]
    refused = [(plain(one.where, 4096), one.what, one.why) for one in found.not_taken]
    yield "files"
    yield from _rows(list(_files(found, asked, folder)), width)
    yield from ("", "in force")
    yield from _rows(rows or [("nothing but defaults",)], width)
    if refused:
        yield from ("", "not taken", *_rows(refused, width))
    yield from ("", *(wrapped(PRECEDENCE, width) if width else (PRECEDENCE,)))


def _files(found: Configuration, asked: Asked, folder: str) -> Iterator[tuple[str, ...]]:
    files = found.files
    if asked.none:
        yield "none", "--no-config"
        return
    usual = plain(user_file(os.environ), 4096) or "a home folder"
    yield "yours", plain(files.yours.path, 4096) if files.yours else f"none; --config FILE, or {usual}"
    if files.inside is None:
        yield "with the code", f"none from {plain(folder, 4096)} upwards"
    else:
        how = "in full: --trust-config" if asked.trusted else "it adds, and takes nothing away"
        yield "with the code", plain(files.inside.path, 4096), how


def _rows(rows: Sequence[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """In columns; where one is too wide, its cells go on below."""
    first, second = (max((columns(row[at]) for row in rows if len(row) > at + 1), default=0) for at in (0, 1))
    whole = [
        "   ".join(
            (*(padded(cell, size) for cell, size in zip(row[:-1], (first, second), strict=False)), row[-1])
        )
        for row in rows
    ]
    if width is None or all(2 + columns(line) <= width for line in whole):
        yield from (f"  {line}" for line in whole)
        return
    for row in rows:
        yield from (f"  {line}" for line in wrapped(row[0], width - 2))
        yield from (f"    {line}" for cell in row[1:] for line in wrapped(cell, width - 4))


def _settings(found: Configuration) -> Iterator[tuple[str, ...]]:
    for key in KEYS.values():
        setting = found.settings.get(key.name)
        if setting is not None:
            yield key.name, _text(setting.value), plain(", ".join(setting.origins), 4096)
        added = {"frameworks": found.added_frameworks, EXCLUDES: found.target_excludes}.get(key.name, ())
        if added and found.files.inside is not None:
            more = "as an ignore file" if key.name == EXCLUDES else "scored as well"
            yield key.name, f"{_text(added)} {more}", plain(found.files.inside.place(key.name), 4096)


def _charts(renderings: Sequence[Rendering]) -> Iterator[tuple[str, ...]]:
    for one in renderings:
        values = ", ".join(one.chart.values) or "its own values"
        more = " as well" if one.adds else ""
        yield "chart", plain(f"{one.chart.path} with {values}{more}", 4096), plain(one.origin, 4096)


def _text(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return plain(", ".join(value), 4096)
        case int() | float():
            return f"{value:g}"
        case _:
            return plain(value, 4096)


def config_json(found: Configuration) -> str:
    """The same as one JSON object."""
    files = found.files
    shown: dict[str, Any] = {
        "files": {
            "yours": files.yours.path if files.yours else None,
            "withTheCode": files.inside.path if files.inside else None,
        },
        "inForce": {
            name: {"value": setting.value, "origins": list(setting.origins)}
            for name, setting in sorted(found.settings.items())
        },
        "addedFrameworks": list(found.added_frameworks),
        "targetExcludes": list(found.target_excludes),
        "charts": [
            {"path": one.chart.path, "values": list(one.chart.values), "adds": one.adds, "origin": one.origin}
            for one in found.renderings
        ],
        "notTaken": [{"where": one.where, "key": one.what, "why": one.why} for one in found.not_taken],
    }
    return json_text(shown)


EPILOG = """
\b
  leadline config
      what leadline.toml and LEADLINE_* say, which file each value is of, and what of it is not taken
  leadline config show deploy/
      the same for a scan of deploy/
  leadline config init
      writes a leadline.toml to begin with
  leadline config settings
      every setting of every control
"""


class _ShowFirst(click.Group):
    """``leadline config`` alone shows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing and not args:
            return super().parse_args(ctx, args)
        is_named = bool(args) and (args[0] in self.commands or args[0] in ("-h", "--help"))
        if not is_named and args and not args[0].startswith("-"):
            # Another scanner judges files by these words: a pipeline that was only renamed would pass for ever.
            raise UsageError(
                f"leadline config judges nothing: {args[0]}",
                hint=f"use leadline scan {join(args)}, or leadline config show {join(args)} for settings",
            )
        return super().parse_args(ctx, args if is_named else ["show", *args])


@click.group("config", cls=_ShowFirst, epilog=EPILOG)
def command() -> None:
    """Shows what is configured, by whom, and what of it is not taken."""


@command.command("show")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(*CONFIG)
def show(paths: tuple[str, ...], format: str, **flags: Any) -> int:
    """What is in force for a scan of PATH, from where, and what of a file is not taken."""
    for path in paths:
        if not _is_there(path):
            raise UsageError(
                f"no such file: {path or repr(path)}", hint="leadline config --help shows what there is"
            )
    asked, folder = asked_of(flags, paths), working_folder()
    found = in_force(asked, os.environ, folder, is_terminal=os.isatty(1))
    if format == "json":
        click.echo(config_json(found))
    else:
        click.echo("\n".join(config_lines(found, asked, folder, list_width())))
    return 0


def _is_there(path: str) -> bool:
    if not path or is_address(path) or path == STDIN:
        return bool(path)
    # Unlike pathlib's, it takes absolute patterns.
    return Path(path).exists() or next(iglob(path, recursive=True), None) is not None  # noqa: PTH207


@command.command("init")
def init() -> int:
    """Writes a leadline.toml with every key, each turned off."""
    file = Path(FILE_NAME)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write("\n".join(example()) + "\n")
    except FileExistsError:
        raise UsageError(f"{FILE_NAME} is there already", hint="leadline config shows what it says") from None
    click.echo(f"written: {FILE_NAME}", err=True)
    return 0


@command.command("settings")
@click.option(
    "--controls-config", default="", metavar="FILE", help="Settings of controls: JSON, YAML or TOML."
)
@click.option("--controls", multiple=True, metavar="FOLDER", help="Your own controls.")
@click.option(
    "-f", "--format", type=click.Choice(["text", "json", "toml"]), default="text", show_default=True
)
def settings(controls_config: str, controls: tuple[str, ...], format: str) -> int:
    """Every setting of every control, and where a file changes it.

    What --format json and toml print can be edited and given to scan --controls-config.
    """
    known = with_own(load_controls(), controls, os.environ)
    shipped = shipped_settings(known)
    chosen = read_settings(controls_config, shipped) if controls_config else shipped
    if format == "json":
        click.echo(json_text({name: list(values) for name, values in sorted(chosen.items())}))
    elif format == "toml":
        for name, values in sorted(chosen.items()):
            click.echo(f"{name} = {json_text(list(values))}")
    else:
        users, width = users_of(known), list_width()
        for name, values in sorted(chosen.items()):
            changed = "   changed" if values != shipped[name] else ""
            for text, indent in ((f"{name}   {' '.join(users[name])}{changed}", ""), (_shown(values), "  ")):
                lines = [text] if width is None or len(text) <= width else wrapped(text, width - 4)
                click.echo(indent + f"\n{indent}  ".join(lines))
    return 0


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "(nothing set)"
