"""Images as pages list them: of each what was found and what runs it, without the whole of its SBOM."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse
from leadline.outputs.text.plain import plain
from leadline.scans.pages.rows import object_key
from leadline.vulnerabilities.upgrades import upgrades

_LONGEST = 4096


class Use(Struct, frozen=True):
    """A container that runs an image."""

    title: str
    """``shop/Deployment/web``."""
    namespace: str
    container: str
    resource: str = ""
    """The id of the object, where it is known."""


class Flaw(Struct, frozen=True, gc=False):
    """A vulnerability of a package of one image."""

    id: str
    severity: str
    package: str
    version: str
    fixed_in: str
    """The version to upgrade to; empty where there is none."""
    is_exploited: bool
    is_loaded: bool | None
    """At run time; ``None`` where that is not known."""
    summary: str


class Step(Struct, frozen=True, gc=False):
    """One upgrade."""

    type: str
    name: str
    to: str
    removes: tuple[str, ...]
    """Ids of vulnerabilities."""


class ImageSums(Struct, frozen=True, gc=False):
    """Of an image whose packages and vulnerabilities are counted somewhere else, and not listed here."""

    packages: int
    exploited: int


class ImageEntry(Struct, frozen=True):
    key: str
    """What it is called in an address."""
    name: str
    digest: str
    distro: str
    is_matched: bool
    """Whether there was a database: without one nothing is known of its vulnerabilities."""
    database: str
    """When that was built."""
    scanned: str
    """When, RFC 3339; empty where nothing says so."""
    severities: Mapping[str, int]
    packages: tuple[str, ...]
    """``NAME VERSION``."""
    flaws: tuple[Flaw, ...]
    """The most urgent first."""
    steps: tuple[Step, ...]
    unread: tuple[str, ...]
    """What of it could not be read or judged."""
    uses: tuple[Use, ...] = ()
    accepted: int = 0
    sums: ImageSums | None = None
    """``None`` where all is listed."""

    @property
    def exploited(self) -> int:
        if self.sums is not None:
            return self.sums.exploited
        return sum(flaw.is_exploited for flaw in self.flaws)

    @property
    def fixable(self) -> int:
        return sum(bool(flaw.fixed_in) for flaw in self.flaws)


def image_entry(
    report: ImageReport, name: str = "", uses: Iterable[Use] = (), scanned: str = ""
) -> ImageEntry:
    image, distro = report.sbom.image, report.sbom.distro
    shown = plain(name or image.name, _LONGEST)
    return ImageEntry(
        object_key(f"{shown}\0{image.id or image.digest}"),
        shown,
        plain(image.digest),
        plain(f"{distro.id} {distro.version}".strip()),
        report.database is not None,
        report.database.date if report.database else "",
        scanned,
        Counter(match.severity for match in report.vulnerabilities),
        tuple(dict.fromkeys(f"{plain(one.name)} {plain(one.version)}" for one in report.sbom.packages)),
        tuple(_flaws(report)),
        tuple(
            Step(
                step.type, plain(step.name), plain(step.to), tuple(dict.fromkeys(m.id for m in step.removes))
            )
            for step in upgrades(report.vulnerabilities, report.sbom)
        ),
        tuple(_unread(report)),
        tuple(uses),
        sum(one.by == "waiver" for one in report.suppressed) + len(report.waived_findings),
    )


def image_entries(report: ImagesReport) -> tuple[ImageEntry, ...]:
    """Those of a scan of several images; what could not be read is among them, as not matched."""
    found = [
        image_entry(
            one.report,
            one.names[0],
            _uses(one.uses),
        )
        for one in report.images
    ]
    failed = [
        ImageEntry(
            object_key(one.unread.where),
            plain(one.unread.where, _LONGEST),
            "",
            "",
            False,
            "",
            "",
            {},
            (),
            (),
            (),
            (plain(one.unread.why, _LONGEST),),
            tuple(_uses(one.uses)),
        )
        for one in report.failed
    ]
    return (*found, *failed)


def _uses(uses: Iterable[ImageUse]) -> Iterator[Use]:
    for use in uses:
        yield Use(plain(use.title), use.title.partition("/")[0], plain(use.container), use.resource)


def _flaws(report: ImageReport) -> Iterator[Flaw]:
    for match in report.vulnerabilities:
        yield Flaw(
            plain(match.id),
            match.severity,
            plain(match.package.name),
            plain(match.package.version),
            plain(match.fixed_in[0]) if match.fixed_in else "",
            match.exploited is not None,
            match.loaded,
            plain(match.summary),
        )


def _unread(report: ImageReport) -> Iterator[str]:
    yield from (plain(why, _LONGEST) for why in report.not_judged)
    for one in report.sbom.unread:
        yield plain(f"{one.where}: {one.why}", _LONGEST)
    for part in report.coverage:
        if part.why and part.counts:
            yield plain(f"{part.ecosystem}: {part.why}", _LONGEST)
