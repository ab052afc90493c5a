"""The files and streams that a report is written to, opened before the scan so that a wrong path costs nothing."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

from msgspec import Struct

from leadline.errors import StoreError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Format, find_format

_BUFFER_BYTES = 1 << 16
_STDOUT = ("-", "/dev/stdout")


class Destination(Struct, frozen=True):
    format: Format
    path: str = ""
    """Empty for standard output."""


def destinations(names: Iterable[str], output: str, *, is_terminal: bool) -> tuple[Destination, ...]:
    """One destination per format.

    ``output`` is taken as it is for one format; for several, each one's suffix takes the place of a suffix
    that belongs to one of them, or is appended.

    Raises: ``UsageError`` for an unknown format, several formats without a file, or two formats for one file.
    """
    output = "" if output in _STDOUT else output
    chosen = tuple(dict.fromkeys(names)) or ("pretty" if is_terminal and not output else "lines",)
    return placed([find_format(name, PostureReport) for name in chosen], output)


def placed(chosen: Iterable[Format], output: str) -> tuple[Destination, ...]:
    """One destination for each of ``chosen``, as ``destinations`` says; raises as it does."""
    formats = list({f.name: f for f in chosen}.values())
    if output.endswith(("/", os.sep)):
        raise UsageError(f"{output} names no file", hint="--output takes a file")
    if len(formats) == 1:
        return (Destination(formats[0], output),)
    if not output:
        raise UsageError(
            "several formats need --output FILE",
            hint=f"for example: --format {','.join(f.name for f in formats)} --output report",
        )
    stem = next((output.removesuffix(f.suffix) for f in formats if output.endswith(f.suffix)), output)
    if not Path(stem).name:
        raise UsageError(f"{output} names no file", hint="--output takes a file; suffixes are added to it")
    found: dict[str, Format] = {}
    for format in formats:
        path = stem + format.suffix
        if path in found:
            raise UsageError(f"{found[path].name} and {format.name} would both be written to {path}")
        found[path] = format
    return tuple(Destination(format, path) for path, format in found.items())


class Sink(Struct):
    """An open destination. A regular file appears under its name only when it is whole."""

    destination: Destination
    stream: TextIOWrapper
    final: str = ""
    """Where the file belongs; empty for what is written in place."""

    def keep(self) -> None:
        self.stream.close()
        if self.final:
            Path(_unfinished(self.final)).replace(self.final)

    def drop(self) -> None:
        # What a full disk or a reader that left did not take is tried once more on closing.
        with suppress(OSError):
            self.stream.close()
        if self.final:
            Path(_unfinished(self.final)).unlink(missing_ok=True)


@contextmanager
def opened(chosen: Iterable[Destination]) -> Iterator[list[Sink]]:
    """Every destination open for writing. What is not kept by the end is taken away again.

    Raises: ``StoreError`` for a path that cannot be written.
    """
    sinks: list[Sink] = []
    try:
        sinks += [_stdout(d) for d in chosen if not d.path]
        for destination in chosen:
            if destination.path:
                sinks.append(_file(destination))
        yield sinks
    finally:
        for sink in sinks:
            sink.drop()


def _stdout(destination: Destination) -> Sink:
    if sys.stdout is None:
        raise StoreError("standard output is closed", hint="--output takes a file")
    sys.stdout.flush()
    stream = open(1, "w", _BUFFER_BYTES, encoding="utf-8", errors="replace", newline="", closefd=False)  # noqa: SIM115
    return Sink(destination, stream)


def _file(destination: Destination) -> Sink:
    path = Path(destination.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise StoreError(f"{path} is a folder", hint="--output takes a file")
        final = "" if _is_in_place(path) else os.path.realpath(path)
        name = _unfinished(final) if final else str(path)
        stream = Path(name).open("w", _BUFFER_BYTES, encoding="utf-8", errors="replace", newline="")  # noqa: SIM115
    except FileExistsError as error:
        raise StoreError(f"cannot write {path}: {path.parent} is no folder") from error
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    return Sink(destination, stream, final)


def _unfinished(final: str) -> str:
    return f"{final}.part"


def _is_in_place(path: Path) -> bool:
    """Whether no other file may take the place of ``path``: a pipe, a device, ``/dev/fd/3`` where that is a file."""
    if path.exists() and not path.is_file():
        return True
    return os.path.realpath(path.parent).startswith(("/dev/", "/proc/")) or str(path.parent) == "/dev"
