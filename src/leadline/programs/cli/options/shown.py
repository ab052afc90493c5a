"""What is in force, for ``leadline config``: as text and as data."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import columns, padded, plain, wrapped
from leadline.programs.cli.options.in_force import EXCLUDES, Configuration, Rendering
from leadline.programs.cli.options.option import Value
from leadline.programs.cli.options.search import Asked, user_file
from leadline.programs.cli.options.table import KEYS

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
