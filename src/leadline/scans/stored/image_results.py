"""An image report as the objects that a store keeps of it: its packages, its vulnerabilities, what is stated about them,
and their number for each container.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.configuration import Reference
from leadline.api.kinds.images import (
    IMAGE_SEVERITIES,
    ContainerVulnerabilities,
    Counted,
    CvssMetrics,
    CvssScore,
    IgnoredMatch,
    IgnoreRule,
    ImageDistro,
    ImageSource,
    ImageVulnerabilities,
    ManifestMetadata,
    ManifestPayload,
    ManifestReferences,
    MatchDescriptor,
    MatchDetail,
    MatchedPackage,
    MatchedVulnerability,
    MatchingTool,
    PackageLocation,
    SbomMetadata,
    ScanReport,
    ScanTool,
    Upstream,
    Vulnerability,
    VulnerabilityCount,
    VulnerabilityCounts,
    VulnerabilityFix,
    VulnerabilityMatch,
)
from leadline.api.posture_results import label_value, other_name, slug
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key, labels_of
from leadline.model.image_report import ImageReport
from leadline.model.package import Package
from leadline.model.vulnerability import FixState, Match, Suppressed
from leadline.outputs.documents.report_document import FORMAT, decode, encode
from leadline.outputs.format_registry import Page
from leadline.outputs.rows.no_places import NoPlaces
from leadline.packages.package_url import package_url
from leadline.untyped import MALFORMED
from leadline.version import __version__

SBOMS = "sbomsyfts"
VEX = "openvulnerabilityexchangecontainers"
MANIFESTS = "vulnerabilitymanifests"
SUMMARIES = "vulnerabilitymanifestsummaries"
_STATES: dict[FixState, str] = {"fixed": "fixed", "not fixed": "not-fixed", "wont fix": "wont-fix"}
COUNTED = "leadline.dev/vulnerabilities"
"""The annotation with what is counted of an image's vulnerabilities, so that no one has to read bodies for it."""
_CODE_WEAKNESSES = frozenset({"CWE-77", "CWE-78", "CWE-94", "CWE-95", "CWE-502", "CWE-917", "CWE-1336"})
"""Injection of commands, code and expressions, and untrusted data that is made into objects: https://cwe.mitre.org."""
_RUNS_CODE = re.compile(
    r"remote code execution|\bRCE\b|execut\w* (?:of )?(?:arbitrary|remote) (?:code|commands)", re.IGNORECASE
)
MOST_NAMED = 50
"""Ids of each sort in that annotation."""
MOST_GRAVE = 500
MOST_ACCEPTED_NAMED = 500
"""Of what is accepted. More than that is shown as failing where single findings are listed."""
CONTEXT = f"{PREFIX}context"
"""Label of manifests."""
FILTERED = "filtered"
SCAN = "leadline.dev/scan"
"""Annotation, JSON of ``ScanNote``: of an image that is scanned because a cluster runs it."""
_ID_END = 6
Body = dict[str, Any]


_USUAL: Mapping[Any, str] = MappingProxyType({})


class RunningContainer(Struct, frozen=True):
    """A container that runs an image."""

    kind: str
    """Of its workload."""
    workload: str
    namespace: str
    name: str


class Scanned(Struct, frozen=True):
    """When and where results are stored; ``home`` is the namespace of those about images."""

    home: str
    at: str
    digest: str = ""
    """By which the cluster runs the image, where it is scanned for that."""
    database: str = ""
    """When the database was built, where the image is scanned for that."""
    accepted: str = ""
    """What names that which was accepted in it; empty where nothing was to be."""


class ImageCounts(Struct, frozen=True):
    """What the summaries of an image's containers say of it."""

    name: str
    id: str
    manifest: str
    """Name of the VulnerabilityManifest."""
    is_matched: bool
    """Whether there was a database."""
    counted: Counted


class ScanNote(Struct, frozen=True, omit_defaults=True):
    """What a result says of itself without its body."""

    digest: str
    """By which the cluster runs the image."""
    database: str
    """When the database was built."""
    accepted: str = ""
    """As in ``Scanned``."""


def scan_note(annotations: Mapping[str, str]) -> ScanNote | None:
    """``None`` where nothing is said, or nothing that makes sense."""
    try:
        return msgspec.json.decode(annotations.get(SCAN, ""), type=ScanNote)
    except MALFORMED:
        return None


