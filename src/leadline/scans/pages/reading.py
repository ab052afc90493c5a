"""What pages show, read from files, from a report, or from a store."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.images_report import ImagesReport
from leadline.model.report import PostureReport, Target
from leadline.outputs.documents.report_document import decode, is_report
from leadline.outputs.documents.sealing import sealed
from leadline.scans.access.target import access_of
from leadline.scans.access.unused import unused_by_logs
from leadline.scans.options import PostureOptions
from leadline.scans.pages.image_entries import ImageEntry, image_entries, image_entry
from leadline.scans.pages.world import Component, Known, shell
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.risks import with_risks
from leadline.sources.regular_file import read_given

_LARGEST_REPORT = 1 << 30
_HEAD = 4096
_NO_IMAGES = "Images were not scanned: show a report of a scan of the images as well."


def is_report_file(path: str) -> bool:
    file = Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return is_report(opened.read(_HEAD))


def read_folder(
    targets: Sequence[str],
    options: PostureOptions,
    audit_logs: Sequence[str] = (),
    profiles: Sequence[str] = (),
) -> Known:
    """A scan of ``targets``, with ranks, and what audit logs say about the use of rights, with profiles beside them.

    Raises: ``UsageError``, ``SourceError``.
    """
    with open_posture_scan(targets, replace(options, with_fronts=True)) as scan:
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        report = with_risks(sealed(scan.report, scan.places), scan.report_with_bodies)
        given = access_of(scan.report_with_bodies) if audit_logs else None
        if audit_logs and given is None:
            raise SourceError(
                f"no roles and bindings in {' '.join(targets)}", hint="leave the audit log away"
            )
        use = unused_by_logs(given, audit_logs, profiles, options.secrets) if given else None
    at = written_now()
    return Known(
        report,
        at,
        shell("leadline", "scan", *targets),
        why_no_images=_NO_IMAGES,
        components=(Component("Scan", at, "read once; start leadline ui again for a newer one"),),
        use=use,
    )


def read_reports(paths: Sequence[str]) -> Known:
    """Reports as ``leadline scan -f report`` wrote them: one about objects, and any number about images.

    Raises: ``SourceError``.
    """
    posture: PostureReport | None = None
    images: list[ImageEntry] = []
    for path in paths:
        report = decode(read_given(path, _LARGEST_REPORT))
        if isinstance(report, ImagesReport):
            images += image_entries(report)
        elif not isinstance(report, PostureReport):
            images.append(image_entry(report))
        elif posture is not None:
            raise SourceError(f"{path} is a second report about objects", hint="show one at a time")
        else:
            posture = report
    at = written_now()
    if posture is None:
        posture = PostureReport(Target("file", " ".join(paths)), (), (), (), (), is_sealed=True)
    return Known(
        posture,
        at,
        shell("leadline", "ui", *paths),
        tuple(images),
        _NO_IMAGES,
        (Component("Report", at, "read once, as it was written"),),
    )


def written_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def nothing_yet(where: str, command: str, *, is_kubernetes: bool = False) -> Known:
    """Of a store that is about to be read."""
    report = PostureReport(Target("cluster", where), (), (), (), (), is_sealed=True)
    return Known(report, written_now(), command, reading=where, is_kubernetes=is_kubernetes)
