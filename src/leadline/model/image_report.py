"""What a scan of an image found beside its packages."""

from msgspec import Struct

from leadline.model.control import Severity
from leadline.model.package import Sbom
from leadline.model.vulnerability import Coverage, DatabaseState, Match, Suppressed
from leadline.model.waiver import WaiverUse

DENIED_LICENCE = "Denied licence"
"""Title of findings about packages under a licence that their user does not want."""


CONTROLS = {
    "Runs as root": "L-0106",
    "Credential in the image": "L-0107",
    "Package cache in the image": "L-0111",
    "Port for remote control": "L-0112",
}
"""Controls that judge Dockerfiles by the same rule, by the titles of findings."""


class ImageFinding(Struct, frozen=True):
    """Something in the image, or in how it runs, that helps an attacker."""

    severity: Severity
    title: str
    """The same for all findings of a kind: ``Credential in the image``."""
    where: str
    """A path without a leading slash, or the part of the configuration."""
    detail: str = ""
    """What exactly; for a credential its kind and line, never its value."""
    fix: str = ""
    """What to do, the same for all findings of a kind."""
    layer: str = ""

    @property
    def control(self) -> str:
        """Id of the control of Dockerfiles that judges the same; empty for what only an image shows."""
        return CONTROLS.get(self.title, "")


class WaivedImageFinding(Struct, frozen=True):
    """A finding that someone accepts."""

    finding: ImageFinding
    waiver: str
    """What the waiver is called."""
    reason: str
    place: int = 0
    """Of the waiver among those of the report."""


class ImageReport(Struct, frozen=True, tag_field="type", tag="image"):
    """The SBOM and the findings, worst first."""

    sbom: Sbom
    findings: tuple[ImageFinding, ...]
    not_judged: tuple[str, ...] = ()
    """What a reader could take for judged and was not, each as one sentence without a full stop."""
    vulnerabilities: tuple[Match, ...] = ()
    """Of its packages, the most urgent first."""
    suppressed: tuple[Suppressed, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    """How far the packages were matched."""
    database: DatabaseState | None = None
    """``None`` where there was none, so that nothing was matched."""
    waived_findings: tuple[WaivedImageFinding, ...] = ()
    """Not among ``findings``. Vulnerabilities that are accepted are in ``suppressed``."""
    waivers: tuple[WaiverUse, ...] = ()
    """Every waiver that was looked at, and what became of it here."""

    @property
    def has_gaps(self) -> bool:
        """Whether no advisory could speak of some of its packages."""
        return any(one.why and one.counts for one in self.coverage)
