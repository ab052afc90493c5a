"""What is in images and what is wrong with it: vulnerabilities, their numbers, packages and VEX."""

from typing import Annotated, Any

from msgspec import UNSET, Struct, field

from leadline.api.kind import MIB, Body, Column, Kind, at, severity_columns
from leadline.api.kinds.configuration import Reference
from leadline.api.wire_type import List, Maybe, Members, Texts, Wire, about
from leadline.untyped import mappings

IMAGE_SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")


class Counted(Wire, frozen=True):
    """Counts of an image's vulnerabilities: an annotation of its results, so that no reader needs their bodies."""

    database: str = ""
    """When the newest feed of the database was made; empty where there was none."""
    digest: str = ""
    found: dict[str, int] = {}
    """Vulnerabilities by severity."""
    fixable: dict[str, int] = {}
    """Those of them that an upgrade removes."""
    exploited: int = 0
    exploited_ids: tuple[str, ...] = ()
    critical_ids: tuple[str, ...] = ()
    """The first of either, not all."""
    remote_code_ids: tuple[str, ...] = ()
    """The first severe ones by which code can be run, as far as their publishers say so."""
    unread: int = 0
    """Parts of the image that could not be read."""
    accepted: int = 0
    """Vulnerabilities that someone accepts; they are in none of the numbers above."""
    accepted_ids: tuple[str, ...] = ()
    """The first of these, not all."""
    grave: dict[str, str] = {}
    """Exploited and critical ones by id, the first of them: ``x`` for exploited, ``l`` for loaded, ``f`` for fixable."""


class IgnoredPackage(Wire, frozen=True):
    name: str = ""
    version: str = ""
    language: str = ""
    type: str = ""
    location: str = ""
    upstream_name: str = field(default="", name="upstream-name")


class IgnoreRule(Wire, frozen=True):
    vulnerability: str = ""
    fix_state: str = field(default="", name="fix-state")
    package: Maybe[IgnoredPackage] = UNSET
    source_kind: Maybe[str] = UNSET
    source_name: Maybe[str] = UNSET
    source_namespace: Maybe[str] = UNSET
    justification: Maybe[str] = UNSET
    impact_statement: Maybe[str] = UNSET


class CvssMetrics(Wire, frozen=True):
    base_score: float = 0
    exploitability_score: Maybe[float] = UNSET
    impact_score: Maybe[float] = UNSET


class CvssScore(Wire, frozen=True):
    version: str = ""
    vector: str = ""
    source: Maybe[str] = UNSET
    type: Maybe[str] = UNSET
    metrics: CvssMetrics = CvssMetrics()
    vendor_metadata: Any = None


class Vulnerability(Wire, frozen=True):
    id: str = ""
    data_source: str = ""
    namespace: Maybe[str] = UNSET
    severity: Maybe[str] = UNSET
    urls: Texts = None
    description: Maybe[str] = UNSET
    cvss: List[CvssScore] = None
    known_exploited: Any = UNSET
    epss: Any = UNSET
    cwes: Any = UNSET
    risk: Maybe[float] = UNSET


class VulnerabilityFix(Wire, frozen=True):
    versions: Texts = None
    state: str = ""
    available: Any = UNSET
    suggested_version: Maybe[str] = UNSET


class AdvisoryLink(Wire, frozen=True):
    id: str = ""
    link: str = ""


class MatchedVulnerability(Vulnerability, frozen=True):
    fix: VulnerabilityFix = VulnerabilityFix()
    advisories: List[AdvisoryLink] = None


class MatchDetail(Wire, frozen=True):
    type: str = ""
    matcher: str = ""
    searched_by: Any = None
    found: Any = None
    fix: Any = UNSET


class PackageLocation(Wire, frozen=True):
    path: str = ""
    layer_id: str = field(default="", name="layerID")
    access_path: Maybe[str] = UNSET
    annotations: Maybe[dict[str, str]] = UNSET


