"""Takes accepted findings out of reports about images, with the same waivers and the same matcher as for objects."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from leadline.model.image_report import CONTROLS, ImageFinding, ImageReport, WaivedImageFinding
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.vulnerability import Match, Suppressed
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import why_accepted
from leadline.packages.package_url import package_url
from leadline.packages.reference import DEFAULT_TAG, read_reference
from leadline.scans.waivers.waiving import image_names
from leadline.waivers.apply import Waivers
from leadline.waivers.match import Problem, Subject, is_about

LONGEST_STATEMENT = 1_000


def waived_image(report: ImageReport, waivers: Sequence[Waiver], now: str) -> ImageReport:
    """``report`` about one image that is scanned for itself."""
    if not waivers:
        return report
    held = Waivers(waivers, now, is_of_images)
    name = report.sbom.image.name
    kept = _Image(held, ScannedImage((name,), report), {}).waived()
    return replace(kept, waivers=held.uses())


def waived_images(
    report: ImagesReport, waivers: Sequence[Waiver], subjects: Mapping[str, Subject], now: str
) -> ImagesReport:
    """``subjects``: the objects that run images, by id. A waiver for some objects covers an image that these alone run.

    ``now``: RFC 3339, or a date.
    """
    if not waivers:
        return report
    held = Waivers(waivers, now, is_of_images)
    images = tuple(_waived(_Image(held, one, subjects), one) for one in report.images)
    return replace(report, images=images, waivers=held.uses())


def _waived(image: "_Image", before: ScannedImage) -> ScannedImage:
    report = image.waived()
    return replace(before, report=report, accepted_by=image.accepted_by())


def findings_covered(
    image: ScannedImage, waivers: Sequence[Waiver], subjects: Mapping[str, Subject], now: str
) -> Mapping[str, int]:
    """Findings that each waiver is about, by its source, on any one of ``subjects``; of one that has expired as well."""
    held = Waivers(waivers, now, is_of_images)
    _Image(held, image, subjects, is_every=False).waived()
    found = Counter[str]()
    for use in held.uses():
        found[use.waiver.source] += use.findings
    return found


def is_of_images(match: WaiverMatch) -> bool:
    """Whether it may be about something in an image. Controls judge objects; those of Dockerfiles that judge images too are about both."""
    return match.sort != "controls" and not (
        match.controls and all(_is_control(one) for one in match.controls)
    )


def _is_control(text: str) -> bool:
    return text[:2].upper() in ("C-", "L-") and text.upper() not in CONTROLS.values()


class _Image:
    """One image against all waivers."""

    def __init__(
        self, held: Waivers, image: ScannedImage, subjects: Mapping[str, Subject], *, is_every: bool = True
    ) -> None:
        """``is_every``: whether what is limited to some objects has to be about all that run the image."""
        self._held = held
        self._is_every = is_every
        self._image = image
        identity = image.report.sbom.image
        names = (*image.names, identity.name, identity.digest, identity.id, *identity.repo_tags)
        self._names = tuple(dict.fromkeys(known for name in names if name for known in image_names(name)))
        self._parts = parts_of(identity.name)
        # Of an object that is not known nothing is known to be accepted.
        self._ids = tuple(dict.fromkeys(use.resource for use in image.uses))
        self._users = [subjects.get(id, Subject()) for id in self._ids] or [Subject()]
        self._by_some: list[tuple[int, ...]] = []
        """For each vulnerability that is kept, numbers of the objects that accept it all the same."""
        self._needs_purls = any(match.purls for waiver in held.waivers for match in waiver.matches)

    def waived(self) -> ImageReport:
        report = self._image.report
        kept: list[Match] = []
        suppressed = list(report.suppressed)
        for match in report.vulnerabilities:
            place = self._of_match(match)
            if place is None:
                kept.append(match)
                self._by_some.append(tuple(self._some(match)))
            else:
                why = self._why(match, self._held.waivers[place])
                suppressed.append(Suppressed(match, "waiver", why, waiver=place))
        findings: list[ImageFinding] = []
        accepted = list(report.waived_findings)
        for finding in report.findings:
            place = self._of_finding(finding)
            if place is None:
                findings.append(finding)
            else:
                waiver = self._held.waivers[place]
                accepted.append(WaivedImageFinding(finding, waiver.name, why_accepted(waiver), place))
        return replace(
            report,
            vulnerabilities=tuple(kept),
            suppressed=tuple(suppressed),
            findings=tuple(findings),
            waived_findings=tuple(accepted),
        )

    def accepted_by(self) -> Mapping[str, tuple[int, ...]]:
        """As ``ScannedImage`` has it, once ``waived`` was called."""
        found: dict[str, list[int]] = {}
        for position, numbers in enumerate(self._by_some):
            for number in numbers:
                found.setdefault(self._ids[number], []).append(position)
        return {id: tuple(positions) for id, positions in found.items()}

    def _some(self, match: Match) -> Iterator[int]:
        firsts = (
            self._held.each(self._problem(match), *self._asked(match.package.found_in))
            if self._is_every
            else []
        )
        return (number for number, place in enumerate(firsts) if place is not None)

    def _why(self, match: Match, waiver: Waiver) -> str:
        problem = self._problem(match)
        said = next((one.statement for one in waiver.matches if one.statement and is_about(one, problem)), "")
        return f"{why_accepted(waiver)}; {plain(said, LONGEST_STATEMENT)}" if said else why_accepted(waiver)

    def _of_match(self, match: Match) -> int | None:
        return self._found(self._problem(match), match.package.found_in)

    def _problem(self, match: Match) -> Problem:
        return Problem(
            vulnerabilities=(match.id, *match.aliases),
            package=match.package.name,
            purl=package_url(match.package) if self._needs_purls else "",
            severities=(match.severity,),
            has_fix=bool(match.fixed_in),
        )

    def _of_finding(self, finding: ImageFinding) -> int | None:
        names = (finding.title, finding.title.lower().replace(" ", "-"), *filter(None, (finding.control,)))
        return self._found(Problem(controls=names, severities=(finding.severity,)), (finding.where,))

    def _found(self, problem: Problem, paths: tuple[str, ...]) -> int | None:
        """Place of the waiver that covers it."""
        return self._held.find(problem, *self._asked(paths), is_every=self._is_every)

    def _asked(self, paths: tuple[str, ...]) -> tuple[Hashable, Callable[[], list[Subject]]]:
        # Itself, not its id: that may be another's as soon as this one is gone.
        return (self, paths), lambda: [
            replace(user, images=self._names, image_parts=self._parts, paths=paths) for user in self._users
        ]


def parts_of(name: str) -> dict[str, str]:
    """An image's name in the parts that exceptions ask for; empty for what is none."""
    reference = read_reference(name)
    if reference is None:
        return {}
    organization, _, image = reference.repository.rpartition("/")
    tag = reference.tag or reference.digest or DEFAULT_TAG
    return {
        "registry": reference.registry,
        "organization": organization,
        "imageName": image,
        "imageTag": tag,
    }
