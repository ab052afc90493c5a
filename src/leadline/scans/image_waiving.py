"""Takes accepted findings out of reports about images, with the same waivers and the same matcher as for objects."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from leadline.image.identity.reference import DEFAULT_TAG, read_reference
from leadline.model.image_report import ImageFinding, ImageReport, WaivedImageFinding
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.vulnerability import Match, Suppressed
from leadline.model.waiver import Waiver, WaiverMatch
from leadline.outputs.waiver_text import why_accepted
from leadline.scans.waiving import image_names
from leadline.waivers.apply import Waivers
from leadline.waivers.match import Problem, Subject


def waived_image(report: ImageReport, waivers: Sequence[Waiver], today: str) -> ImageReport:
    """``report`` about one image that is scanned for itself."""
    if not waivers:
        return report
    held = Waivers(waivers, today, _is_asked)
    name = report.sbom.image.name
    kept = _Image(held, ScannedImage((name,), report), {}).waived()
    return replace(kept, waivers=held.uses())


def waived_images(
    report: ImagesReport, waivers: Sequence[Waiver], subjects: Mapping[str, Subject], today: str
) -> ImagesReport:
    """``subjects``: the objects that run images, by id. A waiver for some objects covers an image that these alone run."""
    if not waivers:
        return report
    held = Waivers(waivers, today, _is_asked)
    images = tuple(replace(one, report=_Image(held, one, subjects).waived()) for one in report.images)
    return replace(report, images=images, waivers=held.uses())


def _is_asked(match: WaiverMatch) -> bool:
    """Controls judge objects; those of them that images have too are named by their titles."""
    return match.sort != "controls" and not (
        match.controls and all(_is_control(one) for one in match.controls)
    )


def _is_control(text: str) -> bool:
    return text[:2].upper() in ("C-", "L-")


class _Image:
    """One image against all waivers."""

    def __init__(self, held: Waivers, image: ScannedImage, subjects: Mapping[str, Subject]) -> None:
        self._held = held
        self._image = image
        identity = image.report.sbom.image
        names = (*image.names, identity.name, identity.digest, identity.id, *identity.repo_tags)
        self._names = tuple(dict.fromkeys(known for name in names if name for known in image_names(name)))
        self._parts = parts_of(identity.name)
        users = [subjects[id] for id in dict.fromkeys(use.resource for use in image.uses) if id in subjects]
        self._users = users or [Subject()]

    def waived(self) -> ImageReport:
        report = self._image.report
        kept: list[Match] = []
        suppressed = list(report.suppressed)
        for match in report.vulnerabilities:
            place = self._of_match(match)
            if place is None:
                kept.append(match)
            else:
                why = why_accepted(self._held.waivers[place])
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

    def _of_match(self, match: Match) -> int | None:
        problem = Problem(
            vulnerabilities=(match.id, *match.aliases),
            package=match.package.name,
            severity=match.severity,
            has_fix=bool(match.fixed_in),
        )
        return self._found(problem, match.package.found_in)

    def _of_finding(self, finding: ImageFinding) -> int | None:
        names = (finding.title, finding.title.lower().replace(" ", "-"))
        return self._found(Problem(controls=names, severity=finding.severity), (finding.where,))

    def _found(self, problem: Problem, paths: tuple[str, ...]) -> int | None:
        """Place of the waiver that covers it."""
        key = (id(self), paths)
        return self._held.find(
            problem,
            key,
            lambda: [
                replace(user, images=self._names, image_parts=self._parts, paths=paths)
                for user in self._users
            ],
            is_every=True,
        )


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