class Upstream(Wire, frozen=True):
    name: str = ""
    version: Maybe[str] = UNSET


class MatchedPackage(Wire, frozen=True):
    id: Maybe[str] = UNSET
    name: str = ""
    version: str = ""
    type: str = ""
    locations: List[PackageLocation] = None
    language: str = ""
    licenses: Texts = None
    cpes: Texts = None
    purl: str = ""
    upstreams: List[Upstream] = None
    metadata_type: Maybe[str] = UNSET
    metadata: Any = UNSET


class VulnerabilityMatch(Wire, frozen=True):
    vulnerability: MatchedVulnerability = MatchedVulnerability()
    related_vulnerabilities: List[Vulnerability] = None
    match_details: List[MatchDetail] = None
    artifact: MatchedPackage = MatchedPackage()
    relevant: Annotated[
        Maybe[bool],
        about("Whether a container loaded the package while it ran; absent where that is not known."),
    ] = UNSET


class IgnoredMatch(VulnerabilityMatch, frozen=True):
    applied_ignore_rules: List[IgnoreRule] = None


class ScanTool(Wire, frozen=True):
    name: str = ""
    version: str = ""


class MatchingTool(ScanTool, frozen=True):
    database_version: str = ""


class ScanReport(Wire, frozen=True):
    created_at: str = ""


class ManifestMetadata(Wire, frozen=True):
    with_relevancy: bool = False
    tool: MatchingTool = MatchingTool()
    report: ScanReport = ScanReport()


class ImageSource(Wire, frozen=True):
    type: str = ""
    target: Any = None


class ImageDistro(Wire, frozen=True):
    name: str = ""
    version: str = ""
    id_like: Texts = None


class MatchDescriptor(Wire, frozen=True):
    name: str = ""
    version: str = ""
    configuration: Any = UNSET
    db: Any = UNSET
    timestamp: Maybe[str] = UNSET


class ManifestPayload(Wire, frozen=True):
    matches: Annotated[List[VulnerabilityMatch], about("Vulnerabilities of packages in the image.")] = None
    ignored_matches: Maybe[List[IgnoredMatch]] = UNSET
    source: Maybe[ImageSource] = UNSET
    distro: ImageDistro = ImageDistro()
    descriptor: MatchDescriptor = MatchDescriptor()


class ImageVulnerabilities(Wire, frozen=True):
    """The vulnerabilities of one image, or of what one container uses of it."""

    metadata: ManifestMetadata = ManifestMetadata()
    payload: ManifestPayload = ManifestPayload()


class VulnerabilityManifest(Wire, frozen=True):
    spec: ImageVulnerabilities = ImageVulnerabilities()
    status: Members = {}


class VulnerabilityCount(Wire, frozen=True):
    all: int = 0
    relevant: int = 0


class VulnerabilityCounts(Wire, frozen=True):
    """How many vulnerabilities there are, and how many in packages that are in use."""

    critical: VulnerabilityCount = VulnerabilityCount()
    high: VulnerabilityCount = VulnerabilityCount()
    medium: VulnerabilityCount = VulnerabilityCount()
    low: VulnerabilityCount = VulnerabilityCount()
    negligible: VulnerabilityCount = VulnerabilityCount()
    unknown: VulnerabilityCount = VulnerabilityCount()


class ManifestReferences(Wire, frozen=True):
    all: Reference = Reference()
    relevant: Reference = Reference()


class ContainerVulnerabilities(Wire, frozen=True):
    """The vulnerabilities of one container of a workload, counted."""

    severities: VulnerabilityCounts = VulnerabilityCounts()
    vulnerabilities_ref: ManifestReferences = ManifestReferences()


class VulnerabilityManifestSummary(Wire, frozen=True):
    spec: ContainerVulnerabilities = ContainerVulnerabilities()
    status: Members = {}


