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
from leadline.programs.cli.imaging.again import Answer
from leadline.programs.cli.imaging.bill import Bill, requested_bill
from leadline.programs.cli.imaging.created import created
from leadline.programs.cli.imaging.request import ImageRequest
from leadline.programs.cli.scanning.destinations import Destination, opened, placed
from leadline.programs.cli.scanning.gates import Verdict
from leadline.programs.cli.scanning.progress import progress

_GATE_FAILED = 1
_INTERRUPTED = 130
_WIDTHS = range(40, 1000)
_PIPE_WIDTH = 80


def run(request: ImageRequest, answer: Answer | None = None) -> int:
    """Reads, judges, writes; returns the exit code. ``answer`` keeps what is told.

    Raises: ``LeadlineError`` of every kind.
    """
    if request.debug:
        import logging  # slow to import

        logging.basicConfig(
            stream=sys.stderr, level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s"
        )
    try:
        return _run(request, answer)
    except KeyboardInterrupt:
        # Threads that wait for a registry would keep the interpreter from ending for half a minute.
        sys.stdout.flush()
        sys.stderr.write("leadline: interrupted\n")
        sys.stderr.flush()
        os._exit(_INTERRUPTED)


def _run(request: ImageRequest, answer: Answer | None) -> int:
    is_terminal = os.isatty(1)
    chosen = placed(_formats(request), _output(request))
    moment = created(os.environ)
    _check_digests(request, chosen)
    with opened(chosen) as sinks:
        with (
            progress(f"opening {request.image}", is_wanted=not request.quiet) as display,
            requested_bill(request, moment, display.say) as bill,
        ):
            documents = {
                one.format.name: bill.document(one.format.name, one.format.draft, moment)
                for one in chosen
                if one.format.draft is not None
            }
            report = _report(bill, request) if request.is_scan or len(documents) < len(chosen) else None
            unread = bill.unread()
            is_hollow = bill.is_hollow()
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
    said = "".join(f"{line}\n" for line in _remarks(request, unread, report, outcome, chosen))
    sys.stderr.write(said)
    if is_hollow:
        raise _hollow(request, unread)
    if not outcome.passed:
        return _GATE_FAILED
    # What a scan finds depends on the day.
    is_lasting = not request.is_scan and len(documents) == len(chosen) == 1 and not chosen[0].path
    if answer and bill.kept and is_lasting:
        answer.keep(request.image, bill.stamps, bill.kept, said)
    return 0


def _check_digests(request: ImageRequest, chosen: tuple[Destination, ...]) -> None:
    """Raises ``UsageError`` where nothing that was asked for has a place for them."""
    if request.digests and not any(one.format.draft for one in chosen):
        raise UsageError(
            "--digests goes into documents", hint="add --format spdx-json, cyclonedx-json or syft-json"
        )


def _hollow(request: ImageRequest, unread: tuple[Unread, ...]) -> SourceError:
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


def _report(bill: Bill, request: ImageRequest) -> ImageReport:
    """Without findings where none are wanted."""
    sbom = bill.sbom()
    if not request.is_scan:
        return ImageReport(sbom, ())
    from leadline.image.findings import image_findings, not_judged

    today = datetime.now(UTC).strftime("%Y-%m-%d")
    findings = image_findings(sbom, today, is_document=bill.is_finished)
    return ImageReport(sbom, findings, not_judged(sbom, is_document=bill.is_finished))


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
