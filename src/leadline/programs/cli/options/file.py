"""One ``leadline.toml``: read within limits, each value checked against its key, each mistake one line with its place."""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.option import Option, Value
from leadline.programs.cli.options.table import CHART, CHART_KEYS, KEYS
from leadline.sources.regular_file import read_regular

LARGEST_BYTES = 64 << 10
LONGEST_LINE = 4 << 10
"""Bytes: ``tomllib`` takes time with the square of a key's parts, and a key is of one line."""
# Compiled where they are first needed: most scans read no configuration.
_HEAD = r"\s*\[{1,2}\s*([^\]\n]*?)\s*\]"
_KEY = r"\s*(?:\"([^\"]*)\"|'([^']*)'|([\w-]+))\s*(?:=|\.)"
_PLACE = r" \(at (?:line (\d+), column \d+|end of document)\)\Z"


class Chart(Struct, frozen=True):
    """One rendering that is asked for; paths are absolute."""

    path: str
    values: tuple[str, ...] = ()
    line: int = 0


class ConfigFile(Struct, frozen=True):
    """What one file says."""

    path: str
    """As the user would open it."""
    values: Mapping[str, Value] = {}
    """By key."""
    lines: Mapping[str, int] = {}
    """The line of each key, counted from 1."""
    charts: tuple[Chart, ...] = ()
    folder: str = ""
    """Absolute."""

    def place(self, name: str) -> str:
        """``leadline.toml:5``."""
        return f"{self.path}:{self.lines.get(name, 1)}"


def read_config(path: str, shown: str) -> ConfigFile:
    """The file at ``path``, called ``shown``.

    Raises: ``SourceError`` where it cannot be read, ``UsageError`` for what is not a configuration.
    """
    try:
        content = read_regular(path, LARGEST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"cannot read {shown}: {(error.strerror or str(error)).lower()}") from error
    return config_in(content, path, shown)


def config_in(content: bytes, path: str, shown: str) -> ConfigFile:
    """What ``content`` says, which is that of the file at ``path``. Raises: ``UsageError`` for what is not a configuration."""
    if len(content) > LARGEST_BYTES:
        raise UsageError(f"{shown} is larger than {LARGEST_BYTES >> 10} KiB", hint="a configuration is short")
    table = _table(content, shown)
    lines = _lines(content.decode())
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - links must stay
    reader = _Reader(shown, folder, lines)
    values = {name: reader.value(name, value) for name, value in table.items() if name != CHART}
    charts = tuple(reader.charts(table.get(CHART, [])))
    at_top = {str(name): line for (name, *more), line in lines.items() if not more}
    return ConfigFile(shown, values, at_top, charts, folder)