class NamespaceVulnerabilities(Wire, frozen=True):
    """The sums of all vulnerability summaries of one namespace; computed."""

    severities: VulnerabilityCounts = VulnerabilityCounts()
    vulnerabilities_ref: Annotated[List[Reference], about("The summaries that were added up.")] = None


class VulnerabilitySummary(Wire, frozen=True):
    spec: NamespaceVulnerabilities = NamespaceVulnerabilities()


class SyftLocation(Wire, frozen=True):
    path: str = ""
    layer_id: Maybe[str] = field(default=UNSET, name="layerID")
    access_path: Maybe[str] = UNSET
    annotations: Maybe[dict[str, str]] = UNSET


class SyftPackage(Wire, frozen=True):
    id: str = ""
    name: str = ""
    version: str = ""
    type: str = ""
    found_by: str = ""
    locations: List[SyftLocation] = None
    licenses: List[Any] = None
    language: str = ""
    cpes: List[Any] = None
    purl: str = ""
    metadata_type: Maybe[str] = UNSET
    metadata: Any = UNSET


class SyftRelationship(Wire, frozen=True):
    parent: str = ""
    child: str = ""
    type: str = ""
    metadata: Any = UNSET


class SyftSource(Wire, frozen=True):
    id: str = ""
    name: str = ""
    version: str = ""
    type: str = ""
    metadata: Any = None


class SyftDescriptor(ScanTool, frozen=True):
    configuration: Any = UNSET


class SyftSchema(Wire, frozen=True):
    version: str = ""
    url: str = ""


class SyftDocument(Wire, frozen=True):
    artifacts: Annotated[List[SyftPackage], about("The packages.")] = None
    artifact_relationships: List[SyftRelationship] = None
    files: Maybe[List[Any]] = UNSET
    source: SyftSource = SyftSource()
    distro: Members = {}
    descriptor: SyftDescriptor = SyftDescriptor()
    schema: SyftSchema = SyftSchema()


class SbomMetadata(Wire, frozen=True):
    tool: ScanTool = ScanTool()
    report: ScanReport = ScanReport()


class ImagePackages(Wire, frozen=True):
    """The packages of one image."""

    metadata: SbomMetadata = SbomMetadata()
    syft: SyftDocument = SyftDocument()


class SBOMSyft(Wire, frozen=True):
    spec: ImagePackages = ImagePackages()
    status: Members = {}


class SBOMSyftFiltered(SBOMSyft, frozen=True):
    pass


class VexVulnerability(Struct, frozen=True):
    id: str = field(default="", name="@id")
    name: str = ""
    description: str = ""
    aliases: Texts = None


class VexStatement(Struct, frozen=True):
    id: Maybe[str] = field(default=UNSET, name="@id")
    vulnerability: VexVulnerability = VexVulnerability()
    timestamp: Maybe[str] = UNSET
    last_updated: Maybe[str] = UNSET
    products: List[Any] = None
    status: str = ""
    status_notes: Maybe[str] = UNSET
    justification: Maybe[str] = UNSET
    impact_statement: Maybe[str] = UNSET
    action_statement: Maybe[str] = UNSET
    action_statement_timestamp: Maybe[str] = UNSET
    version: Maybe[int] = UNSET
    supplier: Maybe[str] = UNSET


class VexDocument(Struct, frozen=True):
    """An OpenVEX document: which vulnerabilities affect the container."""

    context: str = field(default="", name="@context")
    id: str = field(default="", name="@id")
    author: str = ""
    role: str = ""
    timestamp: str = ""
    last_updated: str = ""
    version: int = 0
    tooling: str = ""
    supplier: Maybe[str] = UNSET
    statements: List[VexStatement] = None


class OpenVulnerabilityExchangeContainer(Wire, frozen=True):
    spec: VexDocument = VexDocument()
    status: Members = {}


