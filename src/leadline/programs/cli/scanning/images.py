"""What the commands about images do: one image, several images in one report, who signed them."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from leadline.errors import GATE_FAILED, DatabaseError, SourceError, UsageError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage, UnreadImage
from leadline.model.package import Sbom
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Asked, Format, Page, find_format, formats_for
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.vulnerability_rows import vulnerability_count
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.options.table import Request, passed
from leadline.programs.cli.output.destinations import (
    Destination,
    Seal,
    encrypted_destinations,
    opened,
    placed,
    refuse_overwriting,
    writing,
)
from leadline.programs.cli.output.gate_text import verdict_text
from leadline.programs.cli.output.terminal import PIPE_WIDTH, configure_log, progress, wants_colour, width_of
from leadline.programs.cli.scanning.requests import created, gates_of, image_options, posture_options
from leadline.scans.gates import Verdict, image_verdict, images_verdict
from leadline.scans.images.image_scan import image_report
from leadline.scans.images.lazy_sbom import open_sbom
from leadline.version import __version__

_SHOWN = 5


def run_one(request: Request, *, is_scan: bool, take: Callable[[ImageReport], None] | None = None) -> int:
    """Lists or scans one image, writes; returns the exit code. ``take`` gets the report.

    Raises: ``LeadlineError`` of every kind.
    """
    configure_log(is_debug=request.debug)
    (image,) = request.targets
    is_terminal = os.isatty(1)
    formats = [_format_of_one(name, is_scan=is_scan) for name in _names(request)]
    chosen, seal = _sealed_for(request, placed(formats, _output_of(request)), is_terminal=is_terminal)
    moment = created(os.environ)
    if request.with_digests and not any(one.format.draft for one in chosen):
        raise UsageError(
            "--digests goes into documents", hint="add --format spdx-json, cyclonedx-json or syft-json"
        )
    with opened(chosen, seal) as sinks:
        with progress(f"opening {image}", is_wanted=not request.quiet) as display:
            options = image_options(
                request,
                moment,
                display.say,
                is_scan=is_scan,
                with_checksums=any(one.format.with_checksums for one in chosen),
            )
            with open_sbom(image, options) as lazy:
                documents = {
                    one.format.name: lazy.document(one.format.name, one.format.draft, moment)
                    for one in chosen
                    if one.format.draft is not None
                }
                report = None
                if is_scan:
                    report = image_report(lazy, options)
                elif len(documents) < len(chosen):
                    report = ImageReport(lazy.sbom(), ())
                unread = lazy.unread()
                is_unreadable = lazy.is_unreadable()
        outcome = image_verdict(report if is_scan else None, unread, gates_of(request))
        for sink in sinks:
            format = sink.destination.format
            with writing(sink):
                if format.name in documents:
                    sink.stream.buffer.write(documents[format.name])
                elif report is not None:
                    page = _page(request, outcome, is_terminal, chosen)
                    format.put(report if format.report is ImageReport else report.sbom, sink.stream, page)
    scanned = report if is_scan else None
    found = ""
    if scanned:
        found = f", {count(len(scanned.findings), 'finding')}, {vulnerability_count(scanned)}"
        found += "; not everything was matched" if scanned.database and scanned.has_gaps else ""
    _remark(request, unread, found, outcome, chosen)
    if request.store and report is not None:
        # As a report about several.
        lost = (UnreadImage(unread[0]),) if is_unreadable else ()
        _keep(request, ImagesReport(() if lost else (ScannedImage((image,), report),), lost))
    if is_unreadable:
        raise _unreadable(image, unread)
    reports = (scanned,) if scanned else ()
    if take and scanned:
        take(scanned)
    need_database(request, reports)
    return _code(request, outcome, reports)


def _unreadable(image: str, unread: Sequence[Unread]) -> SourceError:
    """An empty list of packages would pass for that of an image without any."""
    first = f"{plain(unread[0].where, 4096)}: {plain(unread[0].why)}"
    return SourceError(
        f"nothing could be catalogued in {plain(image)}: {len(unread):,} not read, the first {first}"
    )


def run_several(request: Request, take: Callable[[ImageReport], None] | None = None) -> int:
    """Scans several images, or all that manifests or a cluster run, into one report; returns the exit code.

    ``take`` gets the report of each that was read.

    Raises: ``LeadlineError`` of every kind.
    """
    # Reading manifests and clusters is for these alone.
    from leadline.outputs.rows.images_rows import vulnerability_totals
    from leadline.scans.images.images_scan import ImageTargets, images_scan

    configure_log(is_debug=request.debug)
    is_terminal = os.isatty(1)
    formats = [_format_of_several(name) for name in _names(request)]
    _refuse_one_alone(request)
    chosen, seal = _sealed_for(request, placed(formats, _output_of(request)), is_terminal=is_terminal)
    refuse_overwriting(request.from_manifests, chosen)
    with opened(chosen, seal) as sinks:
        with progress(_what(request), is_wanted=not request.quiet) as display:
            targets = ImageTargets(
                names=request.targets,
                manifests=request.from_manifests,
                cluster=request.from_cluster,
                posture=posture_options(request, display.say, with_scores=True),
            )
            report = images_scan(targets, image_options(request, created(os.environ), display.say))
        unread = [*(one.unread for one in report.failed), *report.unread]
        reports = [one.report for one in report.images]
        parts = [part for one in reports for part in one.sbom.unread]
        outcome = images_verdict(reports, [*unread, *parts], gates_of(request))
        page = _page(request, outcome, is_terminal, chosen)
        for sink in sinks:
            with writing(sink):
                sink.destination.format.put(report, sink.stream, page)
    _remark(request, tuple(unread), f", {vulnerability_totals(report)}", outcome, chosen)
    if request.store:
        _keep(request, report)
    if take:
        for one in reports:
            take(one)
    _refuse_nothing(request, report)
    need_database(request, reports)
    return _code(request, outcome, reports)


def _code(request: Request, outcome: Verdict, reports: Iterable[ImageReport]) -> int:
    if not outcome.passed:
        return GATE_FAILED
    return request.exit_code if any(one.vulnerabilities or one.findings for one in reports) else 0


def _refuse_one_alone(request: Request) -> None:
    """Raises: ``UsageError`` for what can be asked of one image alone."""
    if request.loaded:
        raise UsageError("--loaded is about one image", hint="scan that image for itself")
    if "-" in (*request.targets, *request.from_manifests):
        raise UsageError("'-' reads standard input and cannot be combined", hint="give it a scan of its own")
    if request.with_digests:
        raise UsageError("--digests goes into documents about one image", hint="scan each image alone")


def _refuse_nothing(request: Request, report: ImagesReport) -> None:
    """Raises: ``SourceError`` where an image that was named could not be read, or nothing at all was scanned."""
    if report.failed and (request.targets or not report.images):
        first = report.failed[0].unread
        raise SourceError(
            f"{count(len(report.failed), 'image')} not read, the first "
            f"{plain(first.where, 4096)}: {plain(first.why)}",
            hint=first.hint,
        )
    if not report.images:
        name = plain(report.target.name, 4096) if report.target else "the target"
        more = f"; {len(report.unread):,} not read" if report.unread else ""
        raise SourceError(f"no image is run in {name}: {count(report.objects, 'object')}{more}")


def need_database(request: Request, reports: Iterable[ImageReport]) -> None:
    """Raises: ``DatabaseError``: a gate that most of what it is about cannot reach would pass for the wrong reason."""
    gate = (
        "--severity-threshold" if request.severity_threshold else "--exit-code" if request.exit_code else ""
    )
    if gate and any(one.database is None for one in reports):
        raise DatabaseError(
            f"{gate} cannot be judged without a vulnerability database",
            hint="get one with 'leadline db fetch'; --fail-on unread works without",
        )


def _keep(request: Request, report: ImagesReport) -> None:
    # The store speaks HTTP asynchronously; a scan that stores nothing does not pay for the import.
    from leadline.programs.cli.scanning.storing import keep_images

    keep_images(request, report)


def _page(request: Request, outcome: Verdict, is_terminal: bool, chosen: tuple[Destination, ...]) -> Page:
    return passed(
        Page,
        request,
        places=NoPlaces(),
        width=width_of(os.environ, is_terminal=is_terminal, usual=PIPE_WIDTH),
        colour=is_terminal and not request.no_color and wants_colour(os.environ) and not request.output,
        verdict=verdict_text(outcome),
        passed=outcome.passed,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
        asked=Asked(formats=tuple(destination.format.name for destination in chosen)),
    )


def _names(request: Request) -> Iterable[str]:
    return dict.fromkeys(request.format or ("table",))


def _format_of_one(name: str, *, is_scan: bool) -> Format:
    """An SBOM can be asked of a scan too.

    Raises: ``UsageError`` for an unknown format.
    """
    try:
        return find_format(name, ImageReport if is_scan else Sbom)
    except UsageError:
        # Only now: it imports all formats.
        if not is_scan or name not in formats_for(Sbom):
            raise
        return find_format(name, Sbom)


def _format_of_several(name: str) -> Format:
    """Raises: ``UsageError`` for an unknown format, or one that holds one image alone."""
    try:
        return find_format(name, ImagesReport)
    except UsageError as unknown:
        if name not in formats_for(ImageReport) and name not in formats_for(Sbom):
            raise
        several = ", ".join(sorted(formats_for(ImagesReport)))
        raise UsageError(
            f"{name} holds one image, and several are scanned", hint=f"scan each alone, or write {several}"
        ) from unknown


def _output_of(request: Request) -> str:
    """Several formats share the name without its ending: ``sbom.json`` becomes ``sbom.spdx.json`` and so on."""
    output = "" if request.output == "-" else request.output
    output = output.removesuffix(".age") if request.encrypt else output
    is_one = len(set(request.format)) < 2
    suffixes = (".spdx.json", ".cdx.json", ".syft.json")
    return output if is_one or output.endswith(suffixes) else output.removesuffix(".json")


def _sealed_for(
    request: Request, chosen: tuple[Destination, ...], *, is_terminal: bool
) -> tuple[tuple[Destination, ...], Seal | None]:
    """The destinations, and what their files go through, where they are for recipients alone.

    Raises: ``UsageError`` for keys that are none, or where a terminal would get what is encrypted.
    """
    if not request.encrypt:
        return chosen, None
    from leadline.scans.leaving import leaving_of  # most runs do without

    leaving = leaving_of("", request.encrypt)
    return encrypted_destinations(leaving, chosen, is_terminal=is_terminal), leaving.seal


def _what(request: Request) -> str:
    if request.from_cluster:
        return "scanning the images of the cluster"
    if request.from_manifests:
        return f"scanning the images of {' '.join(request.from_manifests)}"
    return f"scanning {len(request.targets):,} images"


def _remark(
    request: Request,
    unread: tuple[Unread, ...],
    found: str,
    outcome: Verdict,
    chosen: tuple[Destination, ...],
) -> None:
    """What was written, and what it does not say, where no table says so on the screen."""
    if request.quiet:
        return
    lines = [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "table" and not d.path for d in chosen):
        lines += [f"not read: {plain(one.where, 4096)}: {plain(one.why)}" for one in unread[:_SHOWN]]
        text = f"{len(unread):,} not read" if unread else "all input read"
        lines.append(verdict_text(outcome) or f"{text}{found}")
    for line in lines:
        sys.stderr.write(f"{line}\n")
