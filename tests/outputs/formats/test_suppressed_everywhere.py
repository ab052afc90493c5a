"""What is not counted is told alike by every format that lists it: its id, aliases, advisories, package and why."""

import io
from html import unescape
from typing import get_args

import pytest

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import DatabaseState, Evidence, Match, Suppressed
from leadline.outputs.format_registry import Page, find_format, formats_for
from leadline.outputs.rows.no_places import NoPlaces

BYS = get_args(Suppressed.__annotations__["by"])
ACCEPTED = ("waiver", "VEX")
COUNTED = {"github", "prometheus", "table"}
"""They say how many, or have no place for more."""
LISTED = {
    "cyclonedx-json": ("waiver",),
    "gitlab": ACCEPTED,
    "grype-json": BYS,
    "html": BYS,
    "json": BYS,
    "junit": ACCEPTED,
    "markdown": BYS,
    "openvex": BYS,
    "sarif": ACCEPTED,
}
"""Formats and the kinds of suppression that they list. Formats of findings leave out what a feed takes back, which was never a finding."""


def suppressed(number: int, by: str) -> Suppressed:
    package = Package("deb", f"package{number}", "1.0")
    named = (f"GHSA-{number}a", f"PYSEC-{number}b")
    evidence = tuple(
        Evidence("feed", advisory, "Debian:12", package.name, "before 2")
        for advisory in (f"DSA-{number}c", named[0], f"DLA-{number}d")
    )
    match = Match(f"CVE-2024-{number}", package, "high", aliases=named, evidence=evidence)
    return Suppressed(match, by, f"reason{number} of it")  # type: ignore[arg-type]


SUPPRESSED = tuple(suppressed(1001 + place, by) for place, by in enumerate(BYS))
PACKAGES = tuple(one.match.package for one in SUPPRESSED)
REPORT = ImageReport(
    Sbom(ImageIdentity("web"), PACKAGES),
    (),
    suppressed=SUPPRESSED,
    database=DatabaseState("2026-06-30T00:00:00Z", ()),
)
SEVERAL = ImagesReport((ScannedImage(("web",), REPORT),))


def written(name: str, report: ImageReport | ImagesReport) -> str:
    out = io.StringIO()
    find_format(name, type(report)).write(
        report, out, Page(NoPlaces(), at="2026-07-01T00:00:00Z", version="1")
    )
    return unescape(out.getvalue())


def facts(one: Suppressed) -> list[str]:
    match = one.match
    return [
        match.id,
        *match.aliases,
        *(each.advisory for each in match.evidence),
        match.package.name,
        one.why,
    ]


@pytest.mark.parametrize("report", [REPORT, SEVERAL], ids=["one", "several"])
def test_each_format_tells_all_of_it(report: ImageReport | ImagesReport):
    missing = []
    for name in formats_for(type(report)):
        text = written(name, report)
        for one in SUPPRESSED:
            if one.by in LISTED.get(name, ()):
                missing += [(name, one.by, fact) for fact in facts(one) if fact not in text]
    assert not missing


@pytest.mark.parametrize("kind", [ImageReport, ImagesReport])
def test_no_format_is_forgotten(kind: type):
    assert set(formats_for(kind)) <= LISTED.keys() | COUNTED


@pytest.mark.parametrize("name", sorted(COUNTED - {"prometheus", "github"}))
def test_those_that_count_count_all(name: str):
    assert f"suppressed  {len(BYS)} (" in written(name, REPORT)