def _matches(severity: str) -> Any:
    def count(body: Body) -> int:
        matches = at(body, "spec", "payload", "matches")
        return sum(
            str(at(match, "vulnerability", "severity")).lower() == severity
            for match in (matches if isinstance(matches, list) else ())
        )

    return count


def _tidy_manifest(body: Body) -> None:
    """No scores and no fixed versions are null: clients take an empty list of versions for a fix."""
    spec = body["spec"] = body.get("spec") or {}
    payload = spec["payload"] = spec.get("payload") or {}
    for match in [*mappings(payload.get("matches")), *mappings(payload.get("ignoredMatches"))]:
        vulnerability = match.get("vulnerability")
        fix = at(vulnerability, "fix")
        if isinstance(fix, dict) and not fix.get("versions"):
            fix["versions"] = None
        for described in [vulnerability, *mappings(match.get("relatedVulnerabilities"))]:
            if isinstance(described, dict) and not described.get("cvss"):
                described["cvss"] = None


_IMAGE = Column("Image", "string", "annotation:image-tag", "the image")
_SCANNED = "how long ago it was scanned"
_ALL = severity_columns(IMAGE_SEVERITIES, "spec.severities.{}.all".format, "vulnerabilities")
_SBOM_COLUMNS = (
    Column("Packages", "integer", "spec.syft.artifacts", "packages in the image"),
    Column("Distro", "string", "spec.syft.distro.prettyName", "the distribution"),
    _IMAGE,
    Column("Status", "string", "annotation:status", "whether the image could be read"),
    Column("Tool", "string", "spec.metadata.tool.version", "version of the tool", 1),
)

MANIFESTS = Kind(
    VulnerabilityManifest,
    "vulnerabilitymanifests",
    (
        *severity_columns(IMAGE_SEVERITIES, _matches, "vulnerabilities"),
        _IMAGE,
        Column("Scanned", "date", "spec.metadata.report.createdAt", _SCANNED),
        Column("Database", "string", "spec.metadata.tool.databaseVersion", "vulnerability database", 1),
    ),
    tidy=_tidy_manifest,
    max_bytes=50 * MIB,
    max_writers=50,
    short_names=("vman",),
)
CONTAINER_SUMMARIES = Kind(
    VulnerabilityManifestSummary,
    "vulnerabilitymanifestsummaries",
    (
        *_ALL,
        _IMAGE,
        Column("Scanned", "date", "annotation:timestamp", _SCANNED),
        *(
            Column(
                f"{name.title()}-In-Use",
                "integer",
                f"spec.severities.{name}.relevant",
                f"vulnerabilities of {name} severity in packages that are in use",
                1,
            )
            for name in IMAGE_SEVERITIES
        ),
    ),
    short_names=("vmsum",),
)
VULNERABILITY_SUMS = Kind(
    VulnerabilitySummary,
    "vulnerabilitysummaries",
    (*_ALL, Column("Containers", "integer", "spec.vulnerabilitiesRef", "containers that were scanned")),
    is_namespaced=False,
    is_computed=True,
    lists_whole=True,
    short_names=("vsum",),
)
SBOMS = Kind(
    SBOMSyft,
    "sbomsyfts",
    _SBOM_COLUMNS,
    max_bytes=100 * MIB,
    max_writers=50,
    short_names=("sbom",),
)
FILTERED_SBOMS = Kind(
    SBOMSyftFiltered,
    "sbomsyftfiltereds",
    _SBOM_COLUMNS,
    max_bytes=50 * MIB,
    max_writers=50,
    short_names=("sbomf",),
)
VEX = Kind(
    OpenVulnerabilityExchangeContainer,
    "openvulnerabilityexchangecontainers",
    (
        Column("Statements", "integer", "spec.statements", "statements about vulnerabilities"),
        Column("Author", "string", "spec.author", "who states it", 1),
    ),
    max_bytes=8 * MIB,
    max_writers=50,
    short_names=("vex",),
)
