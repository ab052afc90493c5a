"""What is accepted in an image that a cluster runs: in the image's own result, and as each workload sees it.

The verdict is that of ``waived_images``. An exception for some objects is about what these see of the image; the image's
own result is without a finding where all that runs it accepts it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.scans.waivers.image_waiving import findings_covered, is_of_images, waived_images
from leadline.vulnerabilities.priority import urgency
from leadline.waivers.apply import Waivers, has_ended, is_over, next_end
from leadline.waivers.match import Subject, is_on

View = str
"""Names what the objects have in common that see the same of an image."""


class Acceptance(Struct, frozen=True):
    """What may be accepted in one image, and by whom."""

    waivers: tuple[Waiver, ...] = ()
    users: Mapping[View, Subject] = {}
    """One of the objects that run the image, for each view."""
    names: tuple[str, ...] = ()
    """By which it runs."""
    at: str = ""
    """Now, RFC 3339."""
    stamp: str = ""
    """Another for whatever comes to another verdict; empty where there is nothing to accept."""


class Seen(Struct, frozen=True):
    """What may be accepted in an image, and how each of the objects that run it sees it."""

    acceptance: Acceptance
    views: tuple[View, ...] = ()
    """In step with the objects; empty where there is nothing to accept."""


class Views(Struct, frozen=True):
    image: ImageReport
    by_view: Mapping[View, ImageReport]
    counts: Mapping[str, int]
    """Findings that each waiver is about, by its source, seen from any object; of one that has expired, those that came back."""


class ImageWaivers:
    """All that may be accepted in images. Asked again and again with the same subjects, it remembers them."""

    def __init__(self, waivers: Sequence[Waiver]) -> None:
        self.waivers = [one for one in waivers if any(map(is_of_images, one.matches))]
        bare = [replace(one, matches=tuple(map(_without_image, one.matches))) for one in self.waivers]
        self._on = Waivers(bare, "", is_of_images)
        self._places: dict[int, tuple[Subject, tuple[int, ...]]] = {}

    def next_end(self, now: datetime) -> datetime | None:
        """Until when nothing changes by itself; ``None`` for ever."""
        return next_end(self.waivers, now)

    def seen(self, names: tuple[str, ...], subjects: Sequence[Subject], now: datetime) -> Seen:
        """Of the image called ``names``, which the objects ``subjects`` run."""
        found = subjects if self.waivers else ()
        on_any = {place for subject in found for place in self._places_of(subject)}
        on_image = Subject(images=names)
        places = [
            place
            for place in sorted(on_any)
            if any(_may_be_on_image(match, on_image) for match in self.waivers[place].matches)
        ]
        if not places:
            return Seen(Acceptance())
        waivers = tuple(self.waivers[place] for place in places)
        views = tuple(_view(waivers, subject, names) for subject in found)
        users = dict(zip(views, found, strict=True))
        ended = [
            [is_over(one, now), *(bool(m.expires) and has_ended(m.expires, now) for m in one.matches)]
            for one in waivers
        ]
        written = msgspec.json.encode((waivers, sorted(users), ended))
        stamp = hashlib.blake2b(written, digest_size=12).hexdigest()
        return Seen(Acceptance(waivers, users, names, now.isoformat(timespec="seconds"), stamp), views)

    def _places_of(self, subject: Subject) -> tuple[int, ...]:
        known = self._places.get(id(subject))
        if known is None or known[0] is not subject:
            known = self._places[id(subject)] = (subject, self._on.places_on(subject))
        return known[1]


def accepted_views(report: ImageReport, acceptance: Acceptance) -> Views:
    """``report`` is one that nothing, or something else, was accepted in."""
    bare = unwaived(report)
    users = dict(acceptance.users)
    names = acceptance.names or (report.sbom.image.name,)
    whole = ScannedImage(names, bare, _uses(users))
    counts = findings_covered(whole, acceptance.waivers, users, acceptance.at)
    by_view = {
        view: replace(_waived(whole, acceptance, {view: subject}), waivers=())
        for view, subject in users.items()
    }
    return Views(_waived(whole, acceptance, users), by_view, counts)


def unwaived(report: ImageReport) -> ImageReport:
    """``report`` as it was before anything was accepted in it."""
    back = [one.match for one in report.suppressed if one.by == "waiver"]
    findings = [*report.findings, *(one.finding for one in report.waived_findings)]
    return replace(
        report,
        vulnerabilities=tuple(sorted((*report.vulnerabilities, *back), key=urgency))
        if back
        else report.vulnerabilities,
        suppressed=tuple(one for one in report.suppressed if one.by != "waiver"),
        findings=tuple(
            sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.title, one.where))
        ),
        waived_findings=(),
        waivers=(),
    )


def _waived(image: ScannedImage, acceptance: Acceptance, users: Mapping[str, Subject]) -> ImageReport:
    whole = ImagesReport((replace(image, uses=_uses(users)),))
    waived = waived_images(whole, acceptance.waivers, users, acceptance.at)
    return replace(waived.images[0].report, waivers=waived.waivers)


def _uses(users: Iterable[str]) -> tuple[ImageUse, ...]:
    return tuple(ImageUse(key, key, "") for key in users)


def _view(waivers: Sequence[Waiver], subject: Subject, names: tuple[str, ...]) -> View:
    """Numbers of the matches that are about the object."""
    on = replace(subject, images=names)
    flags = "".join(
        "1" if is_on(_without_path(match), on) else "0" for waiver in waivers for match in waiver.matches
    )
    return hashlib.blake2b(flags.encode(), digest_size=6).hexdigest()


def _may_be_on_image(match: WaiverMatch, image: Subject) -> bool:
    if not is_of_images(match):
        return False
    # What exceptions as JSON say of parts of the name is looked at with the image's own.
    return not match.images or is_on(WaiverMatch(images=match.images, writing=match.writing), image)


def _without_image(match: WaiverMatch) -> WaiverMatch:
    return _without_path(replace(match, images=(), image_parts={}))


def _without_path(match: WaiverMatch) -> WaiverMatch:
    """Paths are those of packages, and the same for all that run the image."""
    return replace(match, paths=(), image_parts={}) if match.paths or match.image_parts else match
