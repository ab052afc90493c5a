"""One scan of several images: named one by one, or all that manifests or a cluster run. Each image is scanned once."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage, UnreadImage
from leadline.model.unread import Unread, UnreadReason
from leadline.packages.reference import read_reference
from leadline.scans.images.image_scan import image_report
from leadline.scans.images.images_in_use import ImagesInUse, images_of_cluster, images_of_manifests
from leadline.scans.images.lazy_sbom import open_sbom
from leadline.scans.options import ImageOptions, PostureOptions
from leadline.scans.waivers.image_waiving import waived_images
from leadline.scans.waivers.waiving import in_namespaces, waivers_of_files
from leadline.vulnerabilities.priority import urgency

THREADS = 4
"""Images scanned at a time. Most of the time goes by in waiting for registries; reading layers takes a core."""
MOST_IMAGES = 5_000
"""Of one target; a hostile one may name any number, each to be asked of a registry. What goes beyond is named as unread."""
_NO_MATCH = (len(SEVERITIES),)


class ImageTargets(Struct, frozen=True, kw_only=True):
    """Which images are scanned; one of the three."""

    names: tuple[str, ...] = ()
    """As ``image_scan`` takes them."""
    manifests: tuple[str, ...] = ()
    """Files and folders whose objects run them, or one git address."""
    cluster: bool = False
    posture: PostureOptions = PostureOptions()
    """How manifests and the cluster are read."""


def images_scan(targets: ImageTargets, options: ImageOptions | None = None) -> ImagesReport:
    """The report about all of ``targets``. An image that cannot be read is named in it, with what runs it.

    Raises:
        UsageError: what is asked for makes no sense.
        SourceError: the manifests or the cluster cannot be read at all.
        DatabaseError: the vulnerability database cannot be read, or is too old.
    """
    options = options or ImageOptions()
    if targets.names:
        return _report(dict.fromkeys(targets.names, ()), options, None)
    found = (
        images_of_cluster(targets.posture)
        if targets.cluster
        else images_of_manifests(targets.manifests, targets.posture)
    )
    return _report(found.images, options, found)


def _report(
    images: Mapping[str, tuple[ImageUse, ...]], options: ImageOptions, found: ImagesInUse | None
) -> ImagesReport:
    now = options.today or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    options = replace(options, today=options.today or datetime.now(UTC).strftime("%Y-%m-%d"))
    given = waivers_of_files(options.waivers)
    options = replace(options, waivers=())  # they are held against all images together
    scans = _Scans(options, is_of_objects=found is not None)
    asked = dict(list(images.items())[:MOST_IMAGES])
    why = f"more than {MOST_IMAGES:,} images are not scanned at once"
    scanned: dict[str, ScannedImage] = {}
    failed: list[UnreadImage] = []
    for name, outcome in zip(asked, scans.all_of(tuple(asked)), strict=True):
        if isinstance(outcome, Unread):
            failed.append(UnreadImage(outcome, images[name]))
            continue
        before = scanned.get(outcome.key) or ScannedImage((), scans.report(outcome))
        uses = tuple(dict.fromkeys((*before.uses, *images[name])))
        scanned[outcome.key] = ScannedImage((*before.names, name), before.report, uses)
    failed += [
        UnreadImage(Unread(name, why, "too large"), uses)
        for name, uses in images.items()
        if name not in asked
    ]
    scans.pass_notes_on()
    images_found = tuple(scanned.values())
    if found is None:
        report = waived_images(ImagesReport(images_found, tuple(failed)), given, {}, now)
    else:
        report = ImagesReport(
            images_found, tuple(failed), found.target, found.objects, found.unread, found.left_out
        )
        given = in_namespaces(given, found.namespaces)
        report = waived_images(report, (*given, *found.waivers), found.subjects, now)
    return replace(report, images=tuple(sorted(report.images, key=_urgency)))


class _Named(Struct, frozen=True):
    """What a name led to."""

    key: str
    """The same for all names of one image."""
    title: str
    """What the image is called where this name comes first."""


class _Scans:
    """Scans side by side, those of one image joined whatever it is called."""

    def __init__(self, options: ImageOptions, *, is_of_objects: bool) -> None:
        self._options = options
        self._is_of_objects = is_of_objects
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._reports: dict[str, ImageReport] = {}
        self._notes: Counter[str] = Counter()
        self._done = 0

    def all_of(self, names: Sequence[str]) -> list[_Named | Unread]:
        """In the order of ``names``."""

        def one(name: str) -> _Named | Unread:
            try:
                return self._one(name)
            except (SourceError, UsageError) as error:
                reason: UnreadReason = "malformed" if isinstance(error, UsageError) else "unreachable"
                return Unread(name, str(error.args[0]), hint=error.hint, reason=reason)
            finally:
                with self._lock:
                    self._done += 1
                    self._options.say(f"scanned {self._done:,} of {len(names):,} images")

        with ThreadPoolExecutor(min(THREADS, len(names) or 1)) as pool:
            try:
                return list(pool.map(one, names))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def report(self, named: _Named) -> ImageReport:
        """Called as ``named`` has it, whichever of its names was scanned first."""
        report = self._reports[named.key]
        image = replace(report.sbom.image, name=named.title)
        return replace(report, sbom=replace(report.sbom, image=image))

    def pass_notes_on(self) -> None:
        """Those that hold for every image: a statement about one of them is of no use for the others, and no mistake."""
        for text, number in self._notes.items():
            if number == len(self._reports):
                self._options.note(text)

    def _one(self, name: str) -> _Named:
        if self._is_of_objects:
            if read_reference(name) is None:
                raise UsageError("invalid image reference", hint="a container runtime refuses it as well")
            # What an object calls an image is never a file of this machine.
            name = f"registry:{name}"
        options = replace(self._options, say=_unheard, note=self._note)
        with open_sbom(name, options) as lazy:
            key = lazy.image_id or name
            with self._lock:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                if key not in self._reports:
                    self._reports[key] = image_report(lazy, options)
            return _Named(key, lazy.image_name or self._reports[key].sbom.image.name)

    def _note(self, text: str) -> None:
        with self._lock:
            self._notes[text] += 1


def _unheard(text: str) -> None:
    """Several images at a time would talk across each other; their number is said instead."""
    del text


def _urgency(image: ScannedImage) -> tuple[object, ...]:
    """By the most urgent vulnerability; of such alike what is reachable from outside first; then by how many are grave, by
    other findings, by how many run it, and by name.
    """
    matches = image.report.vulnerabilities
    worst: tuple[int, ...] = urgency(matches[0])[:4] if matches else _NO_MATCH * 4
    findings = min((SEVERITIES.index(one.severity) for one in image.report.findings), default=len(SEVERITIES))
    grave = sum(1 for one in matches if one.severity in ("critical", "high"))
    return (*worst, not image.exposed_by, -grave, findings, -len(image.uses), image.names[0])
