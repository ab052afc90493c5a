"""Finds where Kubernetes can be broken into, and says what to change.

::

    import leadline

    report = leadline.scan(["deploy/"])
    for finding in report.findings:
        print(finding.control, finding.resource, finding.path)

What is offered here stays; ``docs/library.md`` describes it. Everything is imported when it is first used.
"""

from leadline.version import __version__

TYPE_CHECKING = False  # as ``typing`` has it, whose import takes as long as ``leadline --version``
if TYPE_CHECKING:
    from leadline.outputs.documents.report_document import decode, encode
    from leadline.scans.images.image_scan import image_scan as scan_image
    from leadline.scans.images.images_scan import ImageTargets
    from leadline.scans.images.images_scan import images_scan as scan_images
    from leadline.scans.options import ChartOptions, ImageOptions, PostureOptions
    from leadline.scans.posture.posture_scan import posture_scan as scan

_OFFERED = {
    "ChartOptions": ("leadline.scans.options", "ChartOptions"),
    "ImageOptions": ("leadline.scans.options", "ImageOptions"),
    "ImageTargets": ("leadline.scans.images.images_scan", "ImageTargets"),
    "PostureOptions": ("leadline.scans.options", "PostureOptions"),
    "decode": ("leadline.outputs.documents.report_document", "decode"),
    "encode": ("leadline.outputs.documents.report_document", "encode"),
    "scan": ("leadline.scans.posture.posture_scan", "posture_scan"),
    "scan_image": ("leadline.scans.images.image_scan", "image_scan"),
    "scan_images": ("leadline.scans.images.images_scan", "images_scan"),
}
__all__ = [
    "ChartOptions",
    "ImageOptions",
    "ImageTargets",
    "PostureOptions",
    "__version__",
    "decode",
    "encode",
    "scan",
    "scan_image",
    "scan_images",
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
