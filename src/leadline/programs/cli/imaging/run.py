"""One image from the request to the exit code."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from leadline import __version__
from leadline.errors import SourceError, UsageError
from leadline.model.finding import Unread
from leadline.model.image_report import ImageReport
from leadline.model.package import Sbom
from leadline.outputs.format_registry import Asked, Format, Page, find_format, formats_for
from leadline.outputs.plain import count, plain
from leadline.programs.cli.imaging.cache_location import cache_folder
from leadline.programs.cli.imaging.created import created
from leadline.programs.cli.imaging.registry_flags import credential_of, mirrors_of
from leadline.programs.cli.imaging.request import ImageRequest
from leadline.programs.cli.scanning.destinations import Destination, opened, placed
from leadline.programs.cli.scanning.progress import progress
from leadline.scans.gates import Verdict
from leadline.scans.image_scan import image_report
from leadline.scans.lazy_sbom import open_sbom
from leadline.scans.options import ImageOptions, Say

_GATE_FAILED = 1
_INTERRUPTED = 130
_WIDTHS = range(40, 1000)
_PIPE_WIDTH = 80


def run(request: ImageRequest) -> int:
    """Reads, judges, writes; returns the exit code.

    Raises: ``LeadlineError`` of every kind.
    """
    _configure_log(request)
    try:
        return _run(request)
    except KeyboardInterrupt:
        # Threads that wait for a registry would keep the interpreter from ending for half a minute.
        sys.stdout.flush()
        sys.stderr.write("leadline: interrupted\n")
        sys.stderr.flush()
        os._exit(_INTERRUPTED)


def _run(request: ImageRequest) -> int:
    is_terminal = os.isatty(1)
    chosen = placed(_formats(request), _output(request))
    moment = created(os.environ)
    _check_digests(request, chosen)
    with opened(chosen) as sinks:
        with (
            progress(f"opening {request.image}", is_wanted=not request.quiet) as display,
            open_sbom(request.image, options := _options(request, moment, display.say)) as lazy,
        ):
            documents = {
                one.format.name: lazy.document(one.format.name, one.format.draft, moment)
                for one in chosen
                if one.format.draft is not None
            }
            report = None
            if request.is_scan:
                report = image_report(lazy, options)
            elif len(documents) < len(chosen):
                report = ImageReport(lazy.sbom(), ())
            unread = lazy.unread()
            is_unreadable = lazy.is_unreadable()
        outcome = _verdict(request, unread)
        for sink in sinks:
            format = sink.destination.format
            if format.name in documents:
                sink.stream.buffer.write(documents[format.name])
            elif report is not None:
                page = _page(request, outcome, is_terminal, chosen)
                format.write(report if format.report is ImageReport else report.sbom, sink.stream, page)
            sink.stream.flush()
            sink.keep()
    for line in _remarks(request, unread, report, outcome, chosen):
        sys.stderr.write(f"{line}\n")
    if is_unreadable:
        raise _unreadable(request, unread)
    return 0 if outcome.passed else _GATE_FAILED


def _configure_log(request: ImageRequest) -> None:
    import logging

    if request.debug:
        logging.basicConfig(
            stream=sys.stderr, level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s"
        )
    else:
        # A fault in a cataloguer is named among what was not read; its traceback is for --debug.
        logging.getLogger("leadline").addHandler(logging.NullHandler())


def _options(request: ImageRequest, moment: str, say: Say) -> ImageOptions:
    def note(text: str) -> None:
        if not request.quiet and not os.isatty(2):
            sys.stderr.write(f"leadline: {text}\n")

    return ImageOptions(
        platform=request.platform,
        with_digests=request.digests,
        created=moment,
        credential=credential_of(request, os.environ),
        mirrors=mirrors_of(request.mirror),
        ca_file=request.ca_file,
        accept_any_certificate=request.insecure,
        cache_folder="" if request.no_cache else cache_folder(os.environ),
        standard_input=_read_stdin,
        environ=os.environ,
        say=say,
        note=note,
    )


def _read_stdin(most: int) -> bytes:
    return sys.stdin.buffer.read(most)


def _check_digests(request: ImageRequest, chosen: tuple[Destination, ...]) -> None:
    """Raises ``UsageError`` where nothing that was asked for has a place for them."""
    if request.digests and not any(one.format.draft for one in chosen):
        raise UsageError(
            "--digests goes into documents", hint="add --format spdx-json, cyclonedx-json or syft-json"
        )


def _unreadable(request: ImageRequest, unread: tuple[Unread, ...]) -> SourceError:
    """An empty list of packages would pass for that of an image without any."""
    first = f"{plain(unread[0].where, 4096)}: {plain(unread[0].why)}"
    name = plain(request.image)
    return SourceError(f"nothing could be catalogued in {name}: {len(unread):,} not read, the first {first}")


def _formats(request: ImageRequest) -> list[Format]:
    """Bills of materials can be asked of a scan too.

    Raises: ``UsageError`` for an unknown format.
    """
    report = ImageReport if request.is_scan else Sbom
    found: list[Format] = []
    for name in dict.fromkeys(request.format or ("table",)):
        if report is ImageReport and name not in formats_for(ImageReport):
            found.append(find_format(name, Sbom))
        else:
            found.append(find_format(name, report))
    return found


def _output(request: ImageRequest) -> str:
    """Several formats share the name without its ending: ``sbom.json`` becomes ``sbom.spdx.json`` and so on."""
    output = "" if request.output == "-" else request.output
    is_one = len(set(request.format)) < 2
    suffixes = (".spdx.json", ".cdx.json", ".syft.json")
    return output if is_one or output.endswith(suffixes) else output.removesuffix(".json")


def _verdict(request: ImageRequest, unread: tuple[Unread, ...]) -> Verdict:
    if not request.fail_on:
        return Verdict("")
    if unread:
        return Verdict(f"failed: --fail-on unread, {len(unread):,} not read", False)
    return Verdict("passed: --fail-on unread")


def _page(
    request: ImageRequest, outcome: Verdict, is_terminal: bool, chosen: tuple[Destination, ...]
) -> Page:
    from leadline.outputs.place import NoPlaces  # slow to import, and documents do without

    wants_colour = (
        not request.no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
    return Page(
        places=NoPlaces(),
        width=_width(os.environ, is_terminal),
        colour=is_terminal and wants_colour and not request.output,
        verbose=request.verbose,
        verdict=outcome.text,
        passed=outcome.passed,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
        asked=Asked(formats=tuple(destination.format.name for destination in chosen)),
    )


def _width(environ: Mapping[str, str], is_terminal: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 5 and int(columns) in _WIDTHS:
        return int(columns)
    return max(_WIDTHS.start, os.get_terminal_size(1).columns) if is_terminal else _PIPE_WIDTH


def _remarks(
    request: ImageRequest,
    unread: tuple[Unread, ...],
    report: ImageReport | None,
    outcome: Verdict,
    chosen: tuple[Destination, ...],
) -> list[str]:
    """What was written, and what it does not say, where no table says so on the screen."""
    if request.quiet:
        return []
    lines = [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "table" and not d.path for d in chosen):
        lines += [f"not read: {plain(one.where, 4096)}: {plain(one.why)}" for one in unread[:5]]
        told = f"{len(unread):,} not read" if unread else "nothing unread"
        if report is not None and request.is_scan:
            told += f", {count(len(report.findings), 'finding')}, vulnerabilities not matched yet"
        lines.append(outcome.text or told)
    return lines
