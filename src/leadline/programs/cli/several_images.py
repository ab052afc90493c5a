"""``leadline scan image`` of several images, or of all that manifests or a cluster run: one report."""

import os
import sys

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.package import Sbom
from leadline.outputs.format_registry import Format, find_format, formats_for
from leadline.outputs.rows.images_rows import vulnerability_totals
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.created import created
from leadline.programs.cli.destinations import Destination, opened, placed, refuse_overwriting, writing
from leadline.programs.cli.gate_text import verdict_text
from leadline.programs.cli.image_page import gates_of, image_page, no_database, output_of, sealed_for
from leadline.programs.cli.image_request import ImageRequest, options_of
from leadline.programs.cli.progress import progress
from leadline.programs.cli.terminal import configure_log
from leadline.scans.gates import images_verdict
from leadline.scans.images.images_scan import ImageTargets, images_scan
from leadline.scans.options import ChartOptions, PostureOptions, Say

_GATE_FAILED = 1
_SHOWN = 5


def run_several(request: ImageRequest) -> int:
    """Scans, writes; returns the exit code.

    Raises: ``LeadlineError`` of every kind.
    """
    configure_log(is_debug=request.debug)
    is_terminal = os.isatty(1)
    chosen = placed(
        [_format(name) for name in dict.fromkeys(request.format or ("table",))], output_of(request)
    )
    if request.digests:
        raise UsageError("--digests goes into documents about one image", hint="scan each image alone")
    chosen, seal = sealed_for(request, chosen, is_terminal=is_terminal)
    refuse_overwriting(request.from_manifests, chosen)
    with opened(chosen, seal) as sinks:
        with progress(_what(request), is_wanted=not request.quiet) as display:
            options = options_of(request, created(os.environ), display.say)
            report = images_scan(_targets(request, display.say), options)
        unread = [one.unread for one in report.failed]
        unread += [*report.unread, *(part for one in report.images for part in one.report.sbom.unread)]
        reports = [one.report for one in report.images]
        outcome = images_verdict(reports, unread, gates_of(request))
        page = image_page(request, outcome, is_terminal, chosen)
        for sink in sinks:
            with writing(sink):
                sink.destination.format.put(report, sink.stream, page)
    _remark(request, report, verdict_text(outcome), chosen)
    if request.store:
        from leadline.programs.cli.storing import keep_images

        keep_images(request, report)
    _refuse_nothing(request, report)
    if request.severity_threshold and any(one.database is None for one in reports):
        raise no_database()
    return 0 if outcome.passed else _GATE_FAILED


def _refuse_nothing(request: ImageRequest, report: ImagesReport) -> None:
    """Raises: ``SourceError`` where an image that was named could not be read, or nothing at all was scanned."""
    if report.failed and (request.images or not report.images):
        first = report.failed[0].unread
        raise SourceError(
            f"{count(len(report.failed), 'image')} not read, the first "
            f"{plain(first.where, 4096)}: {plain(first.why)}",
            hint=first.hint,
        )
    if not report.images:
        name = plain(report.target.name, 4096) if report.target else "the target"
        unread = f"; {len(report.unread):,} not read" if report.unread else ""
        raise SourceError(f"no image is run in {name}: {count(report.objects, 'object')}{unread}")


def _what(request: ImageRequest) -> str:
    if request.from_cluster:
        return "scanning the images of the cluster"
    if request.from_manifests:
        return f"scanning the images of {' '.join(request.from_manifests)}"
    return f"scanning {len(request.images):,} images"


def _format(name: str) -> Format:
    """Raises: ``UsageError`` for an unknown format, or one that holds one image alone."""
    several = formats_for(ImagesReport)
    if name in several:
        return several[name]
    if name in formats_for(ImageReport) or name in formats_for(Sbom):
        raise UsageError(
            f"{name} holds one image, and several are scanned",
            hint=f"scan each alone, or write {', '.join(sorted(several))}",
        )
    return find_format(name, ImagesReport)


def _targets(request: ImageRequest, say: Say) -> ImageTargets:
    posture = PostureOptions(
        include_namespaces=request.include_namespaces,
        exclude_namespaces=request.exclude_namespaces,
        exclude_paths=request.exclude_path,
        use_target_waivers=not request.no_waivers_from_target,
        left_out=request.configured.left_out,
        charts=ChartOptions(
            values=request.values,
            renderings=request.configured.charts,
            set=request.set,
            set_string=request.set_string,
            kube_version=request.kube_version,
            api_versions=request.api_versions,
            with_tests=request.helm_tests,
        ),
        kube_context=request.kube_context,
        kubeconfig=request.kubeconfig,
        environ=os.environ,
        say=say,
    )
    return ImageTargets(
        names=request.images,
        manifests=request.from_manifests,
        cluster=request.from_cluster,
        posture=posture,
    )


def _remark(
    request: ImageRequest, report: ImagesReport, verdict: str, chosen: tuple[Destination, ...]
) -> None:
    """What was written, and what it does not say, where no table says so on the screen."""
    if request.quiet:
        return
    lines = [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "table" and not d.path for d in chosen):
        unread = [*(one.unread for one in report.failed), *report.unread]
        lines += [f"not read: {plain(one.where, 4096)}: {plain(one.why)}" for one in unread[:_SHOWN]]
        text = f"{len(unread):,} not read" if unread else "all input read"
        lines.append(verdict or f"{text}, {vulnerability_totals(report)}")
    for line in lines:
        sys.stderr.write(f"{line}\n")
