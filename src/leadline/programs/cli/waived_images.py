"""``leadline waiver test --image``: which entry accepts what in images."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from leadline.errors import SourceError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.created import created
from leadline.programs.cli.image_request import ImageRequest, options_of
from leadline.programs.cli.progress import progress
from leadline.programs.cli.waiver_heading import SHOWN, heading
from leadline.scans.images.images_scan import ImageTargets, images_scan


def lines_of_images(
    file: str, images: tuple[str, ...], database: str, flags: Mapping[str, Any]
) -> Iterator[str]:
    """One entry after another, then the numbers of what is accepted and what is not.

    Raises: ``SourceError`` where an image cannot be read: what its entries accept is then not known.
    """
    request = ImageRequest(
        images=images,
        is_alone=len(images) == 1,
        is_scan=True,
        quiet=flags["quiet"],
        db=database,
        exceptions=(file,),
    )
    with progress(f"scanning {count(len(images), 'image')}", is_wanted=not request.quiet) as display:
        options = options_of(request, created(os.environ), display.say)
        report = images_scan(ImageTargets(names=images), options)
    if report.failed:
        lost = report.failed[0].unread
        raise SourceError(f"{plain(lost.where, 4096)}: {plain(lost.why)}", hint=lost.hint)
    yield from _lines(report, is_verbose=flags["verbose"])
    without = sum(1 for one in report.images if one.report.database is None)
    if without:
        yield f"vulnerabilities were not looked for in {count(without, 'image')}: there is no database (leadline db build)"


def _lines(report: ImagesReport, *, is_verbose: bool) -> Iterator[str]:
    total = 0
    for place, use in enumerate(report.waivers):
        yield from heading(use, "such as controls of objects")
        found = [
            f"{plain(image.names[0])}  {text}"
            for image in report.images
            for text in _accepted(image.report, place)
        ]
        total += len(found)
        yield from (f"  {line}" for line in (found if is_verbose else found[:SHOWN]))
        if len(found) > SHOWN and not is_verbose:
            yield f"  and {len(found) - SHOWN:,} more, -v shows them"
        yield ""
    open_ones = sum(len(one.report.vulnerabilities) + len(one.report.findings) for one in report.images)
    yield f"{count(total, 'finding')} accepted, {count(open_ones, 'finding')} not"


def _accepted(report: ImageReport, place: int) -> Iterator[str]:
    for one in report.suppressed:
        if one.waiver == place:
            package = one.match.package
            yield f"{one.match.id} {one.match.severity} {plain(package.name)} {plain(package.version)}"
    for accepted in report.waived_findings:
        if accepted.place == place:
            yield f"{accepted.finding.title} {plain(accepted.finding.where, 4096)}"