def stored_counts(manifest: str, annotations: Mapping[str, str]) -> ImageCounts | None:
    """Those of the result called ``manifest``, out of its annotations; ``None`` where they are not there."""
    try:
        counted = msgspec.json.decode(annotations.get(COUNTED, ""), type=Counted)
    except MALFORMED:
        return None
    return ImageCounts(
        annotations.get(f"{PREFIX}image-tag", ""),
        annotations.get(f"{PREFIX}image-id", ""),
        manifest,
        annotations.get(f"{PREFIX}status") == "ready",
        counted,
    )


def counts_of(report: ImageReport, manifest: str = "") -> ImageCounts:
    """Those of ``report``; ``manifest`` where its result is called otherwise than ``manifest_name`` says."""
    image = report.sbom.image
    name = manifest or manifest_name(report)
    return ImageCounts(image.name, image.id, name, bool(report.database), counted(report))


def summary_puts(
    image: ImageCounts,
    scanned: Scanned,
    containers: Iterable[RunningContainer],
    names: Mapping[RunningContainer, str] = _USUAL,
) -> Iterator[Put]:
    """A summary for each container that runs ``image``; ``names`` as of ``summary_names``, of all there are."""
    metadata = _metadata(image, scanned)
    found = image.counted.found
    severities = VulnerabilityCounts(*(VulnerabilityCount(found.get(name, 0)) for name in IMAGE_SEVERITIES))
    spec = ContainerVulnerabilities(
        severities, ManifestReferences(Reference(scanned.home, image.manifest, MANIFESTS))
    )
    for container in containers:
        its = {**metadata, "labels": {**metadata["labels"], **_labels(container)}}
        name = names.get(container) or summary_name(container)
        yield _put(SUMMARIES, container.namespace, name, its, spec)


def image_puts(
    report: ImageReport,
    scanned: Scanned,
    containers: Iterable[RunningContainer] = (),
    manifest: str = "",
    names: Mapping[RunningContainer, str] = _USUAL,
) -> list[Put]:
    """The SBOM of the image, its VEX, a summary for each container that runs it, and its manifest.

    Each replaces what is there; ``manifest`` as in ``counts_of``, ``names`` as in ``summary_puts``.
    """
    image = counts_of(report, manifest)
    name, metadata = image.manifest, _metadata(image, scanned)
    of_sbom = {
        **metadata,
        "annotations": {**metadata["annotations"], f"{PREFIX}status": _sbom_status(report)},
    }
    return [
        _put(SBOMS, scanned.home, name, of_sbom, _sbom(report, scanned.at)),
        _put(VEX, scanned.home, name, metadata, _vex(report, scanned.at)),
        *summary_puts(image, scanned, containers, names),
        # Last: where it is there, all is.
        _put(MANIFESTS, scanned.home, name, metadata, _manifest(report, scanned.at)),
    ]


def _metadata(image: ImageCounts, scanned: Scanned) -> dict[str, dict[str, str]]:
    labels = {
        CONTEXT: "non-filtered",
        f"{PREFIX}image-id": label_value(image.id),
        f"{PREFIX}image-name": label_value(image.name),
    }
    annotations = {
        f"{PREFIX}image-id": image.id,
        f"{PREFIX}image-tag": image.name,
        f"{PREFIX}status": "ready" if image.is_matched else "incomplete",
        f"{PREFIX}timestamp": scanned.at,
        COUNTED: msgspec.json.encode(image.counted).decode(),
    }
    if scanned.digest:
        note = ScanNote(scanned.digest, scanned.database, scanned.accepted)
        annotations[SCAN] = msgspec.json.encode(note).decode()
    return {"labels": labels, "annotations": annotations}


def counted(report: ImageReport) -> Counted:
    matches = report.vulnerabilities
    exploited = [match.id for match in matches if match.exploited]
    critical = [match.id for match in matches if match.severity == "critical"]
    accepted = [one.match.id for one in report.suppressed if one.by == "waiver"]
    return Counted(
        report.database.date if report.database else "",
        report.sbom.image.digest,
        dict(Counter(match.severity for match in matches)),
        dict(Counter(match.severity for match in matches if match.fixed_in)),
        len(exploited),
        tuple(dict.fromkeys(exploited))[:MOST_NAMED],
        tuple(dict.fromkeys(critical))[:MOST_NAMED],
        running_code(matches),
        len(report.sbom.unread),
        len(accepted),
        tuple(dict.fromkeys(accepted))[:MOST_ACCEPTED_NAMED],
        grave(matches),
    )


