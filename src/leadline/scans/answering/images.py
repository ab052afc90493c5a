"""What is known of images: by JSON reports that were given, or by a store."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from leadline.errors import SourceError
from leadline.model.vulnerability import Match
from leadline.scans.answering.evidence import Evidence
from leadline.scans.stored.image_facts import ReadImage, ReadVulnerability, images_of_report
from leadline.scans.stored.stored_images import image_rows, stored_image_of


class FoundVulnerability(Struct, frozen=True):
    id: str
    severity: str
    package: str
    version: str
    fixed_in: tuple[str, ...]
    is_exploited: bool
    is_loaded: bool | None
    """``None`` where that is not known."""


class ImageEvidence(Struct, frozen=True):
    name: str
    is_matched: bool
    """Whether its packages were held against a vulnerability database."""
    vulnerabilities: tuple[FoundVulnerability, ...] = ()
    """The most urgent first."""
    counts: Mapping[str, int] = {}
    """By severity, where the vulnerabilities are not listed."""


def images_of(evidence: Evidence, name: str) -> list[ImageEvidence]:
    """Every image, or the one called ``name``. Raises: ``SourceError`` where there is none, ``StoreError``."""
    if evidence.given.store:
        return [_of_store(evidence, name)] if name else _all_of_store(evidence)
    if not evidence.given.images:
        raise SourceError("no report about images is given")
    found = [one for file in evidence.given.images for one in images_of_report(file)]
    if name:
        found = [one for one in found if name in (*one.names, one.image.name, *one.image.tags)][:1]
        if not found:
            raise SourceError(f"no image is called {name}", hint="ask without a name for the list")
    return list(map(_of_report, found))


def _of_report(one: ReadImage) -> ImageEvidence:
    name = next(iter((*one.names, one.image.name, *one.image.tags)), "")
    return ImageEvidence(name, one.database is not None, _found(one.vulnerabilities))


def _found(matches: Iterable[Match | ReadVulnerability]) -> tuple[FoundVulnerability, ...]:
    return tuple(
        FoundVulnerability(
            match.id,
            match.severity,
            match.package.name,
            match.package.version,
            match.fixed_in,
            match.exploited is not None,
            match.loaded,
        )
        for match in matches
    )


def _all_of_store(evidence: Evidence) -> list[ImageEvidence]:
    rows = evidence.of_store(image_rows)
    return [ImageEvidence(row["image"], row["isMatched"], (), row["vulnerabilities"]) for row in rows]


def _of_store(evidence: Evidence, name: str) -> ImageEvidence:
    report = evidence.of_store(lambda store: stored_image_of(store, name))
    return ImageEvidence(report.sbom.image.name, report.database is not None, _found(report.vulnerabilities))
