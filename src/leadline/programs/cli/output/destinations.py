"""The files and streams that a report is written to, opened before the scan so that a wrong path costs nothing."""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import StoreError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Format, find_format, formats_for
from leadline.whole_file import FLAGS, WholeFile

if TYPE_CHECKING:
    from leadline.scans.leaving import Leaving

_BUFFER_BYTES = 1 << 16
_STDOUT = ("-", "/dev/stdout")
_SCANNED = (".yaml", ".yml", ".json", ".tgz", ".tar.gz", ".tpl", "kustomization")
"""Endings of the files that a scan of a folder may read."""
_REPORT_HEADS = (
    b'{"format":"leadline-',
    b'{"generationTime":',
    b'{"$schema":"https://docs.oasis-open.org/sarif/',
    b'{"$schema":"http://cyclonedx',
    b'{"version":"15.0.7","scan":{"analyzer":{"id":"leadline"',
    b'[{"description":"',
    b"[]\n",
)
_REPORT_HEAD_BYTES = 64

Seal = Callable[[bytes], bytes]
"""Makes of a whole file what is written in its place."""


class Destination(Struct, frozen=True):
    format: Format
    path: str = ""
    """Empty for standard output."""


def destinations(names: Iterable[str], output: str, *, is_terminal: bool) -> tuple[Destination, ...]:
    """One destination per format. ``names`` are formats, each with its own file or without: ``sarif=a.sarif``.

    Without a format that of ``output`` follows from its suffix. ``output`` is taken as it is for one format; for
    several, each one's suffix takes the place of a suffix that belongs to one of them, or is appended.

    Raises: ``UsageError`` for an unknown format, several formats without a file, or two formats for one file.
    """
    output = "" if output in _STDOUT else output
    given = list(dict.fromkeys(names))
    own = [_own(name) for name in given if "=" in name]
    others = [_found(name) for name in given if "=" not in name]
    if not given:
        default = "pretty" if is_terminal and not output else "lines"
        others = [(_by_suffix(output) if output else None) or find_format(default, PostureReport)]
    chosen = (*(placed(others, output) if others else ()), *own)
    paths = [destination.path for destination in chosen]
    for destination in chosen:
        if paths.count(destination.path) > 1:
            where = destination.path or "standard output"
            raise UsageError(f"two formats would be written to {where}", hint="give one of them another file")
    for destination in chosen:
        _refuse_what_cannot_be_made(destination, is_terminal=is_terminal)
    if output and not others:
        raise UsageError(f"no format is left for {output}", hint="leave --output away, or add a --format")
    return chosen


def _refuse_what_cannot_be_made(destination: Destination, *, is_terminal: bool) -> None:
    format = destination.format
    if format.compiled and is_terminal and not destination.path:
        raise UsageError(f"{format.name} is not text for a terminal", hint=f"--output report{format.suffix}")
    if format.needs:
        from importlib.util import find_spec  # for the few formats with a library of their own

        if find_spec(format.needs) is None:
            raise UsageError(
                f"the format {format.name} needs {format.needs}", hint="install leadline[report]"
            )


def _own(name: str) -> Destination:
    format, _, path = name.partition("=")
    if not path or path.endswith(("/", os.sep)):
        raise UsageError(f"--format {name} names no file", hint="for example: --format sarif=leadline.sarif")
    return Destination(_found(format), "" if path in _STDOUT else path)


def _found(name: str) -> Format:
    try:
        return find_format(name, PostureReport)
    except UsageError:
        if Path(name).exists():
            raise UsageError(
                f"unknown format {name}", hint=f"to scan that file: leadline scan {name}"
            ) from None
        raise


def _by_suffix(path: str) -> Format | None:
    """The format whose suffix is the longest that ``path`` ends with; of several, the one that is called so."""
    known = sorted(
        formats_for(PostureReport).values(),
        key=lambda one: (-len(one.suffix), one.suffix != f".{one.name}"),
    )
    return next((one for one in known if path.lower().endswith(one.suffixes)), None)


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


class Sealed(Struct, frozen=True):
    """A file that is made of what was written, once all of it is."""

    seal: Seal
    whole: BytesIO
    target: TextIOWrapper


class Sink(Struct):
    """An open destination. A regular file appears under its name only when it is whole."""

    destination: Destination
    stream: TextIOWrapper
    file: WholeFile | None = None
    """``None`` for what is written in place."""
    sealed: "Sealed | None" = None
    """Where the file goes once it is whole; ``stream`` is then in memory."""

    def keep(self) -> None:
        if self.sealed is not None:
            self.stream.flush()
            self.sealed.target.buffer.write(self.sealed.seal(self.sealed.whole.getvalue()))
            self.sealed.target.close()
        self.stream.close()
        if self.file is not None:
            self.file.keep()

    def drop(self) -> None:
        # What a full disk or a reader that left did not take is tried once more on closing.
        with suppress(OSError):
            self.stream.close()
            if self.sealed is not None:
                self.sealed.target.close()
        if self.file is not None:
            self.file.drop()