def grave(matches: Iterable[Match]) -> dict[str, str]:
    """What ranks of workloads count; the exploited ones first, since not all may be named."""
    found: dict[str, set[str]] = {}
    for match in sorted(matches, key=lambda one: not one.exploited):
        if match.exploited or match.severity == "critical":
            said = (("x", match.exploited), ("l", match.exploited and match.loaded), ("f", match.fixed_in))
            found.setdefault(match.id, set()).update(letter for letter, is_so in said if is_so)
    return {id: "".join(sorted(found[id])) for id in list(found)[:MOST_GRAVE]}


class Described(Protocol):
    """What is known of a vulnerability."""

    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def weaknesses(self) -> Iterable[str]: ...
    @property
    def summary(self) -> str: ...


def running_code(matches: Iterable[Described]) -> tuple[str, ...]:
    """Ids of the grave ones by which code can be run from a distance, at most ``MOST_NAMED``."""
    found = [
        match.id
        for match in matches
        if match.severity in ("critical", "high")
        and (not _CODE_WEAKNESSES.isdisjoint(match.weaknesses) or _RUNS_CODE.search(match.summary))
    ]
    return tuple(dict.fromkeys(found))[:MOST_NAMED]


def manifest_name(report: ImageReport) -> str:
    """Of the image's name and the end of its id, as existing clients work it out."""
    image = report.sbom.image
    plain = re.sub(r"://|[:/_@]", "-", image.name).lower()
    return slug(f"{plain}-{image.id[-_ID_END:]}" if image.id else plain)


def other_manifest_name(report: ImageReport) -> str:
    """Where another image's results have the name that ``manifest_name`` says."""
    return other_name(manifest_name(report), report.sbom.image.id)


def summary_names(containers: Iterable[RunningContainer]) -> dict[RunningContainer, str]:
    """What the summaries of ``containers`` are called, each otherwise than all others in its namespace.

    ``a-b`` of ``web`` and ``b`` of ``web-a`` share what existing clients work out: the first of them has it.
    """
    named: dict[RunningContainer, str] = {}
    taken: set[tuple[str, str]] = set()
    for one in sorted(containers, key=lambda c: (c.namespace, c.kind, c.workload, c.name)):
        name = summary_name(one)
        if (one.namespace, name) in taken:
            name = other_summary_name(one)
        taken.add((one.namespace, name))
        named[one] = name
    return named


def other_summary_name(container: RunningContainer) -> str:
    """Where another container's summary has the name that ``summary_name`` says."""
    return other_name(summary_name(container), f"{container.kind}/{container.workload}/{container.name}")


def summary_name(container: RunningContainer) -> str:
    return slug(f"{container.kind}-{container.workload}-{container.name}".lower())


def is_filtered(metadata: bytes) -> bool:
    """Whether a manifest holds only what one container may have loaded of its image."""
    return labels_of(metadata).get(CONTEXT) == FILTERED


def filtered_put(
    report: ImageReport, labels: Mapping[str, str], place: tuple[str, str], notes: Mapping[str, str], at: str
) -> Put:
    """What one container may have loaded of ``report``, whose matches say what is known of that.

    ``labels`` and ``notes`` of the container's own; ``place``: namespace and name of the manifest.
    """
    may_run = tuple(one for one in report.vulnerabilities if one.loaded is not False)
    spec = _manifest(replace(report, vulnerabilities=may_run, suppressed=()), at)
    # Without the whole report, which the image's own manifest has.
    descriptor = MatchDescriptor("leadline", __version__)
    spec = replace(
        spec,
        metadata=replace(spec.metadata, with_relevancy=True),
        payload=replace(spec.payload, descriptor=descriptor),
    )
    image = counts_of(report)
    whole = _metadata(image, Scanned(place[0], at))
    annotations = {name: text for name, text in whole["annotations"].items() if name != COUNTED}
    metadata = {
        "labels": {**whole["labels"], **labels, CONTEXT: FILTERED},
        "annotations": {**annotations, **notes},
    }
    return _put(MANIFESTS, *place, metadata, spec)


def image_body(report: ImageReport, at: str) -> bytes:
    """Of the image's manifest."""
    return msgspec.json.encode({"spec": _manifest(report, at)})


def _manifest(report: ImageReport, at: str) -> ImageVulnerabilities:
    image, distro = report.sbom.image, report.sbom.distro
    database = report.database.date if report.database else ""
    return ImageVulnerabilities(
        ManifestMetadata(False, MatchingTool("leadline", __version__, database), ScanReport(at)),
        ManifestPayload(
            tuple(map(_match, report.vulnerabilities)) or None,
            tuple(map(_ignored, report.suppressed)) or UNSET,
            ImageSource("image", {"userInput": image.name, "imageID": image.id}),
            ImageDistro(distro.id, distro.version, distro.like),
            # The whole report, so that it can be shown again as it was.
            MatchDescriptor("leadline", __version__, orjson.loads(encode(report))),
        ),
    )


