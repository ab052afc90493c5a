"""The images that a file names, and how many vulnerabilities are known of those that were looked at."""

from collections import Counter, OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from leadline.errors import LeadlineError, UsageError
from leadline.model.control import SEVERITIES
from leadline.outputs.text.plain import count, plain
from leadline.packages.reference import read_reference
from leadline.posture.subject import workloads_of
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions
from leadline.scans.workspace.workspace import Workspace

_MOST_KEPT = 500
"""Images whose counts are remembered."""
_MOST_NAMED = 200
"""Of one file."""


class NamedImage(Struct, frozen=True):
    """An image where a file names it."""

    line: int
    """Counted from 1."""
    name: str


def images_of(workspace: Workspace, file: str) -> Iterator[NamedImage]:
    """Those of the manifests in a file, by line; none of a file that does not hold now what is judged of it."""
    if not workspace.is_current(file):
        return
    found: dict[tuple[int, str], None] = {}
    for resource in workspace.objects_of(file):
        for workload in workloads_of(resource):
            for container in workload.containers:
                place = workspace.places.find(resource, f"{container.path}image") if container.image else None
                if place is not None and place.exact:
                    found[place.line, container.image] = None
    for line, name in sorted(found)[:_MOST_NAMED]:
        yield NamedImage(line, name)


class ImageCounts:
    """What is known of images. ``count`` may be asked from a thread of its own."""

    def __init__(self, options: ImageOptions) -> None:
        self._options = options
        self._texts: OrderedDict[str, str] = OrderedDict()

    def known(self, name: str) -> str:
        """``2 critical, 7 high, 30 others; 12 of them have a fix``; empty for an image that was not looked at."""
        return self._texts.get(name, "")

    def count(self, name: str) -> str:
        """Looks at the image, in a registry where it is not here, and says what ``known`` says from then on."""
        try:
            if read_reference(name) is None:
                raise UsageError("invalid image reference")
            # What an object calls an image is never a file of this machine.
            report = image_scan(f"registry:{name}", self._options)
        except LeadlineError as error:
            text = f"not scanned: {plain(str(error))[:200]}"
        else:
            by_severity = Counter(match.severity for match in report.vulnerabilities)
            others = len(report.vulnerabilities) - by_severity["critical"] - by_severity["high"]
            parts = [f"{by_severity[one]:,} {one}" for one in SEVERITIES[:2] if by_severity[one]]
            parts += [count(others, "other", "others")] if others and parts else []
            fixed = len([one for one in report.vulnerabilities if one.fixed_in])
            if not report.vulnerabilities:
                text = "no known vulnerabilities"
            else:
                what = ", ".join(parts) or count(others, "vulnerability", "vulnerabilities")
                text = f"{what}; {fixed:,} of {len(report.vulnerabilities):,} have a fix"
            if report.sbom.unread:
                text += f"; {count(len(report.sbom.unread), 'part', 'parts')} of the image not read"
        self._texts[name] = text
        self._texts.move_to_end(name)
        while len(self._texts) > _MOST_KEPT:
            self._texts.popitem(last=False)
        return text