@contextmanager
def opened(chosen: Iterable[Destination], seal: Seal | None = None) -> Iterator[list[Sink]]:
    """Every destination open for writing. What is not kept by the end is taken away again.

    ``seal`` makes of each whole file what is written in its place.

    Raises: ``StoreError`` for a path that cannot be written, leads over a link, or would block.
    """
    sinks: list[Sink] = []
    try:
        sinks += [_stdout(d) for d in chosen if not d.path]
        for destination in chosen:
            if destination.path:
                sinks.append(_file(destination))
        if seal is not None:
            for sink in sinks:
                whole = BytesIO()
                sink.sealed = Sealed(seal, whole, sink.stream)
                sink.stream = TextIOWrapper(whole, "utf-8", errors="replace", newline="")
        yield sinks
    finally:
        for sink in sinks:
            sink.drop()


@contextmanager
def writing(sink: Sink) -> Iterator[None]:
    """What is written within is kept at the end. Raises: ``StoreError`` with the name of what could not be written."""
    try:
        yield
        sink.stream.flush()
        sink.keep()
    except BrokenPipeError:
        raise
    except OSError as error:
        name = sink.destination.path or "standard output"
        raise StoreError(f"cannot write {name}: {(error.strerror or str(error)).lower()}") from error


def encrypted_destinations(
    leaving: "Leaving", chosen: Iterable[Destination], *, is_terminal: bool
) -> tuple[Destination, ...]:
    """``chosen`` with the names of files that are encrypted. Raises: ``UsageError`` as ``Leaving.path`` does."""
    return tuple(replace(one, path=leaving.path(one.path, is_terminal=is_terminal)) for one in chosen)


def refuse_overwriting(targets: Iterable[str], chosen: Iterable[Destination]) -> None:
    """Raises: ``UsageError`` where a report would take the place of a file that is scanned, ``StoreError`` for links in it.

    A report of an earlier scan that lies among the manifests is none of them.
    """
    written = [Path(destination.path) for destination in chosen if destination.path]
    targets = tuple(targets)
    for folder in targets:
        for path in written:
            _refuse_links_below(Path(os.path.abspath(folder)), path)  # noqa: PTH100 - links must stay
    written = [path for path in written if path.is_file()]
    for target in map(Path, targets if written else ()):
        for path in written:
            is_target = target.is_file() and path.samefile(target)
            is_within = target.is_dir() and path.resolve().is_relative_to(target.resolve())
            if is_target or (is_within and path.name.lower().endswith(_SCANNED) and not _is_report(path)):
                shown = target if is_target else path
                raise UsageError(
                    f"the report would take the place of {shown}", hint="--output takes another file"
                )


def _is_report(path: Path) -> bool:
    """By how the formats that share an ending with manifests begin."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(_REPORT_HEAD_BYTES).startswith(_REPORT_HEADS)
    return False


def _stdout(destination: Destination) -> Sink:
    if sys.stdout is None:
        raise StoreError("standard output is closed", hint="--output takes a file")
    sys.stdout.flush()
    stream = open(1, "w", _BUFFER_BYTES, encoding="utf-8", errors="replace", newline="", closefd=False)  # noqa: SIM115
    return Sink(destination, stream)


def _file(destination: Destination) -> Sink:
    path = Path(destination.path)
    file: WholeFile | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise StoreError(f"{path} is a folder", hint="--output takes a file")
        if _is_in_place(path):
            descriptor = _open_in_place(path)
        else:
            _refuse_links(path)
            file = WholeFile(path)
            descriptor = file.descriptor
    except FileExistsError as error:
        raise StoreError(f"cannot write {path}: {path.parent} is not a folder") from error
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    stream = os.fdopen(descriptor, "w", _BUFFER_BYTES, encoding="utf-8", errors="replace", newline="")
    return Sink(destination, stream, file)


def _refuse_links(path: Path) -> None:
    """Raises: ``StoreError`` where the file is a link, or a folder named on the way to it from here is one.

    Links above an absolute path or this folder are the machine's own, as /tmp is on some.
    """
    here = Path.cwd()
    for step in (path, *path.parents):
        is_below = not path.is_absolute() or step == path or here in step.parents
        if is_below and step.is_symlink():
            raise StoreError(f"{step} is a symbolic link", hint="name the file that it leads to")


def _refuse_links_below(folder: Path, path: Path) -> None:
    """Raises: ``StoreError`` for a link below ``folder`` on the way to ``path``: its author would say where the report goes."""
    whole = Path.cwd() / path
    for step in (whole, *whole.parents):
        if folder in step.parents and step.is_symlink():
            raise StoreError(f"{step} is a symbolic link", hint="name the file that it leads to")


def _is_in_place(path: Path) -> bool:
    """Whether no other file may take the place of ``path``: a pipe, a device, ``/dev/fd/3`` where that is a file."""
    if path.exists() and not path.is_file():
        return True
    return os.path.realpath(path.parent).startswith(("/dev/", "/proc/")) or str(path.parent) == "/dev"


def _open_in_place(path: Path) -> int:
    """A named pipe without a reader is refused: to open it would wait for a reader."""
    if not str(path).startswith(("/dev/", "/proc/")):
        _refuse_links(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | FLAGS | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise StoreError(f"{path} is a named pipe or a socket without a reader") from error
        raise
    os.set_blocking(descriptor, True)
    return descriptor