def stored_image(body: bytes) -> ImageReport | None:
    """The report within the body of a manifest; ``None`` where another tool wrote it.

    Raises: ``SourceError`` where it is damaged, or of a later version.
    """
    payload = orjson.loads(body).get("spec", {}).get("payload") or {}
    configuration = (payload.get("descriptor") or {}).get("configuration")
    if not isinstance(configuration, dict) or configuration.get("format") != FORMAT:
        return None
    report = decode(orjson.dumps(configuration))
    return report if isinstance(report, ImageReport) else None


def _sbom(report: ImageReport, at: str) -> Body:
    # Formats bring libraries of their own, which other results do without.
    from leadline.outputs.formats.syft_json import syft_json

    assert syft_json.draft is not None
    document = syft_json.draft(report.sbom, __version__).at(at)
    about = SbomMetadata(ScanTool("leadline", __version__), ScanReport(at))
    return {"metadata": about, "syft": orjson.loads(document)}


def _sbom_status(report: ImageReport) -> str:
    return "incomplete" if report.sbom.unread else "ready"


def _vex(report: ImageReport, at: str) -> Body:
    from leadline.outputs.formats.openvex import openvex

    written = StringIO()
    openvex.write(report, written, Page(NoPlaces(), at=at))
    document: Body = orjson.loads(written.getvalue())
    return document


def _match(match: Match) -> VulnerabilityMatch:
    """No scores and no fixed versions are null: clients take an empty list of versions for a fix."""
    return VulnerabilityMatch(
        MatchedVulnerability(
            match.id,
            match.references[0] if match.references else "",
            severity=match.severity.capitalize(),
            urls=match.references,
            description=match.summary,
            cvss=tuple(
                CvssScore(
                    _cvss_version(one.vector),
                    one.vector,
                    metrics=CvssMetrics(one.score),
                    vendor_metadata={},
                )
                for one in match.cvss
            )
            or None,
            fix=VulnerabilityFix(match.fixed_in or None, _STATES.get(match.state, "unknown")),
            advisories=(),
        ),
        tuple(Vulnerability(alias, urls=()) for alias in match.aliases),
        tuple(
            MatchDetail(
                match.how,
                found.feed,
                {"ecosystem": found.ecosystem, "package": found.package},
                {"advisory": found.advisory, "versions": found.versions},
            )
            for found in match.evidence[:1]
        ),
        _artifact(match.package),
        UNSET if match.loaded is None else match.loaded,
    )


def _cvss_version(vector: str) -> str:
    """``3.1`` of ``CVSS:3.1/AV:…``; vectors of version 2 do not say."""
    return vector.removeprefix("CVSS:").partition("/")[0] if vector.startswith("CVSS:") else "2.0"


def _artifact(package: Package) -> MatchedPackage:
    return MatchedPackage(
        name=package.name,
        version=package.version,
        type=package.type,
        locations=tuple(PackageLocation(f"/{path}", package.layer) for path in package.found_in),
        licenses=package.licenses,
        cpes=package.cpes,
        purl=package_url(package),
        upstreams=(Upstream(package.source, package.source_version),) if package.source else (),
    )


def _ignored(suppressed: Suppressed) -> IgnoredMatch:
    match = _match(suppressed.match)
    rule = IgnoreRule(
        suppressed.match.id,
        _STATES.get(suppressed.match.state, "unknown"),
        source_kind=suppressed.by,
        justification=suppressed.why,
    )
    return IgnoredMatch(
        match.vulnerability,
        match.related_vulnerabilities,
        match.match_details,
        match.artifact,
        applied_ignore_rules=(rule,),
    )


def _labels(container: RunningContainer) -> dict[str, str]:
    labels = {
        "workload-kind": container.kind,
        "workload-name": container.workload,
        "workload-namespace": container.namespace,
        "workload-container-name": container.name,
    }
    return {f"{PREFIX}{name}": label_value(value) for name, value in labels.items()}


def _put(plural: str, namespace: str, name: str, metadata: Body, spec: Struct | Body) -> Put:
    whole = {"name": name, "namespace": namespace, **metadata}
    content = Content(orjson.dumps(whole), body=msgspec.json.encode({"spec": spec}))
    return Put(Key(plural, namespace, name), content)
