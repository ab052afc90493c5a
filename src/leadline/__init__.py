"""Finds where Kubernetes can be broken into, and says what to change.

::

    import leadline

    report = leadline.scan(["deploy/"])
    for finding in leadline.findings(report):
        print(finding.severity, finding.problem, finding.object, f"{finding.file}:{finding.line}", finding.advice)

What is offered here stays; ``docs/library.md`` describes it. Everything is imported when it is first used.
"""

from leadline.version import __version__

TYPE_CHECKING = False  # as ``typing`` has it, whose import takes as long as ``leadline --version``
if TYPE_CHECKING:
    from leadline.outputs.documents.report_document import decode, encode
    from leadline.scans.images.image_scan import image_scan as scan_image
    from leadline.scans.images.images_scan import ImageTargets
    from leadline.scans.images.images_scan import images_scan as scan_images
    from leadline.scans.library import (
        Difference,
        Fix,
        ShownFinding,
        baseline,
        compare,
        diff,
        findings,
        fix,
        reach,
        render,
        render_bytes,
        risk,
        waiver_entries,
    )
    from leadline.scans.options import ChartOptions, ImageOptions, PostureOptions
    from leadline.scans.posture.posture_scan import posture_scan as scan

_OFFERED = {
    "ChartOptions": ("leadline.scans.options", "ChartOptions"),
    "Difference": ("leadline.scans.library", "Difference"),
    "Fix": ("leadline.scans.library", "Fix"),
    "ImageOptions": ("leadline.scans.options", "ImageOptions"),
    "ImageTargets": ("leadline.scans.images.images_scan", "ImageTargets"),
    "PostureOptions": ("leadline.scans.options", "PostureOptions"),
    "ShownFinding": ("leadline.scans.library", "ShownFinding"),
    "baseline": ("leadline.scans.library", "baseline"),
    "compare": ("leadline.scans.library", "compare"),
    "decode": ("leadline.outputs.documents.report_document", "decode"),
    "diff": ("leadline.scans.library", "diff"),
    "encode": ("leadline.outputs.documents.report_document", "encode"),
    "findings": ("leadline.scans.library", "findings"),
    "fix": ("leadline.scans.library", "fix"),
    "reach": ("leadline.scans.library", "reach"),
    "render": ("leadline.scans.library", "render"),
    "render_bytes": ("leadline.scans.library", "render_bytes"),
    "risk": ("leadline.scans.library", "risk"),
    "scan": ("leadline.scans.posture.posture_scan", "posture_scan"),
    "scan_image": ("leadline.scans.images.image_scan", "image_scan"),
    "scan_images": ("leadline.scans.images.images_scan", "images_scan"),
    "waiver_entries": ("leadline.scans.library", "waiver_entries"),
}
__all__ = [
    "ChartOptions",
    "Difference",
    "Fix",
    "ImageOptions",
    "ImageTargets",
    "PostureOptions",
    "ShownFinding",
    "__version__",
    "baseline",
    "compare",
    "decode",
    "diff",
    "encode",
    "findings",
    "fix",
    "reach",
    "render",
    "render_bytes",
    "risk",
    "scan",
    "scan_image",
    "scan_images",
    "waiver_entries",
]


if not TYPE_CHECKING:

    def __dir__():
        return sorted(_OFFERED.keys() | globals().keys())

    def __getattr__(name):
        """Imports what is offered under ``name``."""
        from importlib import import_module

        if name == "errors":
            return import_module("leadline.errors")
        if name not in _OFFERED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, attribute = _OFFERED[name]
        return getattr(import_module(module), attribute)