def _table(content: bytes, shown: str) -> dict[str, Any]:
    import tomllib  # most scans read no configuration

    for number, line in enumerate(content.split(b"\n"), 1):
        if len(line) > LONGEST_LINE:
            raise UsageError(f"{shown}:{number}: the line is longer than {LONGEST_LINE >> 10} KiB")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown}:{number}: no UTF-8", hint="save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        text = str(error.args[0])
        place = re.search(_PLACE, text)
        number = int(place[1]) if place and place[1] else content.count(b"\n") + 1
        why = text[: place.start()] if place else text
        raise UsageError(f"{shown}:{number}: no valid TOML: {plain(why[:1].lower() + why[1:])}") from error
    except RecursionError as error:
        raise UsageError(f"{shown}: brackets within brackets, too deep") from error


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Where keys and tables are written: ``("format",)``, ``("chart", 0)``, ``("chart", 0, "path")``. The first counts."""
    found: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    charts = 0
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.match(_HEAD, line):
            table = (head[1].strip("\"'"),)
            if table == (CHART,):
                table = (CHART, charts)
                charts += 1
            found.setdefault(table, number)
        elif key := re.match(_KEY, line):
            found.setdefault((*table, key[1] or key[2] or key[3] or ""), number)
    return found


class _Reader:
    """Turns what TOML holds into what keys hold."""

    def __init__(self, shown: str, folder: str, lines: Mapping[tuple[str | int, ...], int]) -> None:
        self._shown = shown
        self._folder = folder
        self._lines = lines

    def value(self, name: str, value: Any) -> Value:
        key = KEYS.get(name)
        if key is None:
            raise self._wrong((name,), f"unknown key {plain(name)}", nearest(name, [*KEYS, CHART]))
        try:
            found = checked(key, _typed(key, value))
        except UsageError as error:
            raise self._wrong(
                (name,), f"{name} {error.args[0]}", f"for example: {name} = {key.example}"
            ) from None
        return self._resolved(key, found)

    def _resolved(self, key: Option, found: Value) -> Value:
        match key.kind, found:
            case "file", str():
                return self._path(found)
            case "place", str():
                return found if found == "kube" else self._path(found)
            case "files", tuple():
                return tuple(map(self._path, found))
            case _:
                return found

    def charts(self, entries: Any) -> Iterator[Chart]:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._wrong(
                (CHART,), f"{CHART} is a table for each rendering", f"write [[{CHART}]] above it"
            )
        for number, entry in enumerate(entries):
            yield self._chart(number, entry)

    def _chart(self, number: int, entry: Mapping[str, Any]) -> Chart:
        at = (CHART, number)
        for name in entry:
            if name not in CHART_KEYS:
                raise self._wrong(
                    (*at, name), f"unknown key {plain(name)} of [[{CHART}]]", nearest(name, list(CHART_KEYS))
                )
        path, values = entry.get("path"), entry.get("values", [])
        if not isinstance(path, str) or not path:
            raise self._wrong(
                (*at, "path"), f"a [[{CHART}]] needs a path", 'for example: path = "charts/shop"'
            )
        if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
            raise self._wrong(
                (*at, "values"), "values must be a list of files", 'for example: values = ["prod.yaml"]'
            )
        line = self._lines.get(at, 1)
        return Chart(self._path(path), tuple(map(self._path, values)), line)

    def _path(self, written: str) -> str:
        return os.path.normpath(Path(self._folder, written))

    def _wrong(self, at: Sequence[str | int], why: str, hint: str) -> UsageError:
        line = self._lines.get(tuple(at)) or self._lines.get(tuple(at[:2])) or 1
        return UsageError(f"{self._shown}:{line}: {why}", hint=hint)


def nearest(name: str, names: Sequence[str]) -> str:
    """What was meant, or what shows all of them."""
    from difflib import get_close_matches  # only for a name that is wrong

    near = get_close_matches(name.lower().replace("_", "-"), names, n=1)
    return f"did you mean {near[0]}?" if near else "leadline schema config has all of them"


def _typed(key: Option, value: Any) -> Value:
    """Raises: ``UsageError`` that says what the key takes."""
    match key.kind:
        case "texts" | "files":
            if isinstance(value, str):
                value = [value]
            if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
                return tuple(value)
            raise UsageError("must be a list of texts")
        case "switch":
            if isinstance(value, bool):
                return value
            raise UsageError("must be true or false")
        case "number" | "whole number":
            wanted: Any = int if key.kind == "whole number" else int | float
            if isinstance(value, wanted) and not isinstance(value, bool):
                return int(value) if key.kind == "whole number" else float(value)
            raise UsageError(f"must be a {key.kind}")
        case _:
            if isinstance(value, str) and value:
                return value
            raise UsageError("must be a text")


def checked(key: Option, value: Value) -> Value:
    """``value`` as its flag takes it; severities may be written in any case.

    Raises: ``UsageError`` that says what is wrong with it, without the name of the key.
    """
    match value:
        case bool():
            return value
        case int() | float():
            most = 100 if key.kind == "number" else 1_000_000
            if not math.isfinite(value) or not 0 <= value <= most:
                raise UsageError(f"must be between 0 and {most:,}")
            return value
        case str():
            return _chosen(key, value)
        case _:
            return tuple(_chosen(key, one) for one in value)


def _chosen(key: Option, word: str) -> str:
    if not key.choices:
        return word
    if word.strip().lower() not in key.choices:
        raise UsageError(f"must be one of {', '.join(key.choices)} (got {plain(word, 40)})")
    return word.strip().lower()
